#!/usr/bin/env python3
"""Runs Millrace as a container's seccomp profile does: with io_uring forbidden. Scripts/recipes/seccomp.py PROGRAM"""

import ctypes
import platform
import struct
import subprocess
import sys
import tempfile

PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
ALLOW, ERROR_EPERM = 0x7FFF0000, 0x00050001
IO_URING_SETUP, IO_URING_REGISTER = 425, 427


def forbid():
    """EPERM for the three calls of io_uring, whose numbers are the same on every machine."""
    instructions = [
        (0x20, 0, 0, 0),                        # load the call's number
        (0x35, 0, 2, IO_URING_SETUP),           # below 425: allow
        (0x25, 1, 0, IO_URING_REGISTER),        # above 427: allow
        (0x06, 0, 0, ERROR_EPERM),
        (0x06, 0, 0, ALLOW),
    ]
    code = b"".join(struct.pack("HBBI", *one) for one in instructions)
    buffer = ctypes.create_string_buffer(code, len(code))
    program = struct.pack("HP", len(instructions), ctypes.addressof(buffer))
    library = ctypes.CDLL(None, use_errno=True)
    assert library.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    assert library.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.create_string_buffer(program, len(program))) == 0


def run(*words):
    done = subprocess.run([sys.argv[1], *words], preexec_fn=forbid, capture_output=True, text=True, timeout=100)
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    if len(sys.argv) != 2 or platform.system() != "Linux":
        sys.exit(__doc__)
    code, text = run("--version")
    print(text.strip())
    assert code == 0, text
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/data.bin"
        open(file, "wb").write(b"x" * 1000)
        # Nobody comes, so that it ends with 5; its first line says what it sends by.
        code, text = run("owner", "28999", file, "--io", "uring", "--timeout", "0.2", "--dir", f"{folder}/owner")
        print(next(line for line in text.splitlines() if "sending by" in line))
        assert code == 5 and "sending by sendfile" in text and "Operation not permitted" in text, text
    code, text = run("demo", "--peers", "2", "-q")
    print(text.strip().splitlines()[-1])
    assert code == 0, text
