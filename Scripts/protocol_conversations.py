"""The state tables and sample sessions of PROTOCOL.md, as data: the document, the vectors and the tests share them."""

from protocol_reference import *

# machine -> state -> message -> next state. What is not here is refused with goodbye unexpectedMessage.
# A machine with a dot in its name watches only the messages it names, beside the machine before the dot.
FIRST = {"goodbye": "closed"}
EVERYWHERE = {"ping": "", "pong": "", "goodbye": "closed"}


def state(own_name, **moves):
    return {message: target or own_name for message, target in {**moves, **EVERYWHERE}.items()}


def staying(*messages):
    return {message: "" for message in messages}


def staying_in(own_name, *messages):
    return {message: own_name for message in messages}


LIST_ONCE = {"unlisted": {"list": "listed"}, "listed": {"have": "listed"}}
ASK_ONCE = {"unasked": {"listRequest": "asked"}, "asked": {}}

MACHINES = {
    "owner": {
        "hello?": {"hello": "join?", **FIRST},
        "join?": state("join?", join="open"),
        "open": state("open", **staying(
            "list", "have", "credit", "rescue", "bad", "complete", "listRequest", "request", "cancel",
            "proofRequest")),
    },
    "owner.holdings": {
        "unlisted": {"list": "listed"},
        "listed": staying_in("listed", "have", "credit", "rescue", "bad", "complete", "proofRequest"),
    },
    "owner.asking": ASK_ONCE,
    "owner.proving": {"unasked": {"proofRequest": "asked"}, "asked": {}},
    "joined": {
        "hello?": {"hello": "welcome?", **FIRST},
        "welcome?": state("welcome?", welcome="open"),
        "open": state("open", **staying(
            "digests", "manifestEnd", "roster", "rosterAdd", "rosterRemove", "grant", "ask", "chunk", "reject",
            "list", "have", "finished", "proof")),
    },
    "joined.manifest": {"growing": {"digests": "growing", "manifestEnd": "ended"}, "ended": {}},
    "joined.holdings": LIST_ONCE,
    "uploader": {
        "hello?": {"hello": "introduce?", **FIRST},
        "introduce?": state("introduce?", introduce="open"),
        "open": state("open", **staying("listRequest", "list", "have", "request", "cancel", "room")),
    },
    "uploader.asking": ASK_ONCE,
    "uploader.holdings": LIST_ONCE,
    "downloader": {
        "hello?": {"hello": "introduce?", **FIRST},
        "introduce?": state("introduce?", introduce="open"),
        "open": state("open", **staying("list", "have", "chunk", "reject", "proof")),
    },
    "downloader.holdings": LIST_ONCE,
}


def table(machine):
    """The Markdown table of one machine: a row for each message it ever takes, a column for each state."""
    states = MACHINES[machine]
    taken = [message for message in MESSAGES if any(message in moves for moves in states.values())]
    lines = ["| message | " + " | ".join(f"`{name}`" for name in states) + " |", "|---" * (len(states) + 1) + "|"]
    for message in taken:
        cells = [f"`{moves[message]}`" if message in moves else "refuse" for moves in states.values()]
        lines.append(f"| `{message}` | " + " | ".join(cells) + " |")
    if "." not in machine:
        lines.append("| any other | " + " | ".join("refuse" for _ in states) + " |")
    return "\n".join(lines)


DATA = file_bytes(2500)
CHUNKS = chunks_of(DATA, 1024)
CONTENT = content_id(DATA, 1024)
UNKNOWN = bytes(16)
SWARM = bytes(range(0x10, 0x20))
OWNER = bytes(range(0x20, 0x30))
FIRST_PEER = bytes(range(0x30, 0x40))
SECOND_PEER = bytes(range(0x40, 0x50))


def step(sender, name, payload=b"", chunk=0, note=""):
    return {"from": sender, "type": name, "hex": frame(name, payload, chunk).hex(), "note": note}


def digests(first, last):
    return b"".join(sha256(chunk) for chunk in CHUNKS[first:last + 1])


SESSIONS = [
    {
        "name": "a peer and its owner", "accepting": "owner", "connecting": "joined", "steps": [
            step("connecting", "hello", hello(1, UNKNOWN, FIRST_PEER), note="a peer that has not met its owner yet"),
            step("connecting", "join", join(9001, 0, NO_ADDRESS, address(4, 9002, bytes([192, 0, 2, 7]))),
                 note="listens on 9001, its user named 192.0.2.7:9002 as download neighbour"),
            step("accepting", "hello", hello(0, SWARM, OWNER), note="the owner names the swarm"),
            step("accepting", "welcome", welcome(0, 1024, 2500, b"data.bin"), note="peer 0; chunks of 1,024 bytes"),
            step("accepting", "digests", digests(0, 1), 0, note="digests of chunks 0 and 1"),
            step("accepting", "roster", roster(0, 1, [entry(0, address(1, 9001))]),
                 note="one member, on the owner's machine"),
            step("connecting", "list", b"\0", note="holds nothing"),
            step("connecting", "credit", number(2, 4), note="the owner may send two chunks of its choice"),
            step("accepting", "grant", CHUNKS[0], 0, note="chunk 0, one credit spent"),
            step("accepting", "digests", digests(2, 2), 2, note="digest of chunk 2"),
            step("accepting", "manifestEnd", CONTENT, note="the content ID"),
            step("accepting", "rosterAdd", number(1, 4) + number(2, 4)
                 + entry(1, address(4, 9001, bytes([192, 0, 2, 8]))), note="peer 1 joins after peer 0; 2 members now"),
            step("connecting", "have", runs_form({0}), note="chunk 0 is verified"),
            step("connecting", "credit", number(1, 4), note="one more chunk, please"),
            step("accepting", "grant", CHUNKS[1], 1, note="chunk 1"),
            step("connecting", "rescue", number(0xFFFFFFFF, 4), 2, note="nobody has chunk 2 for me"),
            step("accepting", "ask", number(1, 4), 2, note="ask peer 1 for it"),
            step("connecting", "rescue", number(1, 4), 2, note="peer 1 does not send it"),
            step("accepting", "chunk", CHUNKS[2], 2, note="chunk 2, the shorter last one"),
            step("accepting", "ping", number(7, 8), note="still there?"),
            step("connecting", "pong", number(7, 8), note="yes"),
            step("connecting", "have", runs_form({1, 2}), note="chunks 1 and 2 are verified"),
            step("connecting", "bad", number(1, 4), 2, note="peer 1 sent a chunk 2 that was not it"),
            step("accepting", "rosterRemove", number(1, 4) + number(1, 4), note="peer 1 is gone; 1 member left"),
            step("connecting", "complete", CONTENT, note="the whole file is verified"),
            step("accepting", "finished", note="so has everybody"),
            step("connecting", "goodbye", number(CODE["done"], 2), note="done"),
        ],
    },
    {
        "name": "a downloader and an uploader", "accepting": "uploader", "connecting": "downloader", "steps": [
            step("connecting", "hello", hello(1, SWARM, SECOND_PEER), note="a member of the swarm"),
            step("connecting", "introduce", number(1, 4), note="I am peer 1"),
            step("connecting", "listRequest", note="what do you hold?"),
            step("connecting", "list", chunk_id_list({2}, 3), note="and I hold chunk 2"),
            step("accepting", "hello", hello(1, SWARM, FIRST_PEER), note="the uploader is of the swarm too"),
            step("accepting", "introduce", number(0, 4), note="and I am peer 0"),
            step("accepting", "list", chunk_id_list({0, 1}, 3), note="chunks 0 and 1"),
            step("connecting", "request", number(2, 4), 0, note="chunks 0 and 1, please"),
            step("accepting", "chunk", CHUNKS[0], 0, note="chunk 0"),
            step("connecting", "room", number(2, 1), note="twice the usual may be on its way to me"),
            step("connecting", "cancel", b"", 1, note="not chunk 1 (crosses it)"),
            step("accepting", "chunk", CHUNKS[1], 1, note="chunk 1 had begun"),
            step("connecting", "request", number(1, 4), 2, note="chunk 2, please"),
            step("accepting", "reject", number(0, 1), 2, note="not held"),
            step("accepting", "have", runs_form({2}), note="now it is"),
            step("connecting", "request", number(1, 4), 2, note="then chunk 2 again"),
            step("connecting", "cancel", b"", 2, note="it may come from elsewhere"),
            step("accepting", "reject", number(3, 1), 2, note="cancelled before it had begun"),
            step("connecting", "request", number(1, 4), 2, note="it did not come: chunk 2 once more"),
            step("connecting", "ping", number(2 ** 64 - 1, 8), note="still there?"),
            step("accepting", "chunk", CHUNKS[2], 2, note="chunk 2"),
            step("accepting", "pong", number(2 ** 64 - 1, 8), note="yes, after the chunk in front of it"),
            step("connecting", "have", runs_form({0, 1, 2}), note="all verified"),
            step("accepting", "goodbye", number(CODE["leaving"], 2) + "bye".encode(), note="the uploader leaves"),
        ],
    },
    {
        "name": "a downloader from another swarm", "accepting": "uploader", "connecting": "downloader", "steps": [
            step("connecting", "hello", hello(1, OWNER, SECOND_PEER), note="another swarm's token"),
            step("accepting", "goodbye", number(CODE["wrongSwarm"], 2), note="in place of the hello"),
        ],
    },
]


def dump(session):
    """The annotated dump: header and payload, of payloads above 64 bytes the first 32 and how many are left out."""
    lines = []
    for item in session["steps"]:
        data = bytes.fromhex(item["hex"])
        arrow = ">" if item["from"] == "connecting" else "<"
        lines.append(f"{arrow} {data[:4].hex()} {data[4:8].hex()} {data[8:12].hex()}  {item['type']}: {item['note']}")
        shown = data[12:] if len(data) <= 76 else data[12:44]
        rest = len(data) - 12 - len(shown)
        for place in range(0, len(shown), 16):
            lines.append("    " + shown[place:place + 16].hex(" ", -4))
        if rest > 0:
            lines.append(f"    ({rest} more bytes)")
    return "\n".join(lines)


LAYOUT = {"fileByteCount": "2500", "chunkByteCount": 1024}


def refusal(machine, where, name, payload, chunk, code, requirement):
    return {"machine": machine, "state": where, "type": name, "hex": frame(name, payload, chunk).hex(),
            "code": CODE[code], "requirement": requirement}


# What the codec takes and the conversation refuses: the swarm of SESSIONS, a file of three chunks.
SESSION_REFUSALS = [
    refusal("owner", "hello?", "hello", hello(0, SWARM, FIRST_PEER), 0, "badField", "H-7"),
    refusal("uploader", "hello?", "hello", hello(1, SWARM, FIRST_PEER), 0, "selfConnection", "H-10"),
    refusal("uploader", "hello?", "hello", hello(1, OWNER, SECOND_PEER), 0, "wrongSwarm", "H-12"),
    refusal("uploader", "hello?", "hello", hello(1, UNKNOWN, SECOND_PEER), 0, "wrongSwarm", "H-12"),
    refusal("owner", "join?", "list", b"\0", 0, "unexpectedMessage", "O-1"),
    refusal("owner", "open", "hello", hello(1, SWARM, FIRST_PEER), 0, "unexpectedMessage", "H-1"),
    refusal("owner", "open", "welcome", welcome(0, 1024, 2500, b""), 0, "unexpectedMessage", "F-12"),
    refusal("owner", "open", "have", runs_form({3}), 0, "badField", "L-4"),
    refusal("owner", "open", "rescue", number(0xFFFFFFFF, 4), 3, "badField", "C-7"),
    refusal("owner", "open", "request", number(2, 4), 2, "badField", "C-7"),
    refusal("owner", "open", "request", number(2, 4), 0xFFFFFFFF, "badField", "C-7"),
    refusal("owner", "open", "cancel", b"", 3, "badField", "C-7"),
    refusal("owner", "open", "bad", number(1, 4), 3, "badField", "C-7"),
    refusal("owner", "open", "complete", bytes(32), 0, "badField", "O-12"),
    refusal("owner", "open", "proofRequest", runs_form({3}), 0, "badField", "L-4"),
    refusal("owner", "open", "room", number(2, 1), 0, "unexpectedMessage", "F-12"),
    refusal("joined", "hello?", "hello", hello(1, SWARM, OWNER), 0, "wrongSwarm", "H-13"),
    refusal("joined", "hello?", "hello", hello(0, UNKNOWN, OWNER), 0, "badField", "H-11"),
    refusal("downloader", "hello?", "hello", hello(0, SWARM, OWNER), 0, "wrongSwarm", "H-13"),
    refusal("downloader", "hello?", "hello", hello(1, OWNER, FIRST_PEER), 0, "wrongSwarm", "H-13"),
    refusal("joined", "welcome?", "digests", digests(0, 0), 0, "unexpectedMessage", "O-2"),
    refusal("joined", "open", "digests", digests(0, 0), 1, "badField", "M-1"),
    refusal("joined", "open", "digests", digests(0, 2) + digests(0, 0), 0, "badField", "M-2"),
    refusal("joined", "open", "manifestEnd", CONTENT, 0, "unexpectedMessage", "M-4"),
    refusal("joined", "open", "rosterRemove", number(0, 4) + number(7, 4), 0, "badField", "R-4"),
    refusal("joined", "open", "grant", CHUNKS[0], 3, "badField", "C-7"),
    refusal("joined", "open", "grant", CHUNKS[0][:-1], 0, "badField", "C-6"),
    refusal("joined", "open", "chunk", CHUNKS[2], 1, "badField", "C-6"),
    refusal("joined", "open", "room", number(2, 1), 0, "unexpectedMessage", "F-12"),
    refusal("joined", "open", "proof", digests(0, 0), 3, "badField", "C-7"),
    refusal("joined", "open", "proof", digests(0, 1), 0, "badField", "M-13"),
    refusal("uploader", "introduce?", "listRequest", b"", 0, "unexpectedMessage", "P-1"),
    refusal("uploader", "introduce?", "join", join(9001), 0, "unexpectedMessage", "P-1"),
    refusal("uploader", "introduce?", "room", number(2, 1), 0, "unexpectedMessage", "P-1"),
    refusal("uploader", "open", "credit", number(1, 4), 0, "unexpectedMessage", "F-12"),
    refusal("uploader", "open", "proof", digests(0, 0), 0, "unexpectedMessage", "F-12"),
    refusal("downloader", "introduce?", "list", b"\0", 0, "unexpectedMessage", "P-1"),
    refusal("downloader", "open", "grant", CHUNKS[0], 0, "unexpectedMessage", "F-12"),
    refusal("downloader", "open", "room", number(2, 1), 0, "unexpectedMessage", "F-12"),
    refusal("downloader", "open", "chunk", CHUNKS[0], 2, "badField", "C-6"),
    refusal("downloader", "open", "proof", digests(0, 1), 0, "badField", "M-13"),
]
