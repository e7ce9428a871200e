#!/usr/bin/env python3
"""Makes the test vectors of PROTOCOL.md and the generated blocks in it; needs Python's standard library only.

    Scripts/make-vectors.py            write Tests/MillraceWireTests/Vectors/*.json and the blocks of PROTOCOL.md
    Scripts/make-vectors.py --check    write nothing; leave with 1 where a file is not what the rule makes
"""

import json
import pathlib
import re
import sys

sys.dont_write_bytecode = True

from protocol_conversations import *
from protocol_frames import invalid_first_frames, invalid_headers, invalid_payloads, valid_frames
from protocol_reference import *

ROOT = pathlib.Path(__file__).resolve().parent.parent
RULE = "Made by Scripts/make-vectors.py from Scripts/protocol_reference.py; do not edit."


def layouts():
    def fits(file_size, chunk_size):
        starts = range(0, file_size, chunk_size)
        count = len(starts)
        picked = sorted(chunk for chunk in {0, 1, count // 2, count - 1} if 0 <= chunk < count)
        return {"fileByteCount": str(file_size), "chunkByteCount": chunk_size, "chunkCount": count,
                "pageChunkCount": page_chunk_count(file_size, chunk_size), "samples": [
                    {"chunk": chunk, "offset": str(starts[chunk]),
                     "byteCount": min(file_size, starts[chunk] + chunk_size) - starts[chunk]} for chunk in picked]}

    def refused(file_size, chunk_size, requirement):
        return {"fileByteCount": str(file_size), "chunkByteCount": chunk_size, "refused": requirement}

    sizes = [(0, 1024), (1, 1024), (1023, 1024), (1024, 1024), (1025, 1024), (0, 102400), (1, 102400),
             (102400, 102400), (102400 * 5, 102400), (102401, 102400), (1234567, 102400), (1234567, 99991),
             (2 ** 32 - 1, 102400), (2 ** 32, 102400), (5 * 2 ** 30 + 17, 102400), (10 ** 12, 1048576),
             (2 ** 34, 1024), (2 ** 34 - 1, 1024), (2 ** 48, 16777216), (2 ** 48 - 16777215, 16777216)]
    # The limits of M-11: 63 and 64 chunks, and 8 MiB in a page.
    sizes += [(63 * chunk_size + more, chunk_size) for chunk_size in [1024, 102400, 131073, 8388608]
              for more in [0, 1, chunk_size, chunk_size + 1]]
    sizes += [(2 ** 40, chunk_size) for chunk_size in [
        102400, 131072, 131073, 262144, 262145, 1048576, 4194304, 4194305, 8388608, 8388609, 16777216]]
    return [fits(*one) for one in sizes] + [
        refused(1, 1023, "C-1"), refused(0, 0, "C-1"), refused(1, 16777217, "C-1"), refused(1, 2 ** 32 - 1, "C-1"),
        refused(2 ** 34 + 1, 1024, "C-2"), refused(2 ** 48 + 1, 16777216, "C-2"), refused(2 ** 64 - 1, 1024, "C-2")]


def lists():
    def both(title, members, chunk_count):
        return {"name": title, "chunkCount": chunk_count, "runs": runs(members),
                "hex": chunk_id_list(members, chunk_count).hex(),
                "alsoAccepted": [runs_form(members).hex(), bitmap_form(members, chunk_count).hex()]}

    # Not what a sender writes, and taken all the same: runs that touch (L-8).
    touching = {"name": "touching runs", "chunkCount": 10, "runs": [[2, 5]], "hex": chunk_id_list({2, 3, 4, 5}, 10).hex(),
                "alsoAccepted": ["0002010001", "00020100000000"]}
    good = [both(*one) for one in [
        ("empty file", set(), 0), ("none of one", set(), 1), ("one of one", {0}, 1), ("none of many", set(), 1000),
        ("all of 8", set(range(8)), 8), ("all of many", set(range(1000)), 1000), ("only the last", {999}, 1000),
        ("every second", set(range(0, 1000, 2)), 1000), ("every second, from 1", set(range(1, 1000, 2)), 1000),
        ("two runs", {*range(10, 200), *range(500, 1000)}, 1000), ("around a word", {63, 64, 127, 128}, 129),
        ("tie at one run: runs", {0}, 16), ("tie at two runs: runs", {0, 2}, 32), ("one shorter: bitmap", {0, 2}, 24),
        ("a gap of 128", {128}, 5000), ("a gap of 16,384", {16384, 16385}, 1000000),
        ("the last of the most", {2 ** 24 - 1}, 2 ** 24)] if one[2] < 10000 or len(one[1]) < 3] + [touching]
    for one in good:
        if one["chunkCount"] > 10000:
            one["alsoAccepted"] = one["alsoAccepted"][:1]

    def wrong(title, requirement, code, text, chunk_count):
        return {"name": title, "requirement": requirement, "code": CODE[code], "hex": text, "chunkCount": chunk_count}

    return good, [
        wrong("no bytes", "L-1", "badFrame", "", 8), wrong("unknown form", "L-1", "badField", "02", 8),
        wrong("highest form", "L-1", "badField", "ff00", 8),
        wrong("gap without length", "L-2", "badFrame", "0000000a", 100),
        wrong("gap cut short", "L-3", "badFrame", "0080", 100), wrong("length cut short", "L-3", "badFrame", "000080", 100),
        wrong("gap not in its shortest form", "L-3", "badField", "00800000", 100),
        wrong("length not in its shortest form", "L-3", "badField", "00008100", 100),
        wrong("number of three bytes not in its shortest form", "L-3", "badField", "0080800000", 100),
        wrong("number of five bytes not in its shortest form", "L-3", "badField", "00808080800000", 100),
        wrong("number of six bytes", "L-3", "badField", "0080808080800100", 100),
        wrong("number above 32 bits", "L-3", "badField", "00ffffffff1f00", 100),
        wrong("run in a file without chunks", "L-4", "badField", "000000", 0),
        wrong("run past the end", "L-4", "badField", "000008", 8), wrong("run beyond the end", "L-4", "badField", "000800", 8),
        wrong("second run past the end", "L-4", "badField", "0000000008", 8),
        wrong("largest gap", "L-4", "badField", "00ffffffff0f00", 100),
        wrong("largest length", "L-4", "badField", "0000ffffffff0f", 100),
        wrong("largest gap and length", "L-4", "badField", "00ffffffff0fffffffff0f", 100),
        wrong("bitmap too short", "L-5", "badField", "01", 8), wrong("bitmap too long", "L-5", "badField", "010000", 8),
        wrong("bitmap for no chunks, not empty", "L-5", "badField", "0100", 0),
        wrong("spare bit set", "L-6", "badField", "0180", 7), wrong("lowest spare bit set", "L-6", "badField", "010002", 9),
        wrong("spare bit in a ninth byte", "L-6", "badField", "01" + "00" * 8 + "02", 65)]


def manifests():
    for file_size, chunk_size in [(0, 1024), (0, 102400), (1, 1024), (1024, 1024), (1025, 1024), (2500, 1024),
                                  (102400, 102400), (307201, 102400), (65536, 4096),
                                  (64512, 1024), (65536, 1024), (65537, 1024), (117200, 1100), (219500, 1100)]:
        # The last five have 63 chunks, 64, 65 (one in the last page), 107 (43: odd on three levels) and 200 (8). The
        # bytes are the same again after 65,536: with chunks of 1,024 all whole pages would be one.
        data = file_bytes(file_size)
        chunks, of_page = chunks_of(data, chunk_size), page_chunk_count(file_size, chunk_size)
        last = len(chunks) - 1
        picked = sorted({0, len(chunks) // 2, last - last % of_page, last}) if chunks else []
        yield {"fileByteCount": file_size, "chunkByteCount": chunk_size, "pageChunkCount": of_page,
               "digests": [sha256(chunk).hex() for chunk in chunks],
               "pages": [digest.hex() for digest in page_digests(data, chunk_size)],
               "proofs": [{"chunk": chunk, "digests": [digest.hex() for digest in proof(data, chunk_size, chunk)]}
                          for chunk in picked],
               "prefix": manifest_prefix(file_size, chunk_size).hex(), "contentID": content_id(data, chunk_size).hex()}


def datagrams():
    def swarm_token(first):
        return bytes(range(first, first + 16))

    digest = sha256(b"content")
    long_name = "ż" * 127 + "x"
    queries = [{"name": f"token {token}", "token": str(token), "hex": discovery_query(token).hex()}
               for token in (0, 1, 0x0123456789abcdef, 2 ** 64 - 1)]
    replies = []
    for title, port, chunk_size, file_size, name, content in [
            ("still hashing", 9000, 102400, 2500, "image.qcow2", None), ("hashed", 65535, 1024, 2 ** 34, "a", digest),
            ("empty file, no name", 1, 16777216, 0, "", digest), ("longest name", 9000, 102400, 1, long_name, None)]:
        replies.append({
            "name": title, "token": "81985529216486895", "listenPort": port, "chunkByteCount": chunk_size,
            "fileByteCount": str(file_size), "fileName": name, "swarm": swarm_token(16).hex(),
            "contentID": content and content.hex(),
            "hex": discovery_reply(0x0123456789abcdef, port, chunk_size, file_size, name, swarm_token(16), content).hex()})
    query = discovery_query(5)
    reply = discovery_reply(5, 9000, 1024, 2500, "abc", swarm_token(16), digest)

    def changed(data, offset, new):
        return data[:offset] + new + data[offset + len(new):]

    dropped = [{"name": title, "requirement": rule, "hex": data.hex()} for title, rule, data in [
        ("nothing", "D-3", b""), ("start of a query", "D-3", query[:20]), ("query one byte short", "D-3", query[:-1]),
        ("query one byte long", "D-3", query + b"\0"), ("query without its padding", "D-3", query[:84]),
        ("other magic", "D-3", changed(query, 0, b"MILLRACE")), ("later version", "D-3", changed(query, 8, b"\0\2")),
        ("version 0", "D-3", changed(query, 8, b"\0\0")), ("unknown kind", "D-3", changed(query, 10, b"\2")),
        ("query with flags", "D-3", changed(query, 11, b"\1")), ("padding not 0", "D-3", changed(query, 511, b"\1")),
        ("first byte of the padding not 0", "D-3", changed(query, 20, b"\1")),
        ("reply cut in its fields", "D-4", reply[:83]), ("name cut", "D-4", reply[:-1]), ("name too long", "D-4", reply + b"x"),
        ("name length 0", "D-4", changed(reply, 23, b"\0")), ("port 0", "D-4", changed(reply, 20, b"\0\0")),
        ("unknown flag", "D-4", changed(reply, 11, b"\3")), ("reserved byte", "D-4", changed(reply, 22, b"\1")),
        ("chunks too small", "D-4", changed(reply, 24, number(1023, 4))),
        ("too many chunks", "D-4", changed(reply, 28, number(2 ** 34 + 1, 8))),
        ("no swarm", "D-4", changed(reply, 36, bytes(16))), ("content ID without its flag", "D-4", changed(reply, 11, b"\0")),
        ("name not UTF-8", "D-4", changed(reply, 84, b"\xff"))]]
    return {"queries": queries, "replies": replies, "dropped": dropped}


def outputs():
    folder = ROOT / "Tests/MillraceWireTests/Vectors"
    good_lists, bad_lists = lists()
    files = {
        "frames": {"valid": list(valid_frames())},
        "refusals": {"invalid": [*invalid_first_frames(), *invalid_headers(), *invalid_payloads()]},
        "layouts": {"layouts": layouts()},
        "lists": {"valid": good_lists, "invalid": bad_lists},
        "manifests": {"fileRule": "byte i is (7 i + i / 256) mod 256", "manifests": list(manifests())},
        "sessions": {"swarm": SWARM.hex(), "layout": LAYOUT, "sessions": SESSIONS},
        "discovery": datagrams(),
        "conversations": {"machines": MACHINES, "layout": LAYOUT, "refusals": SESSION_REFUSALS},
    }
    for name, content in files.items():
        yield folder / f"{name}.json", json.dumps({"rule": RULE, **content}, indent=1, ensure_ascii=False) + "\n"
    document = (ROOT / "PROTOCOL.md").read_text()
    blocks = {**{f"table {name}": table(name) for name in MACHINES},
              **{f"dump {item['name']}": "```text\n" + dump(item) + "\n```" for item in SESSIONS}}
    for name, text in blocks.items():
        pattern = re.compile(r"(<!-- made: " + re.escape(name) + r" -->\n).*?(<!-- end -->)", re.DOTALL)
        document, count = pattern.subn(lambda match: match[1] + text + "\n" + match[2], document)
        if count != 1:
            sys.exit(f"PROTOCOL.md has {count} places for the block '{name}', not 1")
    yield ROOT / "PROTOCOL.md", document


def main():
    wrong = [path for path, text in outputs() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv[1:]:
        for path in wrong:
            print(f"not what Scripts/make-vectors.py makes: {path.relative_to(ROOT)}", file=sys.stderr)
        sys.exit(1 if wrong else 0)
    for path, text in outputs():
        path.write_text(text)


if __name__ == "__main__":
    main()
