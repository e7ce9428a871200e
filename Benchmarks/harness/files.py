"""Source data, checks, and folders that go away."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

BLOCK_BYTES = 1 << 20


def make_source(path, byte_count):
    """Writes random bytes and returns their SHA-256 in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "wb") as file:
        for start in range(0, byte_count, BLOCK_BYTES):
            block = os.urandom(min(BLOCK_BYTES, byte_count - start))
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def sha256_of(path):
    """The SHA-256 of a file in hexadecimal, or None if there is no such file."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


FOLDER_PREFIX = "millrace-bench-"


def temporary_folder(parent):
    """A folder below the parent that vanishes at the end of the with block; those of killed runs go now."""
    for stale in Path(parent).glob(FOLDER_PREFIX + "*"):
        owner = stale.name.removeprefix(FOLDER_PREFIX).split("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(stale, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"{FOLDER_PREFIX}{os.getpid()}-", dir=parent, ignore_cleanup_errors=True)


def fresh_folder(path):
    """An empty folder, whatever was there before."""
    shutil.rmtree(path, ignore_errors=True)
    Path(path).mkdir(parents=True)
    return Path(path)


def require_space(folder, byte_count):
    """Ends the program with a message if the file system has less room than that."""
    free = shutil.disk_usage(folder).free
    if free < byte_count:
        raise SystemExit(f"{folder} has {free / 1e9:.1f} GB free, {byte_count / 1e9:.1f} GB are needed: "
                         "choose --folder or a smaller --size")


def byte_count(text):
    """Reads 1000, 64K, 100M or 1G (binary multiples: 1G is 1 GiB)."""
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper(), 1)
    return int(float(text[:-1] if factor > 1 else text) * factor)
