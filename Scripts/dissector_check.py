#!/usr/bin/env python3
"""Checks Dissector/millrace.lua with tshark, with Python's standard library alone. Scripts/test-dissector.sh runs it.

    Scripts/dissector_check.py vectors FOLDER            the JSON vectors, made into captures that are put in FOLDER
    Scripts/dissector_check.py run CAPTURE PORT...       a capture of a real run: every frame decoded, nothing broken
"""

import json
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True

from dissector_capture import PORT, Capture, frames_of
from protocol_reference import (
    CODE, MESSAGES, SIZES, TYPE, USES_CHUNK_ID, chunks_of, file_bytes, frame, hello, join, number, page_digests, proof,
    welcome)

ROOT = pathlib.Path(__file__).resolve().parent.parent
DISSECTOR = ROOT / "Dissector/millrace.lua"
VECTORS = ROOT / "Tests/MillraceWireTests/Vectors"
SWARM, OWNER, PEER = bytes(range(16, 32)), b"\x0f" * 16, b"\x1f" * 16
MOST_CHUNKS = 16777216

# Rules that a vector for a frame by itself breaks in the conversation that the test puts around it.
OF_THE_CONVERSATION = {"M-1", "M-2", "M-4", "M-13", "M-14", "C-6", "C-7", "L-4", "L-5", "H-7"}
# Refusals that need what only a node knows: its token, its swarm, its roster, the digests of the bytes.
ONLY_NODES_KNOW = {"H-10", "H-12", "H-13", "R-2", "R-4", "R-5", "M-6", "O-12", "O-5", "M-8", "O-9"}

# Names of the vectors' fields, by message where they differ.
FIELDS = {
    "role": "hello.role", "swarm": "hello.swarm_token", "node": "hello.node_token", "listenPort": "join.listen_port",
    "flags": "join.flags", "addresses": "address", "peer": "peer_index", "chunkByteCount": "welcome.chunk_size",
    "fileByteCount": "welcome.file_size", "digests": "digest", "start": "roster.start", "total": "roster.total",
    "entries": "roster.entry", "count": "count", "text": "welcome.name", "payload": "data.data",
    "times": "room.times",
}
OF_MESSAGE = {
    ("features", "hello"): "hello.features", ("features", "ping"): "ping.token", ("features", "pong"): "ping.token",
    ("count", "reject"): "reject.reason", ("count", "goodbye"): "goodbye.code", ("text", "goodbye"): "goodbye.reason",
    ("digests", "manifestEnd"): "content_id", ("digests", "complete"): "content_id",
    ("start", "rosterAdd"): "roster.position",
}
FRAME = ["length", "type", "flags", "reserved", "chunk_id", "violation", "violation.code"]


def tshark(capture, names, *more, protocol="millrace"):
    """One row a packet of the protocol: a dictionary of lists of texts."""
    names = ["tcp.stream", "_ws.malformed", "_ws.expert.message", *names]
    names = [name if name.startswith(("tcp.", "_ws.", "data.")) else f"{protocol}.{name}" for name in names]
    command = ["tshark", "-X", f"lua_script:{DISSECTOR}", "-r", str(capture), "-Y", protocol, "-T", "fields",
               "-E", "separator=/t", "-E", "aggregator=;", "-E", "occurrence=a", *more]
    for name in names:
        command += ["-e", name]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode != 0 or "Lua" in done.stderr:
        sys.exit(f"tshark: {done.stderr}")
    rows = []
    for line in done.stdout.splitlines():
        cells = [cell.split(";") if cell else [] for cell in line.split("\t")]
        rows.append(dict(zip(names, cells)))
    return rows


def load(name):
    return json.loads((VECTORS / f"{name}.json").read_text())


class Check:
    def __init__(self):
        self.count, self.faults = 0, []

    def equal(self, found, wanted, what):
        self.count += 1
        if found != wanted:
            self.faults.append(f"{what}: {found} in place of {wanted}")

    def end(self, what):
        for fault in self.faults[:20]:
            print(f"  {fault}")
        print(f"{what}: {self.count} checks, {len(self.faults)} faults")
        if self.faults or not self.count:
            sys.exit(1)


def greetings(role):
    """The two hellos of a conversation: with an owner (0) or between peers (1)."""
    return [("connecting", frame("hello", hello(1, SWARM, PEER))),
            ("accepting", frame("hello", hello(role, SWARM, OWNER)))]


def around(name, chunk_count=None):
    """What goes before a message so that it may come, and the side that sends it."""
    if name == "hello":
        return [], "connecting"
    if name in ("join", "welcome"):
        return greetings(0), "connecting" if name == "join" else "accepting"
    if name == "introduce":
        return greetings(1), "connecting"
    of_peers = name in ("request", "cancel", "reject", "chunk", "goodbye", "ping", "pong", "listRequest",
                        "room")
    connecting = name in ("request", "cancel", "credit", "rescue", "bad", "complete", "list", "have", "listRequest",
                          "proofRequest", "room")
    side = "connecting" if connecting else "accepting"
    if of_peers and chunk_count is None:
        introduce = frame("introduce", number(1, 4))
        return greetings(1) + [("connecting", introduce), ("accepting", introduce)], side
    file_size = (MOST_CHUNKS if chunk_count is None else chunk_count) * 1024
    before = greetings(0) + [("connecting", frame("join", join(9001))),
                             ("accepting", frame("welcome", welcome(0, 1024, file_size, b"")))]
    if name in ("have", "credit", "rescue", "bad", "complete", "proofRequest"):
        before.append(("connecting", frame("list", b"\0")))
    return before, side


def name_of(data):
    return MESSAGES[data[4] - 1] if 1 <= data[4] <= len(MESSAGES) else "ping"


class Cases:
    """Frames with what goes before each on a connection of its own; the last row of a stream is the frame."""

    def __init__(self):
        self.capture, self.cases = Capture(), []

    def add(self, vector, data, before, side, pieces=3):
        connection = self.capture.connection(20000 + len(self.cases))
        for sender, earlier in before:
            connection.send(sender, earlier)
        connection.send(side, data, pieces)
        self.cases.append(vector)

    def rows(self, path, names):
        """Each vector with the row of its frame, and the number of rows of its connection."""
        self.capture.write(path)
        last = {}
        for row in tshark(path, FRAME + names, "-d", f"tcp.port=={PORT},millrace"):
            last[int(row["tcp.stream"][0])] = row
        return [(vector, last.get(index, {})) for index, vector in enumerate(self.cases)]


def texts(vector):
    """The fields of a vector as tshark prints them, by field name."""
    name, wanted = vector["type"], {}
    for key, value in vector["fields"].items():
        if key == "again" or (key == "text" and not value):
            continue
        if key == "versions":
            wanted["hello.lowest_version"], wanted["hello.highest_version"] = [str(value[0])], [str(value[1])]
            continue
        if key == "payload" and name in ("list", "have", "proofRequest"):
            continue
        field = OF_MESSAGE.get((key, name)) or FIELDS[key]
        if field == "goodbye.code" and vector["fields"].get("again") is False:
            value = int(vector["hex"][24:28], 16)  # As sent; the vector has what a receiver makes of it.
        if key == "entries":
            value = [number(int(peer), 4).hex() + where for peer, where in value]
        elif key == "features":
            value = f"0x{int(value):016x}"
        elif key == "flags":
            value = f"0x{value:04x}"
        wanted[field] = [str(one) for one in value] if isinstance(value, list) else [str(value)]
    return wanted


def check_tables():
    """The dissector's table of messages and codes is that of the reference, which is that of PROTOCOL.md."""
    check, text = Check(), DISSECTOR.read_text()
    pattern = r'\[(\d+)\] = \{ name = "(\w+)", least = (\d+), most = (\d+)(, chunk = "\w+")? \}'
    found = {name: (int(kind), int(least), int(most), bool(chunk))
             for kind, name, least, most, chunk in re.findall(pattern, text)}
    for name in MESSAGES:
        check.equal(found.get(name), (TYPE[name], *SIZES[name], name in USES_CHUNK_ID), name)
    check.equal(sorted(found), sorted(MESSAGES), "messages")
    codes = re.search(r"local CODES = \{(.*?)\n\}", text, re.S).group(1)
    check.equal(re.findall(r'"(\w+)"', codes), list(CODE), "goodbye codes")
    check.end("tables")


def check_frames(folder):
    cases, check = Cases(), Check()
    for vector in load("frames")["valid"]:
        cases.add(vector, bytes.fromhex(vector["hex"]), *around(vector["type"]))
    names = sorted({field for vector in cases.cases for field in texts(vector)})
    for vector, row in cases.rows(folder / "frames.pcap", names):
        what, data = f"{vector['type']} ({vector['name']})", bytes.fromhex(vector["hex"])
        check.equal(row.get("millrace.type"), [str(vector["number"])], f"{what}: type")
        check.equal(row.get("millrace.length"), [str(len(data) - 12)], f"{what}: length")
        check.equal(row.get("millrace.chunk_id"), [str(vector["chunk"])], f"{what}: chunk ID")
        for field, wanted in texts(vector).items():
            key = field if field.startswith("data.") else "millrace." + field
            check.equal(row.get(key), wanted, f"{what}: {field}")
        broken = set(row.get("millrace.violation", [])) - OF_THE_CONVERSATION
        check.equal(broken, set(), f"{what}: breaches")
        check.equal(row.get("_ws.malformed"), [], f"{what}: malformed")
    check.end("frames")


def check_refusals(folder):
    cases, check = Cases(), Check()
    for vector in load("refusals")["invalid"]:
        data = bytes.fromhex(vector["hex"])
        before, side = ([], "connecting") if vector["firstFrame"] else around(name_of(data))
        cases.add(vector, data, before, side, pieces=1)
    for vector, row in cases.rows(folder / "refusals.pcap", []):
        check_refused(check, vector, row)
    check.end("refusals")


def check_refused(check, vector, row):
    found = list(zip(row.get("millrace.violation", []), row.get("millrace.violation.code", [])))
    wanted = (vector["requirement"], str(vector["code"]))
    what = f"{vector.get('name') or vector['machine'] + ' ' + vector['state'] + ' ' + vector['type']}"
    check.equal(wanted in found or found, True, f"{what}: {wanted}")
    check.equal(row.get("_ws.malformed"), [], f"{what}: malformed")


def check_lists(folder):
    check, good, bad = Check(), Cases(), Cases()
    lists = load("lists")
    for vector in lists["valid"]:
        for form in {vector["hex"], *vector["alsoAccepted"]}:
            good.add(vector, frame("list", bytes.fromhex(form)), *around("list", vector["chunkCount"]))
    for vector in lists["invalid"]:
        bad.add(vector, frame("list", bytes.fromhex(vector["hex"])), *around("list", vector["chunkCount"]), pieces=1)
    for vector, row in good.rows(folder / "lists.pcap", ["list.count", "list.run"]):
        runs = [str(first) if first == last else f"{first}-{last}" for first, last in vector["runs"]]
        found = joined(row.get("millrace.list.run", []))
        check.equal(found[:100], runs[:100], f"{vector['name']}: runs")
        total = sum(last - first + 1 for first, last in vector["runs"])
        check.equal(row.get("millrace.list.count"), [str(total)], f"{vector['name']}: count")
        check.equal(row.get("millrace.violation"), [], f"{vector['name']}: breaches")
    for vector, row in bad.rows(folder / "bad-lists.pcap", []):
        # A list without a byte is too short a frame as well, with the same code.
        rule = "F-8" if not vector["hex"] else vector["requirement"]
        check_refused(check, {**vector, "requirement": rule}, row)
    check.end("chunk ID lists")


def joined(runs):
    """Runs as the vectors have them: those that touch in one."""
    result = []
    for run in runs:
        first, _, last = run.partition("-")
        if result and first.isdigit() and result[-1][1] + 1 == int(first):
            result[-1][1] = int(last or first)
        elif first.isdigit():
            result.append([int(first), int(last or first)])
    return [str(first) if first == last else f"{first}-{last}" for first, last in result]


def check_layouts(folder):
    """The dissector divides files into chunks and pages as the vectors do."""
    cases, check = Cases(), Check()
    for vector in load("layouts")["layouts"]:
        if "refused" not in vector:
            data = welcome(0, vector["chunkByteCount"], int(vector["fileByteCount"]), b"")
            cases.add(vector, frame("welcome", data), *around("welcome"))
    for vector, row in cases.rows(folder / "layouts.pcap", ["welcome.chunk_count", "welcome.page_chunk_count"]):
        what = f"{vector['fileByteCount']} bytes in chunks of {vector['chunkByteCount']}"
        check.equal(row.get("millrace.welcome.chunk_count"), [str(vector["chunkCount"])], f"{what}: chunks")
        check.equal(row.get("millrace.welcome.page_chunk_count"), [str(vector["pageChunkCount"])], f"{what}: page")
        check.equal(row.get("millrace.violation"), [], f"{what}: breaches")
    check.end("layouts")


def check_pages(folder):
    """Files of many chunks: the digests of their pages and the proof of every chunk are right, others are not."""
    cases, check = Cases(), Check()

    def add(what, rule, before, name, payload, chunk=0, side="accepting"):
        cases.add((what, rule), frame(name, payload, chunk), before, side)

    for vector in load("manifests")["manifests"]:
        size, chunk_size, of_page = vector["fileByteCount"], vector["chunkByteCount"], vector["pageChunkCount"]
        data = file_bytes(size)
        chunks, pages = chunks_of(data, chunk_size), page_digests(data, chunk_size)
        opening = greetings(0) + [("connecting", frame("join", join(9001))),
                                  ("accepting", frame("welcome", welcome(0, chunk_size, size, b"")))]
        known = opening + [("accepting", frame("digests", digest, page * of_page)) for page, digest in enumerate(pages)]
        title, unproven = f"{len(chunks)} chunks in pages of {of_page}", "M-14" if of_page > 1 else None
        add(f"{title}: manifestEnd", None, known, "manifestEnd", bytes.fromhex(vector["contentID"]))
        add(f"{title}: a page too many", "M-2", known, "digests", bytes(32), len(pages) * of_page)
        if not chunks:
            continue
        add(f"{title}: digests in one frame", None, opening, "digests", b"".join(pages))
        add(f"{title}: the last page", None, known[:-1], "digests", pages[-1], (len(pages) - 1) * of_page)
        add(f"{title}: manifestEnd before digests", "M-4", opening, "manifestEnd", bytes(32))
        add(f"{title}: not the first page", "M-1", opening, "digests", bytes(32), 1)
        for chunk, payload in enumerate(chunks):
            proven = b"".join(proof(data, chunk_size, chunk))
            add(f"{title}: proof of {chunk}", None, known, "proof", proven, chunk)
            add(f"{title}: wrong proof of {chunk}", "M-13", known, "proof", proven[:-32] or 2 * proven, chunk)
            if chunk in (0, len(chunks) - 1):
                own, other = frame("proof", proven, chunk), frame("proof", proven, chunk ^ 1)
                add(f"{title}: chunk {chunk}", None, known + [("accepting", own)], "chunk", payload, chunk)
                for what, before in [("no proof", []), ("another's proof", [("accepting", other)])]:
                    add(f"{title}: chunk {chunk} behind {what}", unproven, known + before, "chunk", payload, chunk)
    for (what, rule), row in cases.rows(folder / "pages.pcap", []):
        found = set(row.get("millrace.violation", []))
        # A page out of order may be one that the file does not have as well.
        check.equal(rule in found if rule else not found, True, f"{what}: {found} in place of {rule}")
        check.equal(row.get("_ws.malformed"), [], f"{what}: malformed")
    check.end("pages")


def check_once(folder):
    """What comes twice, or before the list, and does no harm (G-7)."""
    cases, check = Cases(), Check()
    for name, payload, rule in [("listRequest", b"", "P-2"), ("list", b"\0", "L-9"), ("proofRequest", b"\0", "M-15")]:
        before, side = around(name)
        cases.add((name, []), frame(name, payload), before, side)
        note = f"a second {name} ({rule})"
        cases.add((name, [note]), frame(name, payload), before + [(side, frame(name, payload))], side)
    for name, rule in [("have", "O-4"), ("proofRequest", "M-15")]:
        before, side = around(name)
        cases.add((name, [f"{name} before the list ({rule})"]), frame(name, b"\0"), before[:-1], side)
    for (name, wanted), row in cases.rows(folder / "once.pcap", []):
        check.equal(row.get("_ws.expert.message"), wanted, name)
        check.equal(row.get("millrace.violation"), [], f"{name}: breaches")
    check.end("once only")


def check_sessions(folder):
    """Whole sessions by the heuristic alone, in segments that cut frames anywhere, and several frames in one."""
    check, sessions = Check(), load("sessions")["sessions"]
    for pieces in (1, 2, 5, 0):
        capture = Capture()
        for index, session in enumerate(sessions):
            connection, waiting = capture.connection(30000 + index), b""
            steps = session["steps"]
            for place, step in enumerate(steps):
                data = waiting + bytes.fromhex(step["hex"])
                is_last_of_turn = place + 1 == len(steps) or steps[place + 1]["from"] != step["from"]
                if pieces == 0 and not is_last_of_turn:
                    waiting = data
                    continue
                connection.send(step["from"], data, min(pieces or 1, max(1, len(data) // 24)))
                waiting = b""
        path = folder / f"sessions-{pieces}.pcap"
        capture.write(path)
        seen = {}
        for row in tshark(path, FRAME):
            seen.setdefault(int(row["tcp.stream"][0]), []).extend(row["millrace.type"])
            check.equal(row["_ws.malformed"], [], f"sessions in {pieces}: malformed")
            wrong = [rule for rule in row["millrace.violation"]]
            check.equal(wrong, [], f"sessions in {pieces}: breaches")
        for index, session in enumerate(sessions):
            wanted = [str(TYPE[step["type"]]) for step in session["steps"]]
            check.equal(seen.get(index), wanted, f"{session['name']} in {pieces}: frames")
    check.end("sessions")


def check_conversations(folder):
    """What is right by itself and refused in a state."""
    check, cases, passed_over = Check(), Cases(), 0
    openings = {
        "owner": [("connecting", frame("join", join(9001)))],
        "joined": [("accepting", frame("welcome", welcome(0, 1024, 2500, b"")))],
        "uploader": [("connecting", frame("introduce", number(1, 4)))],
        "downloader": [("accepting", frame("introduce", number(1, 4)))],
    }
    sizes = ("accepting", frame("welcome", welcome(0, 1024, 2500, b"")))
    for vector in load("conversations")["refusals"]:
        if vector["requirement"] in ONLY_NODES_KNOW:
            passed_over += 1
            continue
        machine, state = vector["machine"], vector["state"]
        role = 0 if machine in ("owner", "joined") else 1
        side = "connecting" if machine in ("owner", "uploader") else "accepting"
        before = [] if state == "hello?" else greetings(role)
        if state == "hello?" and side == "accepting":
            before = greetings(role)[:1]
        if state == "open":
            before = before + openings[machine] + ([sizes] if machine == "owner" else [])
        cases.add(vector, bytes.fromhex(vector["hex"]), before, side, pieces=1)
    for vector, row in cases.rows(folder / "conversations.pcap", []):
        check_refused(check, vector, row)
    check.end(f"conversations ({passed_over} refusals left out that only a node can know of)")


def check_discovery(folder):
    """Queries come to the port of section 20; replies go anywhere, and are known by their magic."""
    check, capture, vectors = Check(), Capture(), load("discovery")
    named = {"token": "token", "listenPort": "listen_port", "chunkByteCount": "chunk_size",
             "fileByteCount": "file_size", "swarm": "swarm_token", "fileName": "name"}
    cases = [(one, (40000, 19782)) for one in vectors["queries"]] + [(one, (19783, 40000)) for one in vectors["replies"]]
    # Wireshark shows no dissector an empty datagram.
    cases += [(one, (40000, 19782)) for one in vectors["dropped"] if one["hex"]]
    for vector, ports in cases:
        capture.datagram(ports, bytes.fromhex(vector["hex"]))
    path = folder / "discovery.pcap"
    capture.write(path)
    rows = tshark(path, [*named.values(), "content_id", "violation"], protocol="millrace_find")
    check.equal(len(rows), len(cases), "datagrams")
    for (vector, _), row in zip(cases, rows):
        found = {name: row[f"millrace_find.{name}"] for name in [*named.values(), "content_id", "violation"]}
        check.equal(row["_ws.malformed"], [], f"{vector['name']}: malformed")
        rule = vector.get("requirement")
        check.equal(found["violation"], [rule] if rule else [], f"{vector['name']}: breach")
        for key, field in [] if rule else named.items():
            if vector.get(key):
                check.equal(found[field], [str(vector[key])], f"{vector['name']}: {field}")
        if vector.get("contentID"):
            check.equal(found["content_id"], [vector["contentID"]], f"{vector['name']}: content ID")
    check.end("discovery")


def check_run(path, ports):
    check = Check()
    rows = tshark(path, FRAME)
    wanted = frames_of(path, ports)
    found = {}
    for row in rows:
        for kind in row["millrace.type"]:
            found[int(kind)] = found.get(int(kind), 0) + 1
        check.equal(row["_ws.malformed"], [], "malformed")
        check.equal(row["millrace.violation"], [], "breaches")
    check.equal(found, dict(wanted), "frames of each type")
    # 8,000,000 bytes in chunks of the default size are 79: pages of 64, and a proof before each chunk.
    for name in ("hello", "join", "welcome", "digests", "list", "have", "proof", "grant", "request", "chunk",
                 "goodbye"):
        check.equal(found.get(TYPE[name], 0) > 0, True, f"{name} was seen")
    print(f"  {sum(found.values())} frames of {len(found)} types in {len(rows)} packets")
    check.end("real run")


if __name__ == "__main__":
    if sys.argv[1:2] == ["vectors"] and len(sys.argv) == 3:
        target = pathlib.Path(sys.argv[2])
        check_tables()
        for part in (check_frames, check_refusals, check_lists, check_layouts, check_pages, check_once, check_sessions,
                     check_conversations, check_discovery):
            part(target)
    elif sys.argv[1:2] == ["run"] and len(sys.argv) > 3:
        check_run(pathlib.Path(sys.argv[2]), {int(port) for port in sys.argv[3:]})
    else:
        sys.exit(__doc__)
