"""The wire format of PROTOCOL.md once more, slow and obvious: what the test vectors are made with.

Written from the document, for reading: no cleverness, no error handling, no shared idea with the Swift code.
"""

import hashlib

MESSAGES = (
    "hello join welcome digests manifestEnd roster rosterAdd rosterRemove listRequest list have credit request "
    "cancel reject chunk grant rescue ask bad complete finished goodbye ping pong introduce proof proofRequest room"
).split()
TYPE = {name: number for number, name in enumerate(MESSAGES, start=1)}

CODES = (
    "done badFrame badMagic versionMismatch frameTooLong unknownType unexpectedMessage badField limitExceeded "
    "wrongSwarm notReady badChunk timedOut evicted tooManyConnections selfConnection sourceFailed leaving replaced"
).split()
CODE = {name: number for number, name in enumerate(CODES)}

# The payload sizes of each message: the least and the most, in bytes.
SIZES = {
    "hello": (56, 256), "join": (44, 44), "welcome": (17, 272), "digests": (32, 65536), "manifestEnd": (32, 32),
    "roster": (8, 24584), "rosterAdd": (32, 32), "rosterRemove": (8, 8), "listRequest": (0, 0),
    "list": (1, 2097153), "have": (1, 2097153), "credit": (4, 4), "request": (4, 4), "cancel": (0, 0),
    "reject": (1, 1), "chunk": (1, 16777216), "grant": (1, 16777216), "rescue": (4, 4), "ask": (4, 4),
    "bad": (4, 4), "complete": (32, 32), "finished": (0, 0), "goodbye": (2, 202), "ping": (8, 8), "pong": (8, 8),
    "introduce": (4, 4), "proof": (32, 224), "proofRequest": (1, 2097153), "room": (1, 1),
}
USES_CHUNK_ID = {"digests", "request", "cancel", "reject", "chunk", "grant", "rescue", "ask", "bad", "proof"}


def number(value, byte_count):
    return value.to_bytes(byte_count, "big")


def header(type_number, length, chunk=0, flags=0, reserved=0):
    return number(length, 4) + number(type_number, 1) + number(flags, 1) + number(reserved, 2) + number(chunk, 4)


def frame(name, payload=b"", chunk=0):
    return header(TYPE[name], len(payload), chunk) + payload


def hello(role, swarm, node, low=1, high=1, features=0, magic=b"MILLRACE", reserved=b"\0\0\0", more=b""):
    return (magic + number(low, 2) + number(high, 2) + number(features, 8) + number(role, 1) + reserved
            + swarm + node + more)


NO_ADDRESS = bytes(20)


def address(family, port, host=b""):
    return number(family, 1) + b"\0" + number(port, 2) + host + bytes(16 - len(host))


def join(port, flags=0, advertised=NO_ADDRESS, neighbour=NO_ADDRESS):
    return number(port, 2) + number(flags, 2) + advertised + neighbour


def welcome(peer, chunk_size, file_size, name):
    return number(peer, 4) + number(chunk_size, 4) + number(file_size, 8) + number(len(name), 1) + name


def entry(peer, where):
    return number(peer, 4) + where


def roster(start, total, entries):
    return number(start, 4) + number(total, 4) + b"".join(entries)


def file_bytes(byte_count):
    """The generated files: byte i is (7 i + i / 256) mod 256, the division rounding down."""
    return bytes((7 * i + i // 256) % 256 for i in range(byte_count))


def chunks_of(data, chunk_size):
    return [data[start:start + chunk_size] for start in range(0, len(data), chunk_size)]


def sha256(data):
    return hashlib.sha256(data).digest()


def manifest_prefix(file_size, chunk_size):
    chunk_count = len(range(0, file_size, chunk_size))
    return (b"MILLRACE-M" + number(1, 2) + number(1, 4) + number(chunk_size, 4) + number(chunk_count, 4)
            + number(file_size, 8))


def page_chunk_count(file_size, chunk_size):
    """M-11: how many chunks a page has, the last page perhaps fewer."""
    if len(range(0, file_size, chunk_size)) < 64:
        return 1
    return max(count for count in [1, 2, 4, 8, 16, 32, 64] if count == 1 or count * chunk_size <= 8 * 1024 * 1024)


def pages(data, chunk_size):
    """The digests of the chunks, in one list for each page."""
    digests = [sha256(chunk) for chunk in chunks_of(data, chunk_size)]
    count = page_chunk_count(len(data), chunk_size)
    return [digests[first:first + count] for first in range(0, len(digests), count)]


def levels(page):
    """M-12: the levels of a page's tree, from the digests of its chunks up to its own."""
    found = [page]
    while len(found[-1]) > 1:
        below = found[-1]
        neighbours = [below[first:first + 2] for first in range(0, len(below), 2)]
        found.append([sha256(pair[0] + pair[1]) if len(pair) == 2 else pair[0] for pair in neighbours])
    return found


def page_digests(data, chunk_size):
    return [levels(page)[-1][0] for page in pages(data, chunk_size)]


def proof(data, chunk_size, chunk):
    """M-13: the digest of the chunk, then its siblings, the lowest first."""
    count = page_chunk_count(len(data), chunk_size)
    page = pages(data, chunk_size)[chunk // count]
    place = chunk % count
    found = [page[place]]
    for level in levels(page)[:-1]:
        sibling = place + 1 if place % 2 == 0 else place - 1
        if sibling < len(level):
            found.append(level[sibling])
        place = place // 2
    return found


def content_id(data, chunk_size):
    return sha256(manifest_prefix(len(data), chunk_size) + b"".join(page_digests(data, chunk_size)))


def variable(value):
    """LEB128: the binary digits in groups of seven, the lowest group first, a 1 in front of all but the last."""
    digits = format(value, "b")
    digits = digits.zfill(-(-len(digits) // 7) * 7)
    groups = [digits[place:place + 7] for place in range(0, len(digits), 7)][::-1]
    return bytes(int(("0" if place == len(groups) - 1 else "1") + group, 2) for place, group in enumerate(groups))


def runs(members):
    found = []
    for chunk in sorted(members):
        if chunk - 1 not in members:
            found.append([chunk, chunk])
        found[-1][1] = chunk
    return found


def runs_form(members):
    text = b"\x00"
    after_last = 0
    for first, last in runs(members):
        text += variable(first - after_last) + variable(last - first)
        after_last = last + 1
    return text


def bitmap_form(members, chunk_count):
    text = [0] * -(-chunk_count // 8)
    for chunk in members:
        text[chunk // 8] += 2 ** (chunk % 8)
    return b"\x01" + bytes(text)


def chunk_id_list(members, chunk_count):
    return min(runs_form(members), bitmap_form(members, chunk_count), key=len)


def discovery_query(token):
    start = b"MILLFIND" + number(1, 2) + number(0, 1) + number(0, 1) + number(token, 8)
    return start + bytes(512 - len(start))


def discovery_reply(token, port, chunk_size, file_size, name, swarm, content):
    text = name.encode()
    return (b"MILLFIND" + number(1, 2) + number(1, 1) + number(1 if content else 0, 1) + number(token, 8)
            + number(port, 2) + number(0, 1) + number(len(text), 1) + number(chunk_size, 4) + number(file_size, 8)
            + swarm + (content or bytes(32)) + text)
