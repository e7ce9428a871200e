"""One machine as a LAN: a network namespace per node, one more for a bridge, and shaped links between them."""

import ctypes
import fcntl
import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

from harness import processes

PREFIX = "mrlan-"
BRIDGE = PREFIX + "bridge"
SERVICE_ADDRESS = "10.77.0.254"
CLONE_NEWNET = 0x40000000
NEIGHBOUR_LIMIT = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
NEIGHBOURS_PER_NODE = 64
LARGEST_MESSAGE_PACKET = 511


def namespace_path(name):
    return f"/run/netns/{name}"


def node_name(index):
    return f"{PREFIX}{index}"


def node_address(index):
    return f"10.77.0.{index + 1}"


def run(*words):
    result = subprocess.run(words, capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {result.stderr.strip()}")
    return result.stdout


def existing_namespaces():
    lines = run("ip", "netns", "list").splitlines()
    return [name for name in (line.split()[0] for line in lines if line) if name.startswith(PREFIX)]


def add_namespace(name):
    run("ip", "netns", "add", name)
    run("ip", "-n", name, "link", "set", "lo", "up")


def remove_all():
    """Removes every namespace of ours, those of a killed run too, and ends what still runs in them."""
    for name in existing_namespaces():
        for process_id in run("ip", "netns", "pids", name).split():
            try:
                os.kill(int(process_id), 9)
            except ProcessLookupError:
                pass
        run("ip", "netns", "delete", name)


def only_one_at_a_time():
    """Two runs would remove each other's networks. The lock goes with the program."""
    lock = open("/run/millrace-lan.lock", "w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit("another run is under way")
    return lock


@contextmanager
def inside(name):
    """This thread in another network namespace."""
    library = ctypes.CDLL(None, use_errno=True)

    def enter(descriptor):
        if library.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    with open("/proc/thread-self/ns/net") as home, open(namespace_path(name)) as target:
        enter(target.fileno())
        try:
            yield
        finally:
            enter(home.fileno())


def drop(index, chain, *match):
    run("ip", "netns", "exec", node_name(index), "iptables", "-A", chain, *match, "-j", "DROP")


class Network:
    """Nodes 0...count on one bridge. rates[index] is (up, down) in bit/s, None where a link is not shaped."""

    def __init__(self, rates):
        self.rates = rates

    def __enter__(self):
        remove_all()
        self._neighbour_limit = NEIGHBOUR_LIMIT.read_text()
        try:
            self._allow_neighbours()
            self._make_bridge()
            for index in range(len(self.rates)):
                self._make_node(index)
            with inside(BRIDGE):
                self._counters = open("/proc/thread-self/net/dev")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, *_):
        # An open counter file would keep the namespace of the bridge alive.
        self._counters.close()
        self._remove()

    def _remove(self):
        remove_all()
        NEIGHBOUR_LIMIT.write_text(self._neighbour_limit)

    def _allow_neighbours(self):
        """All namespaces share one table of link addresses, of 1,024 entries: machines of a LAN have one each. When it
        is full, connections time out."""
        wanted = NEIGHBOURS_PER_NODE * len(self.rates)
        if wanted > int(self._neighbour_limit):
            NEIGHBOUR_LIMIT.write_text(str(wanted))

    def _make_bridge(self):
        add_namespace(BRIDGE)
        inside_bridge = ("ip", "-n", BRIDGE)
        run(*inside_bridge, "link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
        run(*inside_bridge, "address", "add", f"{SERVICE_ADDRESS}/24", "brd", "+", "dev", "bridge")
        run(*inside_bridge, "link", "set", "bridge", "up")

    def _make_node(self, index):
        name, port = node_name(index), f"port{index}"
        add_namespace(name)
        run("ip", "link", "add", "eth0", "netns", name, "type", "veth", "peer", "name", port, "netns", BRIDGE)
        run("ip", "-n", BRIDGE, "link", "set", port, "master", "bridge", "up")
        run("ip", "-n", name, "address", "add", f"{node_address(index)}/24", "brd", "+", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        run("ip", "-n", name, "route", "add", "224.0.0.0/4", "dev", "eth0")
        up, down = self.rates[index]
        self._shape(name, "eth0", up)
        self._shape(BRIDGE, port, down)

    @staticmethod
    def _shape(namespace, device, rate):
        if rate is None:
            return
        burst = int(max(70000, rate / 8 / 200))
        limit = int(max(2 * burst, 1500000))
        run("tc", "-n", namespace, "qdisc", "add", "dev", device, "root", "tbf",
            "rate", f"{int(rate)}bit", "burst", str(burst), "limit", str(limit))

    @staticmethod
    def unplug(index):
        run("ip", "-n", BRIDGE, "link", "set", f"port{index}", "down")

    @staticmethod
    def plug_in(index):
        run("ip", "-n", BRIDGE, "link", "set", f"port{index}", "up")

    @staticmethod
    def mute(index):
        """Nothing that the node sends arrives from now on if it is larger than a message."""
        drop(index, "OUTPUT", "-m", "length", "--length", f"{LARGEST_MESSAGE_PACKET + 1}:65535")

    @staticmethod
    def lose(index, part):
        """So much of what the node sends and receives is lost from now on."""
        for chain in ("INPUT", "OUTPUT"):
            drop(index, chain, "-m", "statistic", "--mode", "random", "--probability", str(part))

    def counters(self):
        """For each node the bytes it has received and sent, seen from the bridge."""
        fields = read_counters(self._counters)
        return [(fields[f"port{index}"][8], fields[f"port{index}"][0]) for index in range(len(self.rates))]


class DelayedNetwork:
    """The same nodes on a switch that is a program (switch.c): every packet takes `delay_seconds` besides. All of its
    work is on this machine's processors, so few nodes and rates of some 200 Mbit/s are what it can do."""

    def __init__(self, rates, delay_seconds):
        self.rates, self.delay_seconds = rates, delay_seconds
        self._counters, self._switch = [], None

    def __enter__(self):
        remove_all()
        try:
            add_namespace(BRIDGE)
            for index in range(len(self.rates)):
                add_namespace(node_name(index))
            self._start_switch()
            for index in range(len(self.rates)):
                self._set_up(index)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for counters in self._counters:
            counters.close()
        if self._switch:
            self._switch.kill()
            self._switch.wait()
        remove_all()

    def _start_switch(self):
        program = processes.build(Path(__file__).with_name("switch.c"))
        words = [program, int(self.delay_seconds * 1e6), "eth0"]
        for index, (up, down) in enumerate(self.rates):
            words += [namespace_path(node_name(index)), up / 8, down / 8]
        self._switch = subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True)
        if self._switch.stdout.readline() != "ready\n":
            raise RuntimeError("the switch does not start; is there a /dev/net/tun?")

    def _set_up(self, index):
        name = node_name(index)
        run("ip", "-n", name, "address", "add", f"{node_address(index)}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up", "txqueuelen", "1000")
        with inside(name):
            self._counters.append(open("/proc/thread-self/net/dev"))

    def counters(self):
        """For each node the bytes it has received and sent, with the headers of IP and TCP."""
        fields = [read_counters(counters)["eth0"] for counters in self._counters]
        return [(own[0], own[8]) for own in fields]


def read_counters(file):
    """The numbers of each device of an open net/dev, by its name."""
    file.seek(0)
    fields = {}
    for line in file.read().splitlines()[2:]:
        name, _, values = line.partition(":")
        fields[name.strip()] = [int(value) for value in values.split()]
    return fields
