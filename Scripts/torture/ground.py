"""The ground of one round: a file system of limited size, a file to send, a slow loopback, and the nodes."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import time

OWNER_PORT = 9000


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Node:
    """One node: its command, and the process that runs it now, if one does."""

    def __init__(self, ground, name, port, words):
        self.ground, self.name, self.port = ground, name, port
        self.command = [ground.binary, *words, "--log-format", "json", "-v"]
        self.process = None
        self.starts = 0
        self.is_done = False
        self.start_at = 0.0
        self.next_descriptor_limit = None
        self.descriptor_limit = None
        self.codes = []
        self.is_dismissed = False

    @property
    def is_owner(self):
        return self.name == "owner"

    @property
    def folder(self):
        return f"{self.ground.disk}/{self.name}"

    @property
    def output(self):
        return f"{self.folder}/{self.ground.file_name}"

    def log(self, kind):
        return f"{self.ground.logs}/{self.name}.{self.starts}.{kind}"

    def start(self):
        self.starts += 1
        self.descriptor_limit, self.next_descriptor_limit = self.next_descriptor_limit, None
        limit = self.descriptor_limit

        def limited():
            if limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

        with open(self.log("out"), "wb") as out, open(self.log("err"), "wb") as err:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.ground.disk,
                preexec_fn=limited)

    def signal(self, number):
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)

    def end(self):
        """Ends the process for good, frozen or not."""
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait(10)


class Ground:
    """Everything of a round; `plan` says what it is like."""

    def __init__(self, binary, folder, plan):
        self.binary, self.plan = binary, plan
        self.disk, self.logs = f"{folder}/disk", f"{folder}/logs"
        self.file_name = "data.bin"
        self.nodes = []

    def __enter__(self):
        for path in (self.disk, self.logs):
            os.makedirs(path)
        # Chunk files and the whole file at each peer, chunk files at the owner, blocks rounded up, and the source.
        space = self.plan.byte_count * (2 * self.plan.peer_count + 3) + (64 << 20)
        run("mount", "-t", "tmpfs", "-o", f"size={space}", "torture", self.disk)
        self.content = self.plan.content()
        with open(f"{self.disk}/{self.file_name}", "wb") as file:
            file.write(self.content)
        run("tc", "qdisc", "replace", "dev", "lo", "root", "tbf", "rate", f"{self.plan.link_rate}bit", "burst", "128k",
            "latency", "200ms")
        self.nodes = [Node(self, name, port, words) for name, port, words in self.plan.commands(self.disk)]
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            node.end()
        self.heal()
        run("umount", self.disk)
        shutil.rmtree(os.path.dirname(self.disk))

    @property
    def owner(self):
        return self.nodes[0]

    @property
    def peers(self):
        return self.nodes[1:]

    def heal(self):
        subprocess.run(["nft", "delete", "table", "inet", "torture"], capture_output=True)
        self.empty()

    def empty(self):
        if os.path.exists(f"{self.disk}/ballast"):
            os.unlink(f"{self.disk}/ballast")

    def fill(self, spare_byte_count):
        """Takes all space but a little; the nodes take some at the same time."""
        with open(f"{self.disk}/ballast", "ab") as file:
            for _ in range(20):
                status = os.statvfs(self.disk)
                wanted = status.f_bavail * status.f_frsize - spare_byte_count
                if wanted <= 0:
                    return
                try:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, wanted)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def chunk_files(self, node):
        found = []
        for folder, _, names in os.walk(f"{node.folder}/chunks"):
            found += [f"{folder}/{name}" for name in names if name.endswith(".chunk")]
        return sorted(found)


def now():
    return time.monotonic()
