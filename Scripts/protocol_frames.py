"""Frames of every kind, right and wrong: one rule broken in each of the wrong ones."""

from protocol_conversations import FIRST_PEER, OWNER, SWARM, UNKNOWN
from protocol_reference import *

NO_PEER = 2 ** 32 - 1
V4 = address(4, 9002, bytes([192, 0, 2, 7]))
V6 = address(6, 65535, bytes.fromhex("20010db8000000000000000000000001"))


def valid(title, name, payload=b"", chunk=0, /, **fields):
    return {"name": title, "type": name, "number": TYPE[name], "chunk": chunk, "fields": fields,
            "hex": frame(name, payload, chunk).hex()}


def valid_frames():
    token, other = SWARM, OWNER
    first, second = sha256(b""), sha256(b"abc")
    yield valid("peer in no swarm yet", "hello", hello(1, UNKNOWN, other), role=1, swarm=UNKNOWN.hex(),
                node=other.hex(), versions=[1, 1], features="0")
    yield valid("owner, wide version range, unknown features", "hello", hello(0, token, other, 0, 9, 2 ** 64 - 1),
                role=0, swarm=token.hex(), node=other.hex(), versions=[0, 9], features=str(2 ** 64 - 1))
    yield valid("hello of a later version, longer, reserved bytes set", "hello",
                hello(1, token, other, 1, 2, 0, reserved=b"\1\2\3", more=bytes(200)), role=1, swarm=token.hex(),
                node=other.hex(), versions=[1, 2], features="0", again=False)
    for title, flags, advertised, neighbour in [
            ("nothing given", 0, NO_ADDRESS, NO_ADDRESS), ("ring only, IPv4 and IPv6", 1, V4, V6),
            ("neighbour on the owner's machine", 0, NO_ADDRESS, address(1, 1))]:
        yield valid("join, " + title, "join", join(9001, flags, advertised, neighbour), listenPort=9001,
                    flags=flags, addresses=[advertised.hex(), neighbour.hex()])
    for title, peer, chunk_size, file_size, name in [
            ("an empty file without a name", 0, 1024, 0, b""),
            ("the default chunk size", 7, 102400, 1000000000, "Übung.iso".encode()),
            ("the most chunks, the longest name", 16383, 16777216, 2 ** 48, b"n" * 255)]:
        yield valid("welcome, " + title, "welcome", welcome(peer, chunk_size, file_size, name), peer=peer,
                    chunkByteCount=chunk_size, fileByteCount=str(file_size), text=name.decode())
    yield valid("one digest", "digests", first, 5, digests=[first.hex()])
    yield valid("two digests", "digests", first + second, 2 ** 24 - 2, digests=[first.hex(), second.hex()])
    siblings = [sha256(number(place, 1)) for place in range(7)]
    yield valid("a proof without siblings", "proof", first, 5, digests=[first.hex()])
    yield valid("the longest proof", "proof", b"".join(siblings), 2 ** 24 - 1, digests=[one.hex() for one in siblings])
    yield valid("manifest end", "manifestEnd", second, digests=[second.hex()])
    yield valid("complete", "complete", second, digests=[second.hex()])
    members = [(0, address(1, 9001)), (16383, V4), (3, V6)]
    yield valid("empty roster", "roster", roster(0, 0, []), start=0, total=0, entries=[])
    yield valid("a part of a roster", "roster", roster(16381, 16384, [entry(*one) for one in members]), start=16381,
                total=16384, entries=[[str(peer), where.hex()] for peer, where in members])
    yield valid("first of one", "rosterAdd", number(0, 4) + number(1, 4) + entry(0, V4), start=0, total=1,
                entries=[["0", V4.hex()]])
    yield valid("last of all", "rosterAdd", number(16383, 4) + number(16384, 4) + entry(16383, V6), start=16383,
                total=16384, entries=[["16383", V6.hex()]])
    yield valid("last member gone", "rosterRemove", number(0, 4) + number(0, 4), peer=0, total=0)
    yield valid("one of the most gone", "rosterRemove", number(16383, 4) + number(16383, 4), peer=16383, total=16383)
    for name in ["listRequest", "finished"]:
        yield valid(name, name)
    for name in ["list", "have"]:
        for members in [set(), {0, 1, 2, 500}]:
            text = chunk_id_list(members, 1000)
            yield valid(f"{name} of {len(members)}", name, text, payload=text.hex())
    for members in [{7}, set(range(0, 1000, 2))]:
        text = chunk_id_list(members, 1000)
        yield valid(f"proofRequest of {len(members)}", "proofRequest", text, payload=text.hex())
    for count in [1, 1024]:
        yield valid(f"{count} credits", "credit", number(count, 4), count=count)
        yield valid(f"request of {count}", "request", number(count, 4), 77, count=count)
    yield valid("cancel", "cancel", b"", 2 ** 32 - 1)
    for reason in [0, 1, 2, 3]:
        yield valid(f"reject for reason {reason}", "reject", number(reason, 1), 9, count=reason)
    for times in [1, 8]:
        yield valid(f"room, {times} times", "room", number(times, 1), times=times)
    for name in ["rescue", "ask", "bad"]:
        yield valid(f"{name}, last peer index", name, number(16383, 4), 3, peer=16383)
    yield valid("introduce, last peer index", "introduce", number(16383, 4), 0, peer=16383)
    yield valid("rescue from nobody", "rescue", number(NO_PEER, 4), 3, peer=NO_PEER)
    for code in range(len(CODES)):
        yield valid(f"goodbye {CODES[code]}", "goodbye", number(code, 2), count=code, text="")
    yield valid("goodbye with the longest reason", "goodbye", number(1, 2) + b"r" * 200, count=1, text="r" * 200)
    yield valid("goodbye of a later version", "goodbye", number(999, 2) + b"new", count=CODE["leaving"], text="new",
                again=False)
    for name in ["ping", "pong"]:
        yield valid(name, name, number(2 ** 64 - 1, 8), features=str(2 ** 64 - 1))
    for name in ["chunk", "grant"]:
        yield valid(f"{name} of one byte", name, b"\x5a", 2 ** 24 - 1, payload="5a")
        yield valid(f"{name} of 1,024 bytes", name, file_bytes(1024), 0, payload=file_bytes(1024).hex())


def invalid(title, requirement, code, data, first=False):
    return {"name": title, "requirement": requirement, "code": CODE[code], "codeName": code, "hex": data.hex(),
            "firstFrame": first}


def invalid_first_frames():
    me = FIRST_PEER
    for title, data, requirement, code in [
            ("TLS client hello", bytes.fromhex("1603010200010001fc0303c0ffee"), "F-3", "unknownType"),
            ("another TLS client hello", bytes.fromhex("16030100c8010000c40303c0ffee"), "F-4", "frameTooLong"),
            ("HTTP request", b"GET / HTTP/1.1\r\n", "F-3", "unknownType"),
            ("SSH banner", b"SSH-2.0-OpenSSH_9.9\r\n", "F-3", "unknownType"),
            ("BitTorrent handshake", b"\x13BitTorrent protocol", "F-3", "unknownType"),
            ("twelve zero bytes", bytes(12), "F-3", "unknownType"),
            ("a skippable type", header(128, 0), "H-1", "badMagic"),
            ("a skippable type, too long", header(255, 65537), "F-4", "frameTooLong"),
            ("wrong magic", frame("hello", hello(1, UNKNOWN, me, magic=b"MILLRACF")), "H-4", "badMagic"),
            ("later versions only", frame("hello", hello(1, UNKNOWN, me, 2, 3)), "H-5", "versionMismatch"),
            ("earlier versions only", frame("hello", hello(1, UNKNOWN, me, 0, 0)), "H-5", "versionMismatch"),
            ("versions upside down", frame("hello", hello(1, UNKNOWN, me, 1, 0)), "H-5", "versionMismatch"),
            ("unknown role", frame("hello", hello(2, UNKNOWN, me)), "H-7", "badField"),
            ("no node token", frame("hello", hello(1, SWARM, UNKNOWN)), "H-9", "badField")]:
        yield invalid(title, requirement, code, data, first=True)
    for name in MESSAGES:
        least, _ = SIZES[name]
        if name not in ["hello", "goodbye"]:
            yield invalid(f"{name} before hello", "H-1", "unexpectedMessage", header(TYPE[name], least), first=True)


def invalid_headers():
    for unknown in [0, 30, 127]:
        yield invalid(f"type {unknown}", "F-3", "unknownType", header(unknown, 0))
    for skippable in [128, 255]:
        yield invalid(f"type {skippable}, too long to skip", "F-4", "frameTooLong", header(skippable, 65537))
    for name, (least, most) in SIZES.items():
        here = lambda length, **more: header(TYPE[name], length, **more)
        yield invalid(f"{name} one byte too long", "F-7", "frameTooLong", here(most + 1))
        yield invalid(f"{name} of 4 GiB", "F-7", "frameTooLong", here(2 ** 32 - 1))
        if least > 0:
            yield invalid(f"{name} one byte too short", "F-8", "badFrame", here(least - 1))
        yield invalid(f"{name} with a flag", "F-5", "badFrame", here(least, flags=1))
        yield invalid(f"{name} with the highest flag", "F-5", "badFrame", here(least, flags=128))
        yield invalid(f"{name} with a reserved bit", "F-5", "badFrame", here(least, reserved=1))
        if name not in USES_CHUNK_ID:
            yield invalid(f"{name} with a chunk ID", "F-6", "badField", here(least, chunk=1))


def bad_addresses():
    yield "unknown family", address(2, 1)
    yield "no family but a port", address(0, 1)
    yield "no family but a first byte", address(0, 0, b"\1")
    yield "no family but a last byte", address(0, 0, bytes(15) + b"\1")
    yield "reserved byte set", b"\4\1" + V4[2:]
    yield "owner's machine without a port", address(1, 0)
    yield "owner's machine with a first byte", address(1, 1, b"\1")
    yield "owner's machine with a last byte", address(1, 1, bytes(15) + b"\1")
    yield "IPv4 without a port", address(4, 0, bytes([192, 0, 2, 7]))
    yield "IPv4 with a fifth byte", address(4, 1, bytes([192, 0, 2, 7, 1]))
    yield "IPv4 with a last byte", address(4, 1, bytes([192, 0, 2, 7]) + bytes(11) + b"\1")
    yield "IPv6 without a port", V6[:2] + bytes(2) + V6[4:]


def invalid_payloads():
    def bad(title, name, payload, rule, code="badField", chunk=0):
        return invalid(f"{name}: {title}", rule, code, frame(name, payload, chunk))

    yield bad("port 0", "join", join(0), "join.listenPort")
    for flags in [2, 0x8000]:
        yield bad(f"flags {flags}", "join", join(9001, flags), "join.flags")
    for title, where in bad_addresses():
        yield bad("advertised, " + title, "join", join(9001, 0, where), "A-1")
        yield bad("neighbour, " + title, "join", join(9001, 0, NO_ADDRESS, where), "A-1")
        yield bad(title, "roster", roster(0, 1, [entry(0, where)]), "A-1")
        yield bad(title, "rosterAdd", number(0, 4) + number(1, 4) + entry(0, where), "A-1")
    yield bad("peer index", "welcome", welcome(16384, 1024, 1, b""), "welcome.peerIndex")
    yield bad("chunk size too small", "welcome", welcome(0, 1023, 1, b""), "C-1")
    yield bad("chunk size too large", "welcome", welcome(0, 16777217, 1, b""), "C-1")
    yield bad("chunk size 0", "welcome", welcome(0, 0, 1, b""), "C-1")
    yield bad("too many chunks", "welcome", welcome(0, 1024, 2 ** 34 + 1, b""), "C-2")
    yield bad("largest file size there is", "welcome", welcome(0, 16777216, 2 ** 64 - 1, b""), "C-2")
    yield bad("name not UTF-8", "welcome", welcome(0, 1024, 1, b"\xff"), "welcome.name")
    yield bad("name cut inside a character", "welcome", welcome(0, 1024, 1, b"a\xc3"), "welcome.name")
    yield bad("name shorter than announced", "welcome", welcome(0, 1024, 1, b"abc")[:-1], "F-9", "badFrame")
    yield bad("name longer than announced", "welcome", welcome(0, 1024, 1, b"abc") + b"d", "F-9", "badFrame")
    yield bad("a digest and a half", "digests", bytes(48), "M-3")
    yield bad("one byte over", "digests", bytes(33), "M-3")
    yield bad("a digest and a half", "proof", bytes(48), "M-13")
    yield bad("one byte over", "proof", bytes(33), "M-13")
    yield bad("one byte under the longest", "proof", bytes(223), "M-13")
    yield bad("half an entry", "roster", roster(0, 1, []) + bytes(12), "roster.entries")
    yield bad("total too large", "roster", roster(0, 16385, []), "roster.total")
    yield bad("more entries than members", "roster", roster(0, 0, [entry(0, V4)]), "roster.start")
    yield bad("part beyond the total", "roster", roster(2, 2, [entry(0, V4)]), "roster.start")
    yield bad("start beyond all numbers", "roster", roster(2 ** 32 - 1, 1, [entry(0, V4)]), "roster.start")
    yield bad("peer index", "roster", roster(0, 1, [entry(16384, V4)]), "roster.entries")
    yield bad("member without address", "roster", roster(0, 1, [entry(0, NO_ADDRESS)]), "roster.entries")
    yield bad("peer index", "rosterAdd", number(0, 4) + number(1, 4) + entry(16384, V4), "rosterAdd.entry")
    yield bad("member without address", "rosterAdd", number(0, 4) + number(1, 4) + entry(0, NO_ADDRESS),
              "rosterAdd.entry")
    yield bad("position beyond the end", "rosterAdd", number(1, 4) + number(1, 4) + entry(0, V4),
              "rosterAdd.position")
    yield bad("total 0", "rosterAdd", number(0, 4) + number(0, 4) + entry(0, V4), "rosterAdd.position")
    yield bad("total too large", "rosterAdd", number(0, 4) + number(16385, 4) + entry(0, V4), "rosterAdd.total")
    yield bad("peer index", "rosterRemove", number(16384, 4) + number(1, 4), "rosterRemove.peerIndex")
    yield bad("total too large", "rosterRemove", number(0, 4) + number(16384, 4), "rosterRemove.total")
    for name in ["credit", "request"]:
        for count in [0, 1025, 2 ** 32 - 1]:
            yield bad(f"count {count}", name, number(count, 4), f"{name}.count", "limitExceeded")
    for reason in [4, 255]:
        yield bad(f"reason {reason}", "reject", number(reason, 1), "reject.reason")
    for times in [0, 9, 255]:
        yield bad(f"{times} times", "room", number(times, 1), "room.times")
    for name in ["ask", "bad", "introduce"]:
        for peer in [16384, NO_PEER]:
            yield bad(f"peer index {peer}", name, number(peer, 4), f"{name}.peerIndex")
    yield bad("peer index 16384", "rescue", number(16384, 4), "rescue.peerIndex")
    yield bad("peer index just below none", "rescue", number(NO_PEER - 1, 4), "rescue.peerIndex")
    yield bad("reason not UTF-8", "goodbye", number(0, 2) + b"\xc0\x80", "goodbye.reason")
