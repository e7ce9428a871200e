#!/usr/bin/env python3
"""Measures how fast a node goes on where an earlier run ended.

    Scripts/resume.py [--size 10G] [--folder FOLDER] [--stores flat,chunks] [--cold] [--program PROGRAM]

Lays out a peer's folder as a killed run leaves it, with every chunk there, starts an owner and the peer, and prints
what the peer says about verifying them, and when it has the finished file; then the same for the owner started again.
With --cold the page cache is dropped before each start (as root). Needs the disk space of two to three times the size.
"""
import argparse
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Benchmarks"))

from harness.ports import free_ports  # noqa: E402

CHUNK = 102_400


def bytes_of(text):
    return int(text[:-1]) << {"K": 10, "M": 20, "G": 30}[text[-1]] if text[-1] in "KMG" else int(text)


def make_file(path, size):
    with open(path, "wb") as out, open("/dev/zero", "rb") as zeros:
        key = "000102030405060708090a0b0c0d0e0f"
        cipher = subprocess.Popen(
            ["openssl", "enc", "-aes-128-ctr", "-K", key, "-iv", key], stdin=zeros, stdout=subprocess.PIPE)
        left = size
        while left:
            piece = cipher.stdout.read(min(left, 1 << 20))
            out.write(piece)
            left -= len(piece)
        cipher.kill()
        cipher.wait()


def split(path, folder):
    with open(path, "rb") as source:
        for chunk in range((os.path.getsize(path) + CHUNK - 1) // CHUNK):
            inner = f"{folder}/chunks/{chunk // 1000:06}"
            if chunk % 1000 == 0:
                os.makedirs(inner)
            with open(f"{inner}/{chunk:09}.chunk", "wb") as out:
                out.write(source.read(CHUNK))


class Node:
    def __init__(self, program, arguments, log):
        self.log = log
        self.started = time.monotonic()
        with open(log, "w") as out:
            self.process = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL, stderr=out)

    def says(self, pattern, seconds=600):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with open(self.log) as said:
                found = re.search(pattern, said.read())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        sys.exit(f"{self.log} does not say {pattern!r}:\n{open(self.log).read()}")

    def peak_kilobytes(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            return int(re.search(r"VmHWM:\s+(\d+)", status.read()).group(1))

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def forget(is_cold):
    if is_cold:
        subprocess.run(["sync"], check=True)
        with open("/proc/sys/vm/drop_caches", "w") as control:
            control.write("1")


def measure(program, folder, file, store, is_cold):
    peer_folder = f"{folder}/peer-{store}"
    os.makedirs(peer_folder)
    if store == "flat":
        shutil.copyfile(file, f"{peer_folder}/file.part")
    else:
        split(file, peer_folder)
        shutil.copyfile(file, f"{peer_folder}/file.part")
    gigabytes = os.path.getsize(file) / 1e9
    owner_port, peer_port = free_ports(2)
    owner_command = ["owner", str(owner_port), file, "--store", "flat", "-v", "--dir", f"{folder}/owner-{store}"]
    owner = Node(program, owner_command, f"{folder}/owner.log")
    owner.says("chunks hashed")
    forget(is_cold)
    peer = Node(
        program, ["peer", str(owner_port), str(peer_port), "--store", store, "-v", "--dir", peer_folder],
        f"{folder}/peer.log")
    found = peer.says(r"verified (\d+) bytes of an earlier run in ([\d.]+) s, ([\d.]+) MB/s: (\d+) chunks are right")
    print(f"peer,  {store:6}: {gigabytes:.2f} GB verified in {found.group(2)} s, {float(found.group(3)) / 1000:.2f} GB/s,"
          f" {peer.cpu_seconds():.1f} CPU seconds, peak memory {peer.peak_kilobytes() // 1024} MiB", flush=True)
    peer.says("is complete and verified")
    print(f"peer,  {store:6}: the file complete {time.monotonic() - peer.started:.2f} s after the start,"
          f" {peer.cpu_seconds():.1f} CPU seconds", flush=True)
    peer.stop()
    owner.stop()
    if store == "chunks":
        os.makedirs(f"{folder}/owner-chunks/chunks", exist_ok=True)
        shutil.rmtree(f"{folder}/owner-chunks/chunks")
        shutil.move(f"{peer_folder}/chunks", f"{folder}/owner-chunks/chunks")
        owner_command[owner_command.index("flat")] = "chunks"
    shutil.rmtree(peer_folder)
    forget(is_cold)
    owner = Node(program, owner_command, f"{folder}/owner.log")
    owner.says("chunks hashed")
    seconds = time.monotonic() - owner.started
    print(f"owner, {store:6}: {gigabytes:.2f} GB verified in {seconds:.3f} s, {gigabytes / seconds:.2f} GB/s,"
          f" {owner.cpu_seconds():.1f} CPU seconds, peak memory {owner.peak_kilobytes() // 1024} MiB", flush=True)
    owner.stop()
    shutil.rmtree(f"{folder}/owner-{store}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", default="10G")
    parser.add_argument("--folder", default=None)
    parser.add_argument("--stores", default="flat,chunks")
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--program", default=".build/release/millrace")
    options = parser.parse_args()
    program = os.path.abspath(options.program)
    with tempfile.TemporaryDirectory(prefix="millrace-resume-", dir=options.folder) as folder:
        file = f"{folder}/file"
        make_file(file, bytes_of(options.size))
        for store in options.stores.split(","):
            measure(program, folder, file, store, options.cold)


if __name__ == "__main__":
    main()
