extension Message {
    /// Reads the payload of a frame whose header was parsed. `payload` has exactly the header's length.
    /// Chunk IDs and lists are checked against the chunk count by whoever knows it.
    public static func decode(_ header: FrameHeader, payload: RawSpan) throws(WireError) -> Message {
        precondition(payload.byteCount == header.payloadByteCount && !header.type.carriesChunk)
        switch header.type {
        case .hello: return .hello(try HelloMessage.decode(payload))
        case .join: return .join(try JoinMessage.decode(payload))
        case .welcome: return .welcome(try WelcomeMessage.decode(payload))
        case .digests: return .digests(first: header.chunk, try digests(header, payload))
        case .proof: return .proof(header.chunk, try digests(header, payload))
        case .manifestEnd: return .manifestEnd(contentID: try digest(header, payload))
        case .complete: return .complete(contentID: try digest(header, payload))
        case .roster: return .roster(try FieldReader(payload, of: .roster).roster())
        case .rosterAdd: return try rosterAdd(payload)
        case .rosterRemove: return try rosterRemove(payload)
        case .listRequest: return .listRequest
        case .finished: return .finished
        case .cancel: return .cancel(header.chunk)
        case .list: return .list(try FieldReader(payload, of: .list).rest())
        case .have: return .have(try FieldReader(payload, of: .have).rest())
        case .proofRequest: return .proofRequest(try FieldReader(payload, of: .proofRequest).rest())
        case .credit, .request, .rescue, .ask, .bad, .introduce: return try number(header, payload)
        case .reject: return try reject(header, payload)
        case .room: return try room(payload)
        case .goodbye: return try goodbye(payload)
        case .ping, .pong:
            var reader = FieldReader(payload, of: header.type)
            let token = try reader.integer(UInt64.self)
            return header.type == .ping ? .ping(token) : .pong(token)
        case .chunk, .grant: throw .unexpectedMessage(header.type)
        }
    }

    private static func digest(_ header: FrameHeader, _ payload: RawSpan) throws(WireError) -> Digest {
        var reader = FieldReader(payload, of: header.type)
        return try reader.digest()
    }

    private static func digests(_ header: FrameHeader, _ payload: RawSpan) throws(WireError) -> [Digest] {
        guard payload.byteCount % WireLimits.digestByteCount == 0 else {
            throw .badField(header.type, field: "length")
        }
        var reader = FieldReader(payload, of: header.type)
        var digests: [Digest] = []
        digests.reserveCapacity(payload.byteCount / WireLimits.digestByteCount)
        while reader.remaining > 0 { digests.append(try reader.digest()) }
        return digests
    }

    private static func rosterAdd(_ payload: RawSpan) throws(WireError) -> Message {
        var reader = FieldReader(payload, of: .rosterAdd)
        let position = try reader.integer(UInt32.self)
        let total = try reader.integer(UInt32.self)
        let entry = try reader.rosterEntry(of: .rosterAdd)
        guard total <= WireLimits.largestPeerCount, position < total else {
            throw .badField(.rosterAdd, field: "position")
        }
        return .rosterAdd(position: position, total: total, entry)
    }

    private static func rosterRemove(_ payload: RawSpan) throws(WireError) -> Message {
        var reader = FieldReader(payload, of: .rosterRemove)
        let peer = try reader.integer(UInt32.self)
        guard peer < WireLimits.largestPeerCount else { throw .badField(.rosterRemove, field: "peer index") }
        let total = try reader.integer(UInt32.self)
        guard total < WireLimits.largestPeerCount else { throw .badField(.rosterRemove, field: "count") }
        return .rosterRemove(peer: peer, total: total)
    }

    /// The messages whose payload is one 32-bit number.
    private static func number(_ header: FrameHeader, _ payload: RawSpan) throws(WireError) -> Message {
        var reader = FieldReader(payload, of: header.type)
        let value = try reader.integer(UInt32.self)
        switch header.type {
        case .credit:
            guard value > 0, value <= WireLimits.largestOutstandingCount else { throw .limitExceeded(limit: "credits") }
            return .credit(count: value)
        case .request:
            guard value > 0, value <= WireLimits.largestRequestCount else { throw .limitExceeded(limit: "requests") }
            return .request(first: header.chunk, count: value)
        case .rescue:
            guard value == noPeer || value < WireLimits.largestPeerCount else {
                throw .badField(.rescue, field: "peer index")
            }
            return .rescue(header.chunk, from: value == noPeer ? nil : value)
        default:
            guard value < WireLimits.largestPeerCount else { throw .badField(header.type, field: "peer index") }
            if header.type == .introduce { return .introduce(peer: value) }
            return header.type == .ask ? .ask(header.chunk, peer: value) : .bad(header.chunk, from: value)
        }
    }

    private static func reject(_ header: FrameHeader, _ payload: RawSpan) throws(WireError) -> Message {
        var reader = FieldReader(payload, of: .reject)
        guard let reason = RejectReason(rawValue: try reader.integer(UInt8.self)) else {
            throw .badField(.reject, field: "reason")
        }
        return .reject(header.chunk, reason)
    }

    private static func room(_ payload: RawSpan) throws(WireError) -> Message {
        var reader = FieldReader(payload, of: .room)
        let times = try reader.integer(UInt8.self)
        guard (1...WireLimits.mostRoomTimes).contains(times) else { throw .badField(.room, field: "times") }
        return .room(times: times)
    }

    /// A goodbye is the last word: a code this version does not know is read as `leaving`.
    private static func goodbye(_ payload: RawSpan) throws(WireError) -> Message {
        var reader = FieldReader(payload, of: .goodbye)
        let code = GoodbyeCode(rawValue: try reader.integer(UInt16.self)) ?? .leaving
        return .goodbye(code, reason: try reader.text(reader.remaining, field: "reason"))
    }
}

extension FieldReader {
    consuming func rest() throws(WireError) -> [UInt8] { try array(remaining) }
}
