"""How each way of distributing a file is started. Everything here is what the loopback and the LAN runs share."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from .processes import Process, is_listening, wait_until

REPOSITORY = Path(__file__).parents[2]


@dataclass
class Node:
    """One machine, or one process where all share a machine. Index 0 has the file."""
    index: int
    address: str
    folder: Path
    port: int
    namespace: str | None = None

    @property
    def output(self):
        return self.folder / "output"

    def run(self, command, name="process", **options):
        role = "owner" if self.index == 0 else f"peer {self.index}"
        return Process(command, self.folder / f"{name}.log", role, self.namespace, self.folder, **options)


@dataclass
class Task:
    """What is to be distributed, by whom, to whom."""
    source: Path
    byte_count: int
    nodes: list
    expected_count: int
    timeout_seconds: float
    rate_bits: float | None = None
    service: Node | None = None

    @property
    def owner(self):
        return self.nodes[0]

    @property
    def sinks(self):
        return self.nodes[1:]


class System:
    """A system that can be measured. `start_source` and `start_sink` return the processes they started."""
    name = ""
    tools = ()
    # Whether the clock starts with the source (it does for us), or with the first sink.
    source_is_timed = False
    # Whether sinks may come and go as they like; chains and broadcasts need all of them from the start.
    membership_is_free = True
    # Whether the source, too, ends once everybody has the file.
    leaves_by_itself = False

    def __init__(self, task):
        self.task = task

    @classmethod
    def missing_tools(cls):
        return [tool for tool in cls.tools if not shutil.which(tool)]

    def prepare(self):
        """Set-up that is not timed."""

    def start_source(self):
        return []

    def start_sink(self, node):
        raise NotImplementedError

    def after_sinks(self):
        """What starts once all sinks do."""
        return []

    def sink_order(self):
        return self.task.sinks

    def is_complete(self, node, process):
        """Whether the sink has its file. Most systems say so by leaving."""
        return process.exit_code == 0

    def stop_source(self, processes):
        """Ends the source so that the cost of all its processes is counted."""
        for process in processes:
            process.stop()


class Millrace(System):
    name = "millrace-chunks"
    store = "chunks"
    source_is_timed = True
    leaves_by_itself = True
    owner_options = ()
    # What `--io` forces on owner and peers.
    transport = None

    @classmethod
    def forced(cls, transport):
        """The same system with one transport forced, named after both."""
        name = f"{cls.name}-{transport}"
        return type(name, (cls,), {"name": name, "transport": transport})

    @staticmethod
    def binary():
        return Path(os.environ.get("MILLRACE", REPOSITORY / ".build/release/millrace")).absolute()

    @classmethod
    def missing_tools(cls):
        return [] if os.access(cls.binary(), os.X_OK) else [str(cls.binary())]

    def _at(self, node):
        return f"{node.address}:{node.port}"

    def _shared_options(self):
        return ["--store", self.store, "--timeout", int(self.task.timeout_seconds), "-q",
                *(["--io", self.transport] if self.transport else [])]

    def start_source(self):
        task = self.task
        return [task.owner.run(
            [self.binary(), "owner", self._at(task.owner), task.source, "--dir", task.owner.folder / "store",
             "--peers", task.expected_count, *self._shared_options(), *self.owner_options])]

    def start_sink(self, node):
        return node.run(
            [self.binary(), "peer", self._at(self.task.owner), self._at(node), "--dir", node.folder / "store",
             "--output", node.output, *self._shared_options()])

    def is_complete(self, node, process):
        # A finished peer serves on; the file gets its name when it is verified.
        return node.output.exists()


class MillraceFlat(Millrace):
    name = "millrace-flat"
    store = "flat"


class Nginx(System):
    """nginx serves, one curl per sink fetches. nginx is up and listening before the clock starts."""
    name = "nginx"
    tools = ("nginx", "curl")

    CONFIGURATION = """
{user}
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_processes 2;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    sendfile_max_chunk 512k;
    tcp_nopush on;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {address}:{port};
        location / {{ root {root}; }}
    }}
}}
"""

    def start_source(self):
        owner = self.task.owner
        configuration = owner.folder / "nginx.conf"
        configuration.write_text(self.CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "", folder=owner.folder, address=owner.address,
            port=owner.port, root=self.task.source.parent))
        process = owner.run(["nginx", "-p", owner.folder, "-e", owner.folder / "error.log", "-c", configuration])
        wait_until(lambda: is_listening(process, owner.port), "nginx", watched=[process])
        return [process]

    def start_sink(self, node):
        owner = self.task.owner
        return node.run(["curl", "-sS", "--fail", "-o", node.output,
                         f"http://{owner.address}:{owner.port}/{self.task.source.name}"])

    def stop_source(self, processes):
        for process in processes:
            # A graceful end: the master reaps its workers, so wait4 has the cost of all.
            process.stop(signal.SIGQUIT)


def choose(known, names):
    """The systems with these names, separated by commas; without those that are not installed, which is said."""
    chosen = []
    for name in names.split(","):
        if name not in known:
            raise SystemExit(f"{name} is not one of {', '.join(known)}")
        missing = known[name].missing_tools()
        if missing:
            print(f"{name} is left out: no {', '.join(missing)}", file=sys.stderr)
        else:
            chosen.append(known[name])
    if not chosen:
        raise SystemExit("there is nothing to measure")
    return chosen


def machine():
    """What a figure should not be quoted without."""
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), "unknown")
    kernel = subprocess.run(["uname", "-sr"], capture_output=True, text=True).stdout.strip()
    return {"processor": model, "processors": os.cpu_count(), "kernel": kernel}
