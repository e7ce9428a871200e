"""What else pushes a file to every machine of a LAN, each set up as well as we know how."""

import hashlib
import importlib.util
import signal
import sys
from pathlib import Path

from harness.processes import is_listening, wait_until
from harness.systems import System


class Chain(System):
    """socat and tee, each node passing on to the next; started from the tail."""
    name = "chain"
    tools = ("socat", "tee", "bash")
    membership_is_free = False

    def sink_order(self):
        return list(reversed(self.task.sinks))

    def start_sink(self, node):
        listen = f"socat -u -b 262144 TCP-LISTEN:{node.port},reuseaddr"
        if node is self.task.sinks[-1]:
            command = f"exec {listen} OPEN:{node.output},creat,trunc"
        else:
            following = self.task.nodes[node.index + 1]
            command = (f"{listen} STDOUT | tee {node.output} | "
                       f"socat -u -b 262144 STDIN TCP:{following.address}:{following.port}")
        process = node.run(["bash", "-c", command])
        wait_until(lambda: is_listening(process, node.port), "socat", watched=[process])
        return process

    def after_sinks(self):
        first = self.task.sinks[0]
        return [self.task.owner.run(
            ["socat", "-u", "-b", "262144", f"OPEN:{self.task.source},rdonly", f"TCP:{first.address}:{first.port}"])]


class Udpcast(System):
    """UDP multicast with acknowledgements."""
    name = "udpcast"
    tools = ("udp-sender", "udp-receiver")
    membership_is_free = False

    def start_source(self):
        task = self.task
        pace = [] if task.rate_bits is None else ["--max-bitrate", f"{int(task.rate_bits * 0.95 / 1000)}k"]
        return [task.owner.run(
            ["udp-sender", "--file", task.source, "--min-receivers", len(task.sinks), "--full-duplex", "--nokbd",
             "--no-progress", "--interface", "eth0", *pace])]

    def start_sink(self, node):
        return node.run(["udp-receiver", "--file", node.output, "--nokbd", "--no-progress", "--interface", "eth0"])


def bencode(value):
    if isinstance(value, int):
        return b"i%de" % value
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, bytes):
        return b"%d:%b" % (len(value), value)
    return b"d" + b"".join(bencode(key) + bencode(value[key]) for key in sorted(value)) + b"e"


def make_torrent(task, piece_bytes, tracker_port):
    """The file's torrent, in the owner's folder."""
    pieces = []
    with open(task.source, "rb") as file:
        while block := file.read(piece_bytes):
            pieces.append(hashlib.sha1(block).digest())
    torrent = task.owner.folder / "file.torrent"
    torrent.write_bytes(bencode({
        "announce": f"http://{task.service.address}:{tracker_port}/announce",
        "info": {"length": task.byte_count, "name": task.source.name, "piece length": piece_bytes,
                 "pieces": b"".join(pieces)}}))
    return torrent


class Aria2(System):
    """BitTorrent by aria2, with a tracker that costs nothing: neither it nor the making of the torrent is counted."""
    name = "aria2"
    tools = ("aria2c",)
    PIECE_BYTES = 256 << 10
    TRACKER_PORT = 6969

    def prepare(self):
        task = self.task
        self._torrent = make_torrent(task, self.PIECE_BYTES, self.TRACKER_PORT)
        self._marker = task.owner.folder / "completed.sh"
        self._marker.write_text("#!/bin/sh\n: > completed\n")
        self._marker.chmod(0o755)
        self._tracker = task.service.run(
            [sys.executable, Path(__file__).with_name("tracker.py"), task.service.address, self.TRACKER_PORT])
        wait_until(lambda: is_listening(self._tracker, self.TRACKER_PORT), "the tracker", watched=[self._tracker])

    def _command(self, node, folder):
        return ["aria2c", f"--dir={folder}", f"--listen-port={node.port}", "--enable-dht=false",
                "--bt-enable-lpd=false", "--bt-max-peers=0", "--file-allocation=falloc", "--check-integrity=true",
                "--bt-hash-check-seed=true", "--bt-seed-unverified=true", "--seed-ratio=0.0", "--disk-cache=64M",
                "--no-conf=true", "--quiet=true", "--summary-interval=0",
                f"--on-bt-download-complete={self._marker}", self._torrent]

    def start_source(self):
        return [self.task.owner.run(self._command(self.task.owner, self.task.source.parent))]

    def start_sink(self, node):
        return node.run(self._command(node, node.folder))

    def is_complete(self, node, process):
        if not (node.folder / "completed").exists():
            return False
        if not node.output.exists():
            node.output.hardlink_to(node.folder / self.task.source.name)
        return True

    def stop_source(self, processes):
        super().stop_source(processes)
        self._tracker.stop(signal.SIGKILL)


class Libtorrent(System):
    """BitTorrent by libtorrent, from the Python package index. Each node is told all that started before it."""
    name = "libtorrent"
    PIECE_BYTES = 256 << 10
    PROGRAM = Path(__file__).with_name("libtorrent_node.py")

    @classmethod
    def missing_tools(cls):
        return [] if importlib.util.find_spec("libtorrent") else ["libtorrent (pip install libtorrent)"]

    def prepare(self):
        self._torrent = make_torrent(self.task, self.PIECE_BYTES, 1)
        self._started = []

    def _start(self, node, folder):
        known = [f"{other.address}:{other.port}" for other in self._started]
        self._started.append(node)
        return node.run([sys.executable, self.PROGRAM, self._torrent, folder, node.address, node.port,
                         node.folder / "completed", *known])

    def start_source(self):
        owner = self.task.owner
        process = self._start(owner, self.task.source.parent)
        # A seed, too, first reads and hashes all of its file: nobody is made to wait for that.
        wait_until((owner.folder / "completed").exists, "the seed", timeout_seconds=60, watched=[process])
        return [process]

    def start_sink(self, node):
        return self._start(node, node.folder)

    def is_complete(self, node, process):
        if not (node.folder / "completed").exists():
            return False
        if not node.output.exists():
            node.output.hardlink_to(node.folder / self.task.source.name)
        return True
