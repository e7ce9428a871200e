#!/usr/bin/env python3
"""Ten thousand hostile connections against a swarm that works, and what they cost it.

    sudo Scripts/hostile.py [--connections 10000] [--size 1G] [--rate 400mbit] [--peers 3] [--program PROGRAM]

An owner, its peers and the attacker each have a network namespace of their own, on one bridge, on links of one rate.
The swarm transfers a file alone, then once more while the attacker opens connection after connection to the owner and
to the first peer: TLS, HTTP, random bytes, half a hello, silence, hellos without more, members that never read, that
ask for what is not there, and that send one byte at a time. Prints the time of both transfers, how many connections
were opened, and the peak memory of each node. Fails when memory is over 64 MiB, a file is wrong, or more than a tenth
of the throughput is lost.
"""
import argparse
import collections
import hashlib
import json
import os
import random
import re
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HELLO = struct.Struct(">IBBHI")


def frame(kind, payload=b"", chunk=0):
    return HELLO.pack(len(payload), kind, 0, 0, chunk) + payload


def hello():
    return frame(1, b"MILLRACE" + struct.pack(">HHQB", 1, 1, 0, 1) + bytes(3) + bytes(16) + os.urandom(16))


def join():
    return frame(2, struct.pack(">HH", 9, 0) + bytes(40))


def member(*frames):
    return hello() + join() + b"".join(frames)


KINDS = {
    "TLS": lambda: bytes.fromhex("160301020001 0001fc0303") + os.urandom(200),
    "HTTP": lambda: b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "random bytes": lambda: os.urandom(500),
    "zeros": lambda: bytes(200),
    "half a hello": lambda: hello()[:30],
    "silence": lambda: b"",
    "hello and no more": hello,
    "two hellos": lambda: hello() * 2,
    "a member that never reads": lambda: member(frame(10, b"\0"), frame(9)),
    "requests of no chunk": lambda: member(frame(10, b"\0"), frame(13, struct.pack(">I", 1024), 0xFFFFFF00)),
    "too many credits": lambda: member(frame(10, b"\0"), *[frame(12, struct.pack(">I", 1024))] * 3),
    "a list of 4 GB": lambda: member(struct.pack(">IBBHI", 0xFFFFFFFF, 10, 0, 0, 0)),
    "a flood of pings": lambda: member(frame(24, bytes(8)) * 2000),
    "a member that takes chunks and never reads": lambda: member(frame(10, b"\0"), frame(12, struct.pack(">I", 1000))),
    "a member that takes chunks and lists none": lambda: member(frame(10, b"\0"), frame(12, struct.pack(">I", 2))),
    "a chunk nobody asked for": lambda: member(frame(10, b"\0"), frame(16, os.urandom(1024))),
}


class Attack:
    """Opens connections evenly over the time, without waiting for one before the next, and closes the oldest of 600."""

    def __init__(self, targets):
        self.targets, self.selector = targets, selectors.DefaultSelector()
        self.held = collections.deque()
        self.opened = self.refused = 0
        self.codes = collections.Counter()

    def run(self, count, seconds):
        started = time.monotonic()
        names = list(KINDS)
        for number in range(count):
            due = started + seconds * number / count
            self.look(0)
            while time.monotonic() < due:
                self.look(max(0, min(0.01, due - time.monotonic())))
            self.begin(names[number % len(names)], self.targets[number // len(names) % len(self.targets)])
        until = time.monotonic() + 2
        while time.monotonic() < until:
            self.look(0.05)
        print(f"{self.opened} opened in {time.monotonic() - started - 2:.1f} s, {self.refused} not, "
              f"goodbyes by code {dict(sorted(self.codes.items()))}")

    def begin(self, kind, target):
        link = socket.socket()
        link.setblocking(False)
        link.connect_ex(target)
        self.selector.register(link, selectors.EVENT_WRITE, kind)
        self.held.append(link)
        if len(self.held) > 600:
            self.drop(self.held.popleft())

    def look(self, seconds):
        for key, events in self.selector.select(seconds):
            try:
                if events & selectors.EVENT_WRITE:
                    self.attack(key.fileobj, key.data)
                elif not self.read(key.fileobj):
                    self.drop(key.fileobj)
            except OSError:
                self.drop(key.fileobj)

    def attack(self, link, kind):
        self.selector.unregister(link)
        if link.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self.refused += 1
            return link.close()
        self.opened += 1
        link.send(KINDS[kind]())
        if "never reads" not in kind:
            self.selector.register(link, selectors.EVENT_READ, kind)

    def read(self, link):
        read = link.recv(4096)
        at = read.rfind(b"\x17\0\0\0\0\0\0\0", 4)
        if at >= 4 and len(read) >= at + 10:
            self.codes[struct.unpack(">H", read[at + 8:at + 10])[0]] += 1
        return bool(read)

    def drop(self, link):
        if link.fileno() < 0:
            return
        key = self.selector.get_map().get(link)
        if key:
            self.refused += key.events & selectors.EVENT_WRITE != 0
            self.selector.unregister(link)
        link.close()


def run(*command):
    subprocess.run(command, check=True)


class Lan:
    def __init__(self, count, rate):
        self.tag = f"mh{os.getpid() % 10000}"
        self.names = [f"{self.tag}-{index}" for index in range(count)]
        run("ip", "link", "add", self.tag, "type", "bridge")
        run("ip", "link", "set", self.tag, "up")
        for index, name in enumerate(self.names):
            out = f"{self.tag}o{index}"
            run("ip", "netns", "add", name)
            run("ip", "link", "add", out, "type", "veth", "peer", "name", "eth0", "netns", name)
            run("ip", "link", "set", out, "master", self.tag, "up")
            run("ip", "-n", name, "addr", "add", f"10.77.0.{index + 1}/24", "dev", "eth0")
            run("ip", "-n", name, "link", "set", "eth0", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
            for place in (["tc", "qdisc", "add", "dev", out], ["tc", "-n", name, "qdisc", "add", "dev", "eth0"]):
                run(*place, "root", "tbf", "rate", rate, "burst", "64kb", "latency", "50ms")

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)
        subprocess.run(["ip", "link", "del", self.tag], check=False)

    def sent_megabytes(self, index):
        """What a namespace has sent, in millions of bytes, headers included."""
        said = subprocess.run(
            ["ip", "-n", self.names[index], "-s", "-j", "link", "show", "eth0"], capture_output=True, check=True)
        return json.loads(said.stdout)[0]["stats64"]["tx"]["bytes"] / 1e6

    def start(self, index, command, **options):
        return subprocess.Popen(["ip", "netns", "exec", self.names[index], *command], **options)


def peak_kilobytes(process):
    """The program runs as the very process: `ip netns exec` replaces itself."""
    try:
        with open(f"/proc/{process.pid}/status") as status:
            found = re.search(r"VmHWM:\s+(\d+)", status.read())
            return int(found.group(1)) if found else 0
    except OSError:
        return 0


def cpu_seconds(process):
    """Of the process so far; 0 once it has gone."""
    try:
        with open(f"/proc/{process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except OSError:
        return 0


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def transfer(lan, options, folder, file, is_attacked):
    shutil.rmtree(f"{folder}/run", ignore_errors=True)
    os.makedirs(f"{folder}/run")
    quiet = ["--store", "flat", "-q", "--timeout", "120"]
    owner = lan.start(
        0, [options.program, "owner", "9000", file, "--peers", str(options.peers), "--dir", f"{folder}/run/owner", *quiet])
    time.sleep(1)
    started = time.monotonic()
    peers = [
        lan.start(1 + index, [
            options.program, "peer", "10.77.0.1:9000", "9001", "--dir", f"{folder}/run/{index}", "--output",
            f"{folder}/run/file-{index}", *quiet]) for index in range(options.peers)]
    attacker = None
    if is_attacked:
        time.sleep(0.5)
        attacker = lan.start(options.peers + 1, [
            sys.executable, __file__, "--attack", "10.77.0.1:9000,10.77.0.2:9001", "--connections",
            str(options.connections), "--seconds", str(options.seconds)], stdout=subprocess.PIPE, text=True)
    nodes = [owner, *peers]
    peaks = [0] * len(nodes)
    cpus = [0] * len(nodes)
    sent = [lan.sent_megabytes(index) for index in range(len(nodes))]
    done = [None] * len(nodes)
    while None in done:
        for index, node in enumerate(nodes):
            peaks[index] = max(peaks[index], peak_kilobytes(node))
            cpus[index] = max(cpus[index], cpu_seconds(node))
            # A peer is done when its file has its name, the owner when it has left.
            has_file = index > 0 and os.path.exists(f"{folder}/run/file-{index - 1}")
            if done[index] is None and (has_file or node.poll() is not None):
                done[index] = time.monotonic() - started
        if time.monotonic() - started > 240:
            for node in nodes:
                node.kill()
            sys.exit("the swarm is stuck")
        time.sleep(0.05)
    sent = [lan.sent_megabytes(index) - before for index, before in enumerate(sent)]
    print(f"{'attacked' if is_attacked else 'alone   '}: {max(done[1:]):.2f} s; owner, peers: MB sent "
          + ", ".join(f"{each:.0f}" for each in sent) + "; CPU seconds " + ", ".join(f"{each:.1f}" for each in cpus))
    said = ""
    if attacker:
        try:
            said, _ = attacker.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            attacker.kill()
    codes = [node.wait(60) for node in nodes]
    wanted = digest(file)
    isRight = all(digest(f"{folder}/run/file-{index}") == wanted for index in range(options.peers))
    if any(codes) or not isRight:
        sys.exit(f"broken: exit codes {codes}, files {'right' if isRight else 'WRONG'}")
    return max(done[1:]), [peak / 1024 for peak in peaks], said.strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--size", default="1G")
    parser.add_argument("--rate", default="400mbit")
    parser.add_argument("--peers", type=int, default=3)
    parser.add_argument("--program", default=".build/release/millrace")
    parser.add_argument("--attack")
    options = parser.parse_args()
    if options.attack:
        targets = [(host, int(port)) for host, port in (item.split(":") for item in options.attack.split(","))]
        return Attack(targets).run(options.connections, options.seconds)
    options.program = os.path.abspath(options.program)
    size = int(options.size[:-1]) << {"M": 20, "G": 30}[options.size[-1]]
    if not options.seconds:
        options.seconds = size * 8 / (int(re.match(r"\d+", options.rate).group()) * 1e6)
    with tempfile.TemporaryDirectory(prefix="millrace-hostile-", dir="/dev/shm") as folder:
        file = f"{folder}/file"
        with open(file, "wb") as out:
            for _ in range(size >> 20):
                out.write(random.randbytes(1 << 20))
        lan = Lan(options.peers + 2, options.rate)
        try:
            alone, peaks_alone, _ = transfer(lan, options, folder, file, False)
            attacked, peaks, said = transfer(lan, options, folder, file, True)
        finally:
            lan.close()
    loss = 1 - alone / attacked
    print(f"alone {alone:.2f} s, attacked {attacked:.2f} s: {100 * loss:.1f} % of the throughput lost")
    print(f"the attacker: {said}")
    print("peak memory, MiB: " + ", ".join(
        f"{'owner' if index == 0 else f'peer {index}'} {peak:.0f} (alone {before:.0f})"
        for index, (peak, before) in enumerate(zip(peaks, peaks_alone))))
    if loss >= 0.1 or max(peaks) >= 64:
        sys.exit("BROKEN")


if __name__ == "__main__":
    main()
