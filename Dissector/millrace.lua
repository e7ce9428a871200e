-- Wireshark dissector for the Millrace protocol, version 1 (PROTOCOL.md; requirement names such as F-7 are its own).
--
-- Install: copy it to ~/.local/lib/wireshark/plugins/ (or see Help, About, Folders), or give it to tshark:
-- tshark -X lua_script:millrace.lua
-- A conversation is known by the magic of its first frame, on any port. Where a capture lacks the beginning of a
-- connection, use "Decode As...", or tshark -d tcp.port==9000,millrace
-- What breaks a rule has an expert note: filter with millrace.violation, or with millrace.violation.code == 7.

local millrace = Proto("millrace", "Millrace")

local HEADER_BYTE_COUNT = 12
local SKIPPABLE_FROM = 128
local MOST_SKIPPED = 65536
local MOST_PEERS = 16384
local MOST_CHUNKS = 16777216
local MOST_ENTRIES = 1024
local MOST_CHUNKS_IN_PAGE = 64
local MOST_BYTES_IN_PAGE = 8388608
local NO_PEER = 4294967295
local MOST_ROOM_TIMES = 8
local MOST_RUNS_SHOWN = 100

-- Section 4: name, least and most bytes of payload; chunk: what the chunk ID of the header is, if anything.
local MESSAGES = {
    [1] = { name = "hello", least = 56, most = 256 },
    [2] = { name = "join", least = 44, most = 44 },
    [3] = { name = "welcome", least = 17, most = 272 },
    [4] = { name = "digests", least = 32, most = 65536, chunk = "first" },
    [5] = { name = "manifestEnd", least = 32, most = 32 },
    [6] = { name = "roster", least = 8, most = 24584 },
    [7] = { name = "rosterAdd", least = 32, most = 32 },
    [8] = { name = "rosterRemove", least = 8, most = 8 },
    [9] = { name = "listRequest", least = 0, most = 0 },
    [10] = { name = "list", least = 1, most = 2097153 },
    [11] = { name = "have", least = 1, most = 2097153 },
    [12] = { name = "credit", least = 4, most = 4 },
    [13] = { name = "request", least = 4, most = 4, chunk = "first" },
    [14] = { name = "cancel", least = 0, most = 0, chunk = "chunk" },
    [15] = { name = "reject", least = 1, most = 1, chunk = "chunk" },
    [16] = { name = "chunk", least = 1, most = 16777216, chunk = "chunk" },
    [17] = { name = "grant", least = 1, most = 16777216, chunk = "chunk" },
    [18] = { name = "rescue", least = 4, most = 4, chunk = "chunk" },
    [19] = { name = "ask", least = 4, most = 4, chunk = "chunk" },
    [20] = { name = "bad", least = 4, most = 4, chunk = "chunk" },
    [21] = { name = "complete", least = 32, most = 32 },
    [22] = { name = "finished", least = 0, most = 0 },
    [23] = { name = "goodbye", least = 2, most = 202 },
    [24] = { name = "ping", least = 8, most = 8 },
    [25] = { name = "pong", least = 8, most = 8 },
    [26] = { name = "introduce", least = 4, most = 4 },
    [27] = { name = "proof", least = 32, most = 224, chunk = "chunk" },
    [28] = { name = "proofRequest", least = 1, most = 2097153 },
    [29] = { name = "room", least = 1, most = 1 },
}

-- Section 14.
local CODES = {
    [0] = "done", "badFrame", "badMagic", "versionMismatch", "frameTooLong", "unknownType", "unexpectedMessage",
    "badField", "limitExceeded", "wrongSwarm", "notReady", "badChunk", "timedOut", "evicted", "tooManyConnections",
    "selfConnection", "sourceFailed", "leaving", "replaced",
}
local CODE = {}
for number, name in pairs(CODES) do CODE[name] = number end

local REASONS = { [0] = "notHeld", "overloaded", "unreadable", "cancelled" }
local ROLES = { [0] = "owner", "peer" }
local FAMILIES = { [0] = "none", [1] = "the owner's machine", [4] = "IPv4", [6] = "IPv6" }
local FORMS = { [0] = "runs", "bitmap" }

local TYPE_NAMES = {}
for number, message in pairs(MESSAGES) do TYPE_NAMES[number] = message.name end

-- What may come in each state (sections 11 and 12), by conversation and sender; "opening" is the message after hello.
local function set(...)
    local names = {}
    for _, name in ipairs({ ... }) do names[name] = true end
    return names
end
local CONVERSATIONS = {
    owner = {
        connecting = {
            opening = "join",
            rule = "O-1",
            open = set("listRequest", "list", "have", "credit", "request", "cancel", "rescue", "bad", "complete",
                "proofRequest"),
        },
        accepting = {
            opening = "welcome",
            rule = "O-2",
            open = set("digests", "manifestEnd", "roster", "rosterAdd", "rosterRemove", "list", "have", "reject",
                "chunk", "grant", "ask", "finished", "proof"),
        },
    },
    peers = {
        connecting = {
            opening = "introduce",
            rule = "P-1",
            open = set("listRequest", "list", "have", "request", "cancel", "room"),
        },
        accepting = { opening = "introduce", rule = "P-1", open = set("list", "have", "reject", "chunk", "proof") },
    },
}
local AFTER_LIST = set("have", "credit", "rescue", "bad", "complete", "proofRequest")

-- Fields -------------------------------------------------------------------------------------------------------------

local f = {
    length = ProtoField.uint32("millrace.length", "Payload length", base.DEC),
    type = ProtoField.uint8("millrace.type", "Message type", base.DEC, TYPE_NAMES),
    flags = ProtoField.uint8("millrace.flags", "Flags", base.HEX),
    reserved = ProtoField.uint16("millrace.reserved", "Reserved", base.HEX),
    chunk_id = ProtoField.uint32("millrace.chunk_id", "Chunk ID", base.DEC),
    payload = ProtoField.bytes("millrace.payload", "Payload"),
    skipped = ProtoField.bytes("millrace.skipped", "Payload of a later version, skipped"),
    unframed = ProtoField.bytes("millrace.unframed", "Bytes after a breach; their receiver reads no frames in them"),

    magic = ProtoField.string("millrace.hello.magic", "Magic"),
    lowest_version = ProtoField.uint16("millrace.hello.lowest_version", "Lowest version", base.DEC),
    highest_version = ProtoField.uint16("millrace.hello.highest_version", "Highest version", base.DEC),
    features = ProtoField.uint64("millrace.hello.features", "Feature bits", base.HEX),
    role = ProtoField.uint8("millrace.hello.role", "Role", base.DEC, ROLES),
    swarm_token = ProtoField.bytes("millrace.hello.swarm_token", "Swarm token"),
    node_token = ProtoField.bytes("millrace.hello.node_token", "Node token"),
    later_fields = ProtoField.bytes("millrace.hello.later_fields", "Fields of a later version"),

    listen_port = ProtoField.uint16("millrace.join.listen_port", "Listening port", base.DEC),
    join_flags = ProtoField.uint16("millrace.join.flags", "Flags", base.HEX),
    ring_only = ProtoField.bool("millrace.join.ring_only", "Keep me to my two neighbours on the ring", 16, nil, 1),

    address = ProtoField.bytes("millrace.address", "Address"),
    family = ProtoField.uint8("millrace.address.family", "Family", base.DEC, FAMILIES),
    address_port = ProtoField.uint16("millrace.address.port", "Port", base.DEC),
    ipv4 = ProtoField.ipv4("millrace.address.ipv4", "IPv4 address"),
    ipv6 = ProtoField.ipv6("millrace.address.ipv6", "IPv6 address"),

    peer_index = ProtoField.uint32("millrace.peer_index", "Peer index", base.DEC),
    chunk_size = ProtoField.uint32("millrace.welcome.chunk_size", "Chunk size", base.DEC),
    file_size = ProtoField.uint64("millrace.welcome.file_size", "File size", base.DEC),
    name = ProtoField.string("millrace.welcome.name", "Name", base.UNICODE),
    chunk_count = ProtoField.uint32("millrace.welcome.chunk_count", "Number of chunks", base.DEC),
    page_chunk_count = ProtoField.uint32("millrace.welcome.page_chunk_count", "Chunks in a page", base.DEC),

    digest = ProtoField.bytes("millrace.digest", "Digest"),
    content_id = ProtoField.bytes("millrace.content_id", "Content ID"),

    start = ProtoField.uint32("millrace.roster.start", "Place of the first entry", base.DEC),
    position = ProtoField.uint32("millrace.roster.position", "Place of the new member", base.DEC),
    total = ProtoField.uint32("millrace.roster.total", "Members in all", base.DEC),
    entry = ProtoField.bytes("millrace.roster.entry", "Entry"),

    form = ProtoField.uint8("millrace.list.form", "Form", base.DEC, FORMS),
    list_count = ProtoField.uint32("millrace.list.count", "Chunks in the list", base.DEC),
    run = ProtoField.string("millrace.list.run", "Chunks"),
    bitmap = ProtoField.bytes("millrace.list.bitmap", "Bitmap"),

    count = ProtoField.uint32("millrace.count", "Count", base.DEC),
    reject_reason = ProtoField.uint8("millrace.reject.reason", "Reason", base.DEC, REASONS),
    room_times = ProtoField.uint8("millrace.room.times", "Times the usual", base.DEC),
    goodbye_code = ProtoField.uint16("millrace.goodbye.code", "Code", base.DEC, CODES),
    goodbye_reason = ProtoField.string("millrace.goodbye.reason", "Reason", base.UNICODE),
    ping_token = ProtoField.uint64("millrace.ping.token", "Token", base.HEX),

    violation = ProtoField.string("millrace.violation", "Breach of"),
    violation_code = ProtoField.uint16("millrace.violation.code", "Answered with goodbye", base.DEC, CODES),
}
local fields = {}
for _, field in pairs(f) do fields[#fields + 1] = field end
millrace.fields = fields

local e = {
    breach = ProtoExpert.new("millrace.expert.breach", "Breach of the protocol", expert.group.PROTOCOL,
        expert.severity.ERROR),
    harmless = ProtoExpert.new("millrace.expert.harmless", "Breach that does no harm (G-7)", expert.group.SEQUENCE,
        expert.severity.WARN),
    skipped = ProtoExpert.new("millrace.expert.skipped", "Message of a later version, skipped (F-4)",
        expert.group.UNDECODED, expert.severity.NOTE),
    refused = ProtoExpert.new("millrace.expert.refused", "Goodbye with a fault", expert.group.RESPONSE_CODE,
        expert.severity.NOTE),
    gap = ProtoExpert.new("millrace.expert.gap", "Bytes behind a gap in this capture; the next frame is looked for",
        expert.group.UNDECODED, expert.severity.NOTE),
    cut = ProtoExpert.new("millrace.expert.cut", "Frame is not whole in this capture", expert.group.UNDECODED,
        expert.severity.NOTE),
}
local experts = {}
for _, note in pairs(e) do experts[#experts + 1] = note end
millrace.experts = experts

-- Wireshark 3.6 brought tcp.completeness, whose lowest bit tells that the capture has the connection's beginning.
local function field(name)
    local is_there, extractor = pcall(Field.new, name)
    return is_there and extractor or function() return nil end
end
local stream_field = Field.new("tcp.stream")
local completeness_field = field("tcp.completeness")
local lost_field = field("tcp.analysis.lost_segment")

-- State of a capture -------------------------------------------------------------------------------------------------

local streams, layouts, verdicts, unframed_packets = {}, {}, {}, {}

function millrace.init()
    streams, layouts, verdicts, unframed_packets = {}, {}, {}, {}
end

local function stream_of(pinfo)
    local number = stream_field()
    local key = number and number.value or 0
    local stream = streams[key]
    if not stream then
        stream = { connecting = {}, accepting = {} }
        streams[key] = stream
    end
    -- The connecting node sends first (H-2).
    if not stream.first then stream.first = tostring(pinfo.src) .. " " .. pinfo.src_port end
    local sender = tostring(pinfo.src) .. " " .. pinfo.src_port
    local side = sender == stream.first and "connecting" or "accepting"
    local completeness = completeness_field()
    if not pinfo.visited and (lost_field() or (completeness and completeness.value % 2 == 0)) then
        stream.has_gap = true
    end
    return stream, stream[side], side
end

local function layout_of(stream) return stream.layout or (stream.swarm and layouts[stream.swarm]) end

-- Helpers ------------------------------------------------------------------------------------------------------------

local function breach(frame, rule, code, text)
    frame.breaches[#frame.breaches + 1] = { rule = rule, code = code, text = text }
end

local function hex(bytes)
    return (bytes:gsub(".", function(byte) return string.format("%02x", string.byte(byte)) end))
end

local function is_zero(bytes) return not bytes:find("[^%z]") end

-- RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
local function is_utf8(bytes)
    local place = 1
    local function tail(count, low, high)
        for step = 1, count do
            local byte = bytes:byte(place + step)
            local least, most = step == 1 and low or 0x80, step == 1 and high or 0xBF
            if not byte or byte < least or byte > most then return false end
        end
        place = place + count + 1
        return true
    end
    while place <= #bytes do
        local byte = bytes:byte(place)
        local good
        if byte < 0x80 then good = tail(0)
        elseif byte >= 0xC2 and byte <= 0xDF then good = tail(1, 0x80, 0xBF)
        elseif byte == 0xE0 then good = tail(2, 0xA0, 0xBF)
        elseif byte == 0xED then good = tail(2, 0x80, 0x9F)
        elseif byte >= 0xE1 and byte <= 0xEF then good = tail(2, 0x80, 0xBF)
        elseif byte == 0xF0 then good = tail(3, 0x90, 0xBF)
        elseif byte == 0xF4 then good = tail(3, 0x80, 0x8F)
        elseif byte >= 0xF1 and byte <= 0xF3 then good = tail(3, 0x80, 0xBF)
        end
        if not good then return false end
    end
    return true
end

-- Section 7. Calls back with each run; returns the number of chunks, or nil, rule, code and text of the breach.
local function read_runs(bytes, chunk_count, found)
    local place, next_id, total = 2, 0, 0
    local function number()
        local value, scale = 0, 1
        for step = 1, 5 do
            local byte = bytes:byte(place)
            if not byte then return nil, "badFrame", "ends inside a number" end
            place = place + 1
            value = value + (byte % 128) * scale
            scale = scale * 128
            if byte < 128 then
                if byte == 0 and step > 1 then return nil, "badField", "a number is not in its shortest form" end
                if value > 4294967295 then return nil, "badField", "a number exceeds 32 bits" end
                return value
            end
        end
        return nil, "badField", "a number has more than 5 bytes"
    end
    while place <= #bytes do
        local gap, code, text = number()
        if not gap then return nil, "L-3", code, text end
        if place > #bytes then return nil, "L-2", "badFrame", "ends after a gap" end
        local length
        length, code, text = number()
        if not length then return nil, "L-3", code, text end
        local first = next_id + gap
        next_id = first + length + 1
        if next_id > (chunk_count or MOST_CHUNKS) then
            return nil, "L-4", "badField", "chunk " .. (next_id - 1) .. " does not exist"
        end
        total = total + length + 1
        found(first, next_id - 1)
    end
    return total
end

local function read_bitmap(bytes, chunk_count, found)
    local byte_count = #bytes - 1
    if chunk_count and byte_count ~= math.floor((chunk_count + 7) / 8) then
        return nil, "L-5", "badField", "a bitmap of " .. byte_count .. " bytes for " .. chunk_count .. " chunks"
    end
    local total, first = 0, nil
    for index = 0, byte_count - 1 do
        local byte = bytes:byte(index + 2)
        for bit = 0, 7 do
            local chunk = index * 8 + bit
            if byte % 2 == 1 then
                if chunk_count and chunk >= chunk_count then
                    return nil, "L-6", "badField", "a spare bit is set"
                end
                total = total + 1
                first = first or chunk
            elseif first then
                found(first, chunk - 1)
                first = nil
            end
            byte = math.floor(byte / 2)
        end
    end
    if first then found(first, byte_count * 8 - 1) end
    return total
end

-- Section 8. M-11: how many chunks a page has.
local function chunks_in_page(size, count)
    if count < MOST_CHUNKS_IN_PAGE then return 1 end
    local page = MOST_CHUNKS_IN_PAGE
    while page > 1 and page * size > MOST_BYTES_IN_PAGE do page = math.floor(page / 2) end
    return page
end

-- M-13: how many digests the proof of a chunk has, its own and one for each level on which it is not left over.
local function digests_in_proof(layout, chunk)
    local first = chunk - chunk % layout.page
    local place, width = chunk - first, math.min(layout.page, layout.count - first)
    local count = 1
    while width > 1 do
        local is_left_over = width % 2 == 1 and place == width - 1
        if not is_left_over then count = count + 1 end
        place, width = math.floor(place / 2), math.floor((width + 1) / 2)
    end
    return count
end

local function chunks_text(first, last)
    return first == last and "chunk " .. first or "chunks " .. first .. " to " .. last
end

-- Payloads -----------------------------------------------------------------------------------------------------------

-- A-1: returns how the address reads, and notes what is wrong with it.
local function address(frame, tree, offset, label, rule, needed)
    local range = frame.tvb(offset, 20)
    local family, port = range(0, 1):uint(), range(2, 2):uint()
    local raw = range:bytes():raw()
    local branch = tree:add(f.address, range)
    branch:add(f.family, range(0, 1))
    branch:add(f.address_port, range(2, 2))
    local text = FAMILIES[family]
    local good = raw:byte(2) == 0
    if family == 0 then
        good = good and is_zero(raw)
        if needed then breach(frame, rule, "badField", label .. " is needed") end
    elseif family == 1 then
        good = good and port > 0 and is_zero(raw:sub(5))
        text = text .. ", port " .. port
    elseif family == 4 then
        good = good and port > 0 and is_zero(raw:sub(9))
        branch:add(f.ipv4, range(4, 4))
        text = tostring(range(4, 4):ipv4()) .. ":" .. port
    elseif family == 6 then
        good = good and port > 0
        branch:add(f.ipv6, range(4, 16))
        text = "[" .. tostring(range(4, 16):ipv6()) .. "]:" .. port
    else
        good = false
        text = "unknown family " .. family
    end
    if not good then breach(frame, "A-1", "badField", label .. ": no address of any known form") end
    branch:set_text(label .. ": " .. text)
    return text
end

local function peer_index(frame, tree, offset, rule, may_be_none)
    local range = frame.tvb(offset, 4)
    local index = range:uint()
    local item = tree:add(f.peer_index, range)
    if may_be_none and index == NO_PEER then
        item:append_text(" (no peer)")
        return "no peer"
    end
    if index >= MOST_PEERS then breach(frame, rule, "badField", "peer index " .. index .. " is not below 16384") end
    return "peer " .. index
end

local function entry(frame, tree, offset, rule)
    local branch = tree:add(f.entry, frame.tvb(offset, 24))
    local who = peer_index(frame, branch, offset, rule)
    local where = address(frame, branch, offset + 4, "Address", rule, true)
    branch:set_text("Member: " .. who .. " at " .. where)
    return who .. " at " .. where
end

local function total_members(frame, tree, offset, rule, most)
    local total = frame.tvb(offset, 4):uint()
    tree:add(f.total, frame.tvb(offset, 4))
    if total > most then breach(frame, rule, "badField", total .. " members, at most " .. most) end
    return total
end

local payload = {}

function payload.hello(frame, tree)
    local tvb = frame.tvb
    tree:add(f.magic, tvb(0, 8))
    tree:add(f.lowest_version, tvb(8, 2))
    tree:add(f.highest_version, tvb(10, 2))
    tree:add(f.features, tvb(12, 8))
    tree:add(f.role, tvb(20, 1))
    tree:add(f.swarm_token, tvb(24, 16))
    tree:add(f.node_token, tvb(40, 16))
    if tvb:len() > 56 then tree:add(f.later_fields, tvb(56)) end
    local lowest, highest, role = tvb(8, 2):uint(), tvb(10, 2):uint(), tvb(20, 1):uint()
    local raw = tvb(0, 56):bytes():raw()
    if raw:sub(1, 8) ~= "MILLRACE" then breach(frame, "H-4", "badMagic", "magic is not MILLRACE") end
    if lowest > highest or lowest > 1 or highest < 1 then
        breach(frame, "H-5", "versionMismatch", "versions " .. lowest .. " to " .. highest .. " do not have 1")
    end
    if role > 1 then breach(frame, "H-7", "badField", "role " .. role) end
    if is_zero(raw:sub(41, 56)) then breach(frame, "H-9", "badField", "no node token") end
    if role == 0 and is_zero(raw:sub(25, 40)) then breach(frame, "H-11", "badField", "an owner without swarm token") end
    frame.role, frame.swarm = role, hex(raw:sub(25, 40))
    return ROLES[role] or ("role " .. role)
end

function payload.join(frame, tree)
    local port, flags = frame.tvb(0, 2):uint(), frame.tvb(2, 2):uint()
    tree:add(f.listen_port, frame.tvb(0, 2))
    local branch = tree:add(f.join_flags, frame.tvb(2, 2))
    branch:add(f.ring_only, frame.tvb(2, 2))
    address(frame, tree, 4, "Advertised address", "join.advertised")
    address(frame, tree, 24, "Given download neighbour", "join.neighbour")
    if port == 0 then breach(frame, "join.listenPort", "badField", "listening port 0") end
    if flags > 1 then breach(frame, "join.flags", "badField", "unknown flags") end
    return "listens on " .. port
end

function payload.welcome(frame, tree)
    local tvb = frame.tvb
    local who = peer_index(frame, tree, 0, "welcome.peerIndex")
    local size, file, length = tvb(4, 4):uint(), tvb(8, 8):uint64():tonumber(), tvb(16, 1):uint()
    tree:add(f.chunk_size, tvb(4, 4))
    tree:add(f.file_size, tvb(8, 8))
    if length ~= tvb:len() - 17 then
        breach(frame, "F-9", "badFrame", "a name of " .. length .. " bytes in " .. (tvb:len() - 17))
    elseif length > 0 then
        tree:add(f.name, tvb(17, length), tvb(17, length):string(ENC_UTF_8))
        if not is_utf8(tvb(17, length):bytes():raw()) then breach(frame, "welcome.name", "badField", "not UTF-8") end
    end
    if size < 1024 or size > 16777216 then
        breach(frame, "C-1", "badField", "chunk size " .. size)
        return who
    end
    local count = math.ceil(file / size)
    if count > MOST_CHUNKS then
        breach(frame, "C-2", "badField", "more than 16777216 chunks")
        return who
    end
    local page = chunks_in_page(size, count)
    tree:add(f.chunk_count, count):set_generated()
    tree:add(f.page_chunk_count, page):set_generated()
    frame.layout = { size = size, file = file, count = count, page = page, pages = math.ceil(count / page) }
    return string.format("%s, %d bytes in %d chunks", who, file, count)
end

function payload.digests(frame, tree)
    local length = frame.tvb:len()
    if length % 32 ~= 0 then breach(frame, "M-3", "badField", length .. " bytes are no whole digests") end
    local count, layout = math.floor(length / 32), frame.layout
    frame.count = count
    for index = 0, count - 1 do
        local item = tree:add(f.digest, frame.tvb(index * 32, 32))
        if layout then
            local first = frame.chunk + index * layout.page
            item:prepend_text("Page of " .. chunks_text(first, math.min(first + layout.page, layout.count) - 1) .. ", ")
        end
    end
    if not layout then return count .. " pages from chunk " .. frame.chunk end
    return chunks_text(frame.chunk, math.min(frame.chunk + count * layout.page, layout.count) - 1)
end

function payload.proof(frame, tree)
    local length = frame.tvb:len()
    if length % 32 ~= 0 then breach(frame, "M-13", "badField", length .. " bytes are no whole digests") end
    for index = 0, math.floor(length / 32) - 1 do
        local item = tree:add(f.digest, frame.tvb(index * 32, 32))
        item:prepend_text(index == 0 and "Chunk " .. frame.chunk .. ", " or "Sibling " .. index .. ", ")
    end
    return "chunk " .. frame.chunk
end

function payload.manifestEnd(frame, tree)
    tree:add(f.content_id, frame.tvb(0, 32))
    return "content ID " .. hex(frame.tvb(0, 4):bytes():raw()) .. "..."
end
payload.complete = payload.manifestEnd

function payload.roster(frame, tree)
    local tvb = frame.tvb
    local start = tvb(0, 4):uint()
    tree:add(f.start, tvb(0, 4))
    local total = total_members(frame, tree, 4, "roster.total", MOST_PEERS)
    local count = math.floor((tvb:len() - 8) / 24)
    if (tvb:len() - 8) % 24 ~= 0 then breach(frame, "roster.entries", "badField", "half an entry") end
    if start + count > total then breach(frame, "roster.start", "badField", "goes on after the last member") end
    for index = 0, count - 1 do entry(frame, tree, 8 + index * 24, "roster.entries") end
    return count .. " of " .. total .. " members"
end

function payload.rosterAdd(frame, tree)
    local position = frame.tvb(0, 4):uint()
    tree:add(f.position, frame.tvb(0, 4))
    local total = total_members(frame, tree, 4, "rosterAdd.total", MOST_PEERS)
    if position >= total then breach(frame, "rosterAdd.position", "badField", "behind the last member") end
    return entry(frame, tree, 8, "rosterAdd.entry") .. ", " .. total .. " members"
end

function payload.rosterRemove(frame, tree)
    local who = peer_index(frame, tree, 0, "rosterRemove.peerIndex")
    return who .. ", " .. total_members(frame, tree, 4, "rosterRemove.total", MOST_PEERS - 1) .. " members left"
end

function payload.list(frame, tree)
    local tvb = frame.tvb
    local form = tvb(0, 1):uint()
    tree:add(f.form, tvb(0, 1))
    if form > 1 then
        breach(frame, "L-1", "badField", "form " .. form)
        return "form " .. form
    end
    local chunk_count = frame.layout and frame.layout.count
    local runs, shown = 0, {}
    local total, rule, code, text = (form == 0 and read_runs or read_bitmap)(
        tvb(0):bytes():raw(), chunk_count, function(first, last)
            runs = runs + 1
            if runs <= MOST_RUNS_SHOWN then shown[runs] = first == last and "" .. first or first .. "-" .. last end
        end)
    if form == 1 and tvb:len() > 1 then tree:add(f.bitmap, tvb(1)) end
    if not total then
        breach(frame, rule, code, text)
        return "a list that does not parse"
    end
    tree:add(f.list_count, total):set_generated()
    for _, run in ipairs(shown) do tree:add(f.run, run):set_generated() end
    if runs > #shown then tree:add(f.run, "and " .. (runs - #shown) .. " runs more"):set_generated() end
    return total .. (total == 1 and " chunk" or " chunks")
end
payload.have, payload.proofRequest = payload.list, payload.list

function payload.credit(frame, tree)
    local count = frame.tvb(0, 4):uint()
    tree:add(f.count, frame.tvb(0, 4))
    if count < 1 or count > 1024 then
        breach(frame, frame.name .. ".count", "limitExceeded", count .. " is not 1 to 1024")
    end
    return count
end

function payload.request(frame, tree)
    local count = payload.credit(frame, tree)
    return chunks_text(frame.chunk, frame.chunk + count - 1)
end

function payload.reject(frame, tree)
    local reason = frame.tvb(0, 1):uint()
    tree:add(f.reject_reason, frame.tvb(0, 1))
    if reason > 3 then breach(frame, "reject.reason", "badField", "reason " .. reason) end
    return "chunk " .. frame.chunk .. ", " .. (REASONS[reason] or reason)
end

function payload.room(frame, tree)
    local times = frame.tvb(0, 1):uint()
    tree:add(f.room_times, frame.tvb(0, 1))
    if times < 1 or times > MOST_ROOM_TIMES then
        breach(frame, "room.times", "badField", times .. " is not 1 to " .. MOST_ROOM_TIMES)
    end
    return times .. " times the usual"
end

function payload.chunk(frame, tree)
    tree:add(f.payload, frame.tvb(0)):set_text("Bytes of chunk " .. frame.chunk .. ": " .. frame.tvb:len())
    Dissector.get("data"):call(frame.tvb, frame.pinfo, frame.root)
    return "chunk " .. frame.chunk .. ", " .. frame.tvb:len() .. " bytes"
end
payload.grant = payload.chunk

function payload.rescue(frame, tree)
    local who = peer_index(frame, tree, 0, frame.name .. ".peerIndex", frame.name == "rescue")
    return "chunk " .. frame.chunk .. ", " .. who
end
payload.ask, payload.bad = payload.rescue, payload.rescue

function payload.introduce(frame, tree) return peer_index(frame, tree, 0, "introduce.peerIndex") end

function payload.goodbye(frame, tree)
    local tvb = frame.tvb
    local code = tvb(0, 2):uint()
    local item = tree:add(f.goodbye_code, tvb(0, 2))
    if tvb:len() > 2 then
        tree:add(f.goodbye_reason, tvb(2), tvb(2):string(ENC_UTF_8))
        if not is_utf8(tvb(2):bytes():raw()) then breach(frame, "goodbye.reason", "badField", "not UTF-8") end
    end
    if code ~= CODE.done and code ~= CODE.leaving then item:add_proto_expert_info(e.refused) end
    return CODES[code] or (code .. ", read as leaving")
end

function payload.ping(frame, tree) tree:add(f.ping_token, frame.tvb(0, 8)) end
payload.pong = payload.ping

-- Rules of the header, and of the conversation -----------------------------------------------------------------------

-- Rules that the header alone shows (section 3). What breaks one ends the framing: nothing behind it is looked at.
local function judge_header(frame)
    local message = MESSAGES[frame.type]
    if frame.type >= SKIPPABLE_FROM then
        if frame.length > MOST_SKIPPED then breach(frame, "F-4", "frameTooLong", "too long to skip") end
    elseif not message then
        breach(frame, "F-3", "unknownType", "type " .. frame.type .. " is not known")
    else
        if frame.flags ~= 0 or frame.reserved ~= 0 then
            breach(frame, "F-5", "badFrame", "flags or reserved bytes are not 0")
        end
        if frame.length > message.most then
            breach(frame, "F-7", "frameTooLong", frame.length .. " bytes, at most " .. message.most)
        elseif frame.length < message.least then
            -- A list without a byte lacks its form (L-1).
            breach(frame, "F-8", "badFrame", frame.length .. " bytes, at least " .. message.least)
        end
        if not message.chunk and frame.chunk ~= 0 then
            breach(frame, "F-6", "badField", "a chunk ID in a message that has no use for it")
        end
    end
    return #frame.breaches == 0
end

-- Which messages may come now (sections 10 to 12); also ends the framing, as the receiver stops reading there.
local function judge_turn(frame, stream, side, name_of_side)
    local name = frame.name
    if not side.greeted then
        if not name then
            breach(frame, "H-1", "badMagic", "the first frame is not hello")
        elseif name ~= "hello" and not (name == "goodbye" and name_of_side == "accepting") then
            breach(frame, "H-1", "unexpectedMessage", "the first frame is not hello")
        end
        return
    end
    if not name or name == "goodbye" or name == "ping" or name == "pong" then return end
    if name == "hello" then return breach(frame, "H-1", "unexpectedMessage", "a second hello") end
    local kind = stream.kind or (name == "join" and "owner") or (name == "introduce" and "peers")
    local table = kind and CONVERSATIONS[kind][name_of_side]
    if not table then return end
    if side.opened and table.open[name] then return end
    if not side.opened and name == table.opening then return end
    if not side.opened then return breach(frame, table.rule, "unexpectedMessage", "comes before " .. table.opening) end
    if name == table.opening then return breach(frame, table.rule, "unexpectedMessage", "a second " .. name) end
    breach(frame, "F-12", "unexpectedMessage", "not allowed from this side")
end

-- Rules that need what went before: layout, manifest, proofs, lists. Also books what later frames need.
local function judge_sequence(frame, stream, side, name_of_side)
    local name, layout = frame.name, layout_of(stream)
    local count = layout and layout.count
    if name == "hello" then
        if name_of_side == "connecting" and frame.role == 0 then
            breach(frame, "H-7", "badField", "an owner connects to nobody")
        end
        if name_of_side == "accepting" then stream.kind = frame.role == 0 and "owner" or "peers" end
        if frame.swarm and frame.swarm:find("[^0]") then stream.swarm = frame.swarm end
    elseif name == "welcome" and frame.layout then
        stream.layout = frame.layout
        if stream.swarm then layouts[stream.swarm] = frame.layout end
    elseif name == "digests" then
        if side.manifest_ended then breach(frame, "M-4", "unexpectedMessage", "digests after manifestEnd") end
        if layout then
            if frame.chunk ~= (side.page_count or 0) * layout.page then
                breach(frame, "M-1", "badField", "digests out of order")
            end
            side.page_count = math.floor(frame.chunk / layout.page) + frame.count
            if side.page_count > layout.pages then breach(frame, "M-2", "badField", "digests of no pages") end
        end
    elseif name == "manifestEnd" then
        local is_early = layout and (side.page_count or 0) < layout.pages
        if side.manifest_ended or is_early then
            breach(frame, "M-4", "unexpectedMessage", "not after the last digest")
        end
        side.manifest_ended = true
    elseif name == "proof" then
        side.proven = side.proven or {}
        side.proven[frame.chunk] = true
        if count and frame.chunk < count and frame.length % 32 == 0 then
            local wanted = digests_in_proof(layout, frame.chunk)
            if frame.length ~= wanted * 32 then
                breach(frame, "M-13", "badField", "the proof of this chunk has " .. wanted .. " digests")
            end
        end
    elseif name == "chunk" or name == "grant" then
        if count and frame.chunk < count then
            local last = layout.file - (count - 1) * layout.size
            local length = frame.chunk == count - 1 and last or layout.size
            if frame.length ~= length then breach(frame, "C-6", "badField", "this chunk has " .. length .. " bytes") end
            if layout.page > 1 and not (side.proven and side.proven[frame.chunk]) then
                breach(frame, "M-14", "badChunk", "no proof came before it")
            end
        end
    end
    local message = MESSAGES[frame.type]
    if count and message.chunk and name ~= "digests" then
        local last = frame.chunk
        if name == "request" then last = frame.chunk + frame.tvb(0, 4):uint() - 1 end
        if last >= count then breach(frame, "C-7", "badField", "chunk " .. last .. " does not exist") end
    end
    if name == "listRequest" then
        if side.asked then frame.harmless[#frame.harmless + 1] = "a second listRequest (P-2)" end
        side.asked = true
    elseif name == "list" then
        if side.listed then frame.harmless[#frame.harmless + 1] = "a second list (L-9)" end
        side.listed = true
    elseif AFTER_LIST[name] and not side.listed and (name ~= "have" or name_of_side == "connecting") then
        local rule = name == "proofRequest" and "M-15" or "O-4"
        frame.harmless[#frame.harmless + 1] = name .. " before the list (" .. rule .. ")"
    end
    if name == "proofRequest" then
        if side.proofs_asked then frame.harmless[#frame.harmless + 1] = "a second proofRequest (M-15)" end
        side.proofs_asked = true
    end
end

local function advance(frame, side)
    if frame.name == "hello" then side.greeted = true end
    if frame.name == "join" or frame.name == "welcome" or frame.name == "introduce" then side.opened = true end
    if frame.name == "goodbye" then side.said_goodbye = true end
end

-- Frames -------------------------------------------------------------------------------------------------------------

local function show_breaches(frame, tree)
    for _, fault in ipairs(frame.breaches) do
        local item = tree:add(f.violation, fault.rule):set_generated()
        tree:add(f.violation_code, CODE[fault.code]):set_generated()
        item:append_text(": " .. fault.text .. ", answered with " .. fault.code)
        item:add_proto_expert_info(e.breach, fault.rule .. ": " .. fault.text .. " (" .. fault.code .. ")")
    end
    for _, text in ipairs(frame.harmless) do tree:add_proto_expert_info(e.harmless, text) end
    return #frame.breaches > 0
end

local function column(pinfo, text)
    local before = tostring(pinfo.cols.info)
    if pinfo.private["millrace_packet"] ~= tostring(pinfo.number) then
        pinfo.private["millrace_packet"] = tostring(pinfo.number)
        pinfo.cols.info:set(text)
    elseif #before < 300 then
        pinfo.cols.info:append("; " .. text)
    end
end

local function read_header(tvb, offset)
    return {
        length = tvb(offset, 4):uint(), type = tvb(offset + 4, 1):uint(), flags = tvb(offset + 5, 1):uint(),
        reserved = tvb(offset + 6, 2):uint(), chunk = tvb(offset + 8, 4):uint(), breaches = {}, harmless = {},
    }
end

-- Rules that need what went before are judged once, on the first pass, when frames come in order, and kept. What the
-- capture lost is nobody's breach.
local function judge_once(frame, key, pinfo, stream, judge)
    if not pinfo.visited and not verdicts[key] then
        local kept = { breaches = {}, harmless = {} }
        local own = { breaches = frame.breaches, harmless = frame.harmless }
        frame.breaches, frame.harmless = kept.breaches, kept.harmless
        judge()
        frame.breaches, frame.harmless = own.breaches, own.harmless
        verdicts[key] = stream.has_gap and { breaches = {}, harmless = {} } or kept
    end
    local found = verdicts[key]
    if not found then return end
    for _, fault in ipairs(found.breaches) do table.insert(frame.breaches, fault) end
    for _, text in ipairs(found.harmless) do table.insert(frame.harmless, text) end
end

local function show_header(frame, tvb, offset, tree)
    local head = tree:add(tvb(offset, HEADER_BYTE_COUNT), "Header")
    head:add(f.length, tvb(offset, 4))
    head:add(f.type, tvb(offset + 4, 1))
    head:add(f.flags, tvb(offset + 5, 1))
    head:add(f.reserved, tvb(offset + 6, 2))
    head:add(f.chunk_id, tvb(offset + 8, 4))
end

-- A breach in the header: the receiver answers and reads no further, and neither does this.
local function refuse(frame, tvb, offset, pinfo, root, side)
    local tree = root:add(millrace, tvb(offset), "Millrace, refused")
    show_header(frame, tvb, offset, tree)
    show_breaches(frame, tree)
    local rest = offset + HEADER_BYTE_COUNT
    if rest < tvb:len() then tree:add(f.unframed, tvb(rest)) end
    column(pinfo, (frame.name or ("type " .. frame.type)) .. " (refused)")
    side.refused = true
end

local function skip_gap(tvb, offset, pinfo, root)
    local tree = root:add(millrace, tvb(offset), "Millrace, behind a gap in the capture")
    tree:add(f.unframed, tvb(offset)):set_text("Bytes behind a gap: " .. (tvb:len() - offset))
    tree:add_proto_expert_info(e.gap)
    column(pinfo, "bytes behind a gap")
end

local function show_frame(frame, tvb, offset, pinfo, root, stream, side, name_of_side, key)
    local whole = tvb(offset, HEADER_BYTE_COUNT + frame.length)
    local tree = root:add(millrace, whole)
    show_header(frame, tvb, offset, tree)
    frame.pinfo, frame.root = pinfo, root
    local text
    if not frame.name then
        if frame.length > 0 then tree:add(f.skipped, tvb(offset + HEADER_BYTE_COUNT, frame.length)) end
        tree:add_proto_expert_info(e.skipped)
        text = "type " .. frame.type
    else
        text = frame.name
        if frame.length > 0 then frame.tvb = tvb(offset + HEADER_BYTE_COUNT, frame.length):tvb() end
        -- The layout as it was when this frame came: a later one would make old lists look wrong.
        local known = verdicts[key .. " layout"]
        if known == nil then
            known = layout_of(stream) or false
            verdicts[key .. " layout"] = known
        end
        frame.layout = known or nil
        local say = payload[frame.name]
        local detail = say and say(frame, tree)
        if frame.name == "cancel" then detail = "chunk " .. frame.chunk end
        if detail then text = text .. ", " .. detail end
        judge_once(frame, key, pinfo, stream, function()
            judge_sequence(frame, stream, side, name_of_side)
            advance(frame, side)
        end)
    end
    tree:set_text("Millrace, " .. text)
    if show_breaches(frame, tree) then text = text .. " (breach)" end
    column(pinfo, text)
end

local function dissect(tvb, pinfo, root)
    pinfo.cols.protocol:set("Millrace")
    local stream, side, name_of_side = stream_of(pinfo)
    local offset, length = 0, tvb:len()
    if (side.refused and not pinfo.visited) or unframed_packets[pinfo.number] == tostring(length) then
        unframed_packets[pinfo.number] = tostring(length)
        root:add(millrace, tvb(), "Millrace, after a breach"):add(f.unframed, tvb())
        column(pinfo, "bytes after a breach")
        return length
    end
    while offset < length do
        local left = length - offset
        if left < HEADER_BYTE_COUNT then
            if pinfo.can_desegment > 0 then
                pinfo.desegment_offset, pinfo.desegment_len = offset, DESEGMENT_ONE_MORE_SEGMENT
            else
                root:add(millrace, tvb(offset), "Millrace, cut"):add_proto_expert_info(e.cut)
            end
            return length
        end
        local frame = read_header(tvb, offset)
        frame.name = TYPE_NAMES[frame.type]
        -- One packet may bring several pieces at the same offset, so the header is part of the key.
        local key = table.concat({ pinfo.number, length, offset, hex(tvb(offset, 12):bytes():raw()) }, " ")
        local is_framed = judge_header(frame)
        if is_framed then
            judge_once(frame, key .. " turn", pinfo, stream, function()
                judge_turn(frame, stream, side, name_of_side)
            end)
            is_framed = #frame.breaches == 0
        end
        if not is_framed then
            -- Behind a gap each piece is tried as the beginning of a frame: 12 bytes of a chunk hardly ever look so.
            if stream.has_gap then skip_gap(tvb, offset, pinfo, root)
            else refuse(frame, tvb, offset, pinfo, root, side) end
            return length
        end
        local missing = HEADER_BYTE_COUNT + frame.length - left
        if missing > 0 then
            -- The turn is judged again when the frame is whole.
            verdicts[key .. " turn"] = nil
            if pinfo.can_desegment > 0 then
                pinfo.desegment_offset, pinfo.desegment_len = offset, missing
            else
                local tree = root:add(millrace, tvb(offset), "Millrace, " .. (frame.name or "frame") .. ", cut")
                show_header(frame, tvb, offset, tree)
                tree:add_proto_expert_info(e.cut)
                column(pinfo, (frame.name or ("type " .. frame.type)) .. " (cut)")
            end
            return length
        end
        show_frame(frame, tvb, offset, pinfo, root, stream, side, name_of_side, key)
        offset = offset + HEADER_BYTE_COUNT + frame.length
    end
    return length
end

millrace.dissector = dissect

-- A connection begins with hello: type 1, 56 to 256 bytes, the magic.
local function is_millrace(tvb)
    if tvb:len() < HEADER_BYTE_COUNT + 8 or tvb(4, 1):uint() ~= 1 then return false end
    local length = tvb(0, 4):uint()
    return length >= 56 and length <= 256 and tvb(HEADER_BYTE_COUNT, 8):string() == "MILLRACE"
end

millrace:register_heuristic("tcp", function(tvb, pinfo, root)
    if not is_millrace(tvb) then return false end
    pinfo.conversation = millrace
    -- Not by way of millrace.dissector: a dissector within a dissector may not ask for more segments.
    dissect(tvb, pinfo, root)
    return true
end)

DissectorTable.get("tcp.port"):add_for_decode_as(millrace)

-- Discovery (section 20), datagrams -------------------------------------------------------------------------------------

local finding = Proto("millrace_find", "Millrace Discovery")

local FIND_PORT = 19782
local QUERY_BYTE_COUNT = 512
local REPLY_BYTE_COUNT = 84
local KINDS = { [0] = "query", "reply" }

local d = {
    magic = ProtoField.string("millrace_find.magic", "Magic"),
    version = ProtoField.uint16("millrace_find.version", "Version", base.DEC),
    kind = ProtoField.uint8("millrace_find.kind", "Kind", base.DEC, KINDS),
    flags = ProtoField.uint8("millrace_find.flags", "Flags (1: the content ID is known)", base.DEC),
    token = ProtoField.uint64("millrace_find.token", "Token", base.DEC),
    padding = ProtoField.bytes("millrace_find.padding", "Padding"),
    port = ProtoField.uint16("millrace_find.listen_port", "Listening port", base.DEC),
    chunk_size = ProtoField.uint32("millrace_find.chunk_size", "Chunk size", base.DEC),
    file_size = ProtoField.uint64("millrace_find.file_size", "File size", base.DEC),
    swarm = ProtoField.bytes("millrace_find.swarm_token", "Swarm token"),
    content_id = ProtoField.bytes("millrace_find.content_id", "Content ID"),
    name = ProtoField.string("millrace_find.name", "Name"),
    violation = ProtoField.string("millrace_find.violation", "Breach of"),
}
local find_fields = {}
for _, one in pairs(d) do find_fields[#find_fields + 1] = one end
finding.fields = find_fields
local dropped = ProtoExpert.new("millrace_find.expert.dropped", "Dropped without a word", expert.group.PROTOCOL,
    expert.severity.WARN)
finding.experts = { dropped }

-- What is wrong with a datagram, by requirement; nil for one that is right.
local function fault_of_query(tvb)
    if tvb:len() ~= QUERY_BYTE_COUNT then return "not 512 bytes" end
    if tvb(8, 2):uint() ~= 1 then return "not version 1" end
    if tvb(11, 1):uint() ~= 0 then return "reserved byte not 0" end
    if not is_zero(tvb(20):bytes():raw()) then return "padding not 0" end
end

local function fault_of_reply(tvb)
    if tvb:len() < REPLY_BYTE_COUNT then return "fewer than 84 bytes" end
    if tvb(8, 2):uint() ~= 1 then return "not version 1" end
    if tvb:len() ~= REPLY_BYTE_COUNT + tvb(23, 1):uint() then return "another length than the name says" end
    if tvb(11, 1):uint() > 1 then return "unknown flags" end
    if tvb(20, 2):uint() == 0 then return "listening port 0" end
    if tvb(22, 1):uint() ~= 0 then return "reserved byte not 0" end
    local size, bytes = tvb(24, 4):uint(), tvb(28, 8):uint64()
    if size < 1024 or size > 16777216 then return "chunk size " .. size end
    if bytes > UInt64(size) * UInt64(MOST_CHUNKS) then return "more chunks than the most" end
    if is_zero(tvb(36, 16):bytes():raw()) then return "no swarm token" end
    if tvb(11, 1):uint() == 0 and not is_zero(tvb(52, 32):bytes():raw()) then return "a content ID without its flag" end
    if tvb:len() > REPLY_BYTE_COUNT and not is_utf8(tvb(REPLY_BYTE_COUNT):bytes():raw()) then return "name not UTF-8" end
end

local function show_reply(tvb, tree)
    tree:add(d.port, tvb(20, 2))
    tree:add(d.chunk_size, tvb(24, 4))
    tree:add(d.file_size, tvb(28, 8))
    tree:add(d.swarm, tvb(36, 16))
    tree:add(d.content_id, tvb(52, 32))
    if tvb:len() > REPLY_BYTE_COUNT then
        tree:add(d.name, tvb(REPLY_BYTE_COUNT), tvb(REPLY_BYTE_COUNT):string(ENC_UTF_8))
    end
end

function finding.dissector(tvb, pinfo, root)
    local tree, is_ours = root:add(finding, tvb()), tvb:len() >= 20 and tvb(0, 8):string() == "MILLFIND"
    local kind = is_ours and tvb(10, 1):uint() or nil
    pinfo.cols.protocol, pinfo.cols.info = "MILLFIND", KINDS[kind] or "no query"
    local fault, rule = "no query", "D-3"
    if is_ours then
        tree:add(d.magic, tvb(0, 8))
        tree:add(d.version, tvb(8, 2))
        tree:add(d.kind, tvb(10, 1))
        tree:add(d.flags, tvb(11, 1))
        tree:add(d.token, tvb(12, 8))
        if kind == 0 then
            fault = fault_of_query(tvb)
            if tvb:len() > 20 then tree:add(d.padding, tvb(20)) end
        elseif kind == 1 then
            fault, rule = fault_of_reply(tvb), "D-4"
            if tvb:len() >= REPLY_BYTE_COUNT then show_reply(tvb, tree) end
        end
    end
    if fault then
        tree:add(d.violation, rule):set_generated():append_text(": " .. fault)
        tree:add_proto_expert_info(dropped, rule .. ": " .. fault)
    end
    return tvb:len()
end

DissectorTable.get("udp.port"):add(FIND_PORT, finding)
-- Replies go to whatever port the query came from.
finding:register_heuristic("udp", function(tvb, pinfo, root)
    if tvb:len() < 20 or tvb(0, 8):string() ~= "MILLFIND" then return false end
    finding.dissector(tvb, pinfo, root)
    return true
end)
