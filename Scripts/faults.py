#!/usr/bin/env python3
"""Fails the n-th system call of a node, for every n; Scripts/faults.sh builds what it needs and runs it."""

import argparse
import collections
import itertools
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Benchmarks"))

from harness.ports import free_ports  # noqa: E402

# What a node may end with when a call of its fails in this way. All but 0 must leave a state that can be resumed.
CODES = {
    "EIO": {0, 3, 8}, "ENOSPC": {0, 9}, "EMFILE": {0, 3, 8}, "THREAD": {0, 3}, "ECONNRESET": {0}, "EPIPE": {0},
    "EINTR": {0}, "EAGAIN": {0}, "SHORT": {0},
}
CHUNK_BYTE_COUNT = 4096
FILE_BYTE_COUNT = 10 * CHUNK_BYTE_COUNT + 123
# Twice what the nodes give up after.
PATIENCE_SECONDS = 40


class Broken(Exception):
    pass


class Node:
    """A node of a case: starts it, with a fault or without, and waits for its end."""

    def __init__(self, case, name, words):
        self.case, self.name, self.starts = case, name, 0
        self.command = [case.binary, *words, "--io", case.transport, "--store", case.store, "--dir", name, "-q",
                        "--timeout", "20", "--linger", "10"]

    def start(self, fault=None):
        self.starts += 1
        self.errors = f"{self.case.folder}/{self.name}.{self.starts}.err"
        environment = {**os.environ, **({"MILLRACE_FAULT": fault} if fault else {})}
        environment["SWIFT_BACKTRACE"] = "enable=no"
        with open(self.errors, "wb") as errors:
            self.process = subprocess.Popen(
                self.command, cwd=self.case.folder, env=environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=errors)

    def said(self):
        with open(self.errors) as file:
            return file.read()

    def state(self):
        code = self.process.poll()
        return f"{self.name} {'runs' if code is None else f'ended with {code}'} and said {self.said()!r}"

    def wait(self):
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken(f"{self.name} does not end; it said: {self.said()}") from None

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


class Case:
    """An owner and two peers of which one has a fault. `run` returns whether the fault came to pass."""

    def __init__(self, binary, role, kind, transport, store, number, goes_on):
        self.binary, self.role, self.kind = binary, role, kind
        self.transport, self.store, self.number = transport, store, number
        self.fault = f"{kind}:{number}{'+' if goes_on else ''}"

    def __str__(self):
        return f"{self.fault} at {'an owner' if self.role == 'owner' else 'a peer'}, {self.transport}, {self.store}"

    def run(self, counts):
        self.folder = tempfile.mkdtemp(prefix="millrace-faults-", dir="/dev/shm")
        self.content = random.Random(self.number).randbytes(FILE_BYTE_COUNT)
        with open(f"{self.folder}/data.bin", "wb") as file:
            file.write(self.content)
        ports = [str(port) for port in free_ports(3)]
        nodes = [Node(self, "owner", ["owner", ports[0], "data.bin", "--peers", "2", "--chunk-size",
                                      str(CHUNK_BYTE_COUNT)])]
        nodes += [Node(self, f"peer-{index}", ["peer", ports[0], ports[index], ports[3 - index]]) for index in (1, 2)]
        victim = nodes[0 if self.role == "owner" else 1]
        try:
            for node in nodes:
                node.start(self.fault if node is victim else None)
            has_failed = self.see_through(nodes, victim, counts)
        except Broken as broken:
            raise Broken(f"{broken} ({'; '.join(node.state() for node in nodes)})") from None
        finally:
            for node in nodes:
                node.end()
            shutil.rmtree(self.folder)
        return has_failed

    def see_through(self, nodes, victim, counts):
        code = victim.wait()
        said = victim.said()
        has_failed = "fault: " in said
        if has_failed:
            counts[f"{self.kind} {code}"] += 1
        if code not in (CODES[self.kind] if has_failed else {0}):
            raise Broken(f"exit code {code}; it said: {said}")
        self.check_output(victim, code)
        if code != 0:
            if len([line for line in said.splitlines() if line.startswith("millrace: ")]) != 1:
                raise Broken(f"exit code {code} without one line that says why: {said}")
            victim.start()
        for node in nodes:
            again = node.wait()
            if again != 0:
                raise Broken(f"afterwards {node.name} ended with {again}; it said: {node.said()}")
        for node in nodes[1:]:
            self.check_output(node, 0)
            self.check_litter(node)
        return has_failed

    def check_output(self, node, code):
        path = f"{self.folder}/{node.name}/data.bin"
        if node.name == "owner" or code != 0 and not os.path.exists(path):
            return
        with open(path, "rb") as file:
            if file.read() != self.content:
                raise Broken(f"{node.name} ended with {code} and the file under its name is wrong")

    def check_litter(self, node):
        known = {"data.bin", "chunks", "lock", "summary.txt", "identity.txt"}
        for folder, _, names in os.walk(f"{self.folder}/{node.name}"):
            for name in names:
                if name not in known and not name.endswith(".chunk"):
                    raise Broken(f"{node.name} leaves {folder}/{name} behind")


def options():
    parser = argparse.ArgumentParser(prog="Scripts/faults.sh")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--kinds", default=",".join(CODES))
    parser.add_argument("--roles", default="peer,owner")
    parser.add_argument("--transports", default="sendfile,copy,uring")
    parser.add_argument("--stores", default="chunks,flat")
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--step", type=int, default=1, help="n = 1, 1 + STEP, 1 + 2 STEP, ...")
    parser.add_argument("--goes-on", action="store_true", help="all calls from the n-th on fail, as on a full disk")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no more cases after so long")
    parser.add_argument("--broken", type=int, default=5, help="end after so many broken promises")
    parser.add_argument("--most", type=int, default=100_000, help="the largest n")
    return parser.parse_args()


def main():
    given = options()
    counts = collections.Counter()
    started = time.monotonic()
    for role, kind, transport, store in itertools.product(
            *(value.split(",") for value in (given.roles, given.kinds, given.transports, given.stores))):
        for number in range(given.first, given.most + 1, given.step):
            if time.monotonic() - started > given.seconds:
                print(f"out of time before {kind}:{number} at {role}, {transport}, {store}")
                return report(counts)
            case = Case(given.binary, role, kind, transport, store, number, given.goes_on)
            try:
                counts["cases"] += 1
                if not case.run(counts):
                    print(f"{role} {kind} {transport} {store}: {number - given.step} calls at most", flush=True)
                    break
            except Broken as broken:
                counts["broken"] += 1
                print(f"BROKEN {case}: {broken}", flush=True)
                if counts["broken"] >= given.broken:
                    return report(counts)
    return report(counts)


def report(counts):
    print(", ".join(f"{value} {key}" for key, value in sorted(counts.items())))
    return 1 if counts["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
