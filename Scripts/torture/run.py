#!/usr/bin/env python3
"""Tortures swarms of real processes; Scripts/torture.sh runs it in namespaces of its own."""

import argparse
import collections
import signal
import subprocess
import sys
import tempfile
import time

from acts import ACTS
from ground import Ground, now, run
from plan import WEIGHTS, Plan
from promises import Broken, check_end, check_name

# A round may take so long after its last act: time-outs of the nodes, a restart, and a busy machine.
PATIENCE_SECONDS = 90
POLL_SECONDS = 0.01
# An owner whose peers are all done leaves within this, or was started too late to meet any.
ALONE_SECONDS = 2.5


class Round:
    def __init__(self, ground, plan, counts):
        self.ground, self.plan, self.counts = ground, plan, counts
        self.done = set()
        self.endings = []
        self.seen = set()
        self.alone_since = now()

    def run(self):
        started = now()
        events = list(self.plan.events)
        deadline = started + (events[-1].at if events else 0) + PATIENCE_SECONDS
        for node in self.ground.nodes:
            node.start()
        while not self.is_over():
            if now() > deadline:
                raise Broken("stuck: " + ", ".join(
                    f"{node.name} {'done' if node.is_done else 'not done'}" for node in self.ground.nodes))
            while events and events[0].at <= now() - started:
                self.act(events.pop(0))
            self.end_acts()
            for node in self.ground.nodes:
                self.look_after(node)
            self.dismiss_owner()
            time.sleep(POLL_SECONDS)

    def dismiss_owner(self):
        """An owner that was started again when all peers had the file already would wait for its time-out."""
        owner = self.ground.owner
        if owner.process is None or not all(peer.is_done for peer in self.ground.peers):
            self.alone_since = now()
        elif now() - self.alone_since > ALONE_SECONDS and not owner.is_dismissed:
            owner.is_dismissed = True
            owner.signal(signal.SIGCONT)
            owner.signal(signal.SIGTERM)

    def is_over(self):
        return (not self.endings and all(peer.is_done for peer in self.ground.peers)
                and all(node.process is None for node in self.ground.nodes))

    def act(self, event):
        node = self.ground.nodes[event.target]
        happened = ACTS[event.kind](self.ground, node, event)
        if not happened:
            return
        self.done.add(event.kind)
        self.counts[event.kind] += 1
        if isinstance(happened, tuple):
            lasts, end = happened
            self.endings.append((now() + lasts, end))

    def end_acts(self):
        for ending in [ending for ending in self.endings if ending[0] <= now()]:
            ending[1]()
            self.endings.remove(ending)

    def look_after(self, node):
        if not node.is_owner:
            check_name(node, self.seen)
        if node.process is None:
            if now() >= node.start_at and self.is_needed(node):
                node.is_done = False
                node.start()
            return
        code = node.process.poll()
        if code is None:
            return
        node.process = None
        node.codes.append(code)
        node.is_done = code == 0
        if code != -9:
            check_end(node, code, self.done)
            self.counts[f"code {code}"] += 1
        if code != 0:
            self.counts["restarts"] += 1
        # After a full disk there must be room again before the next try.
        if code == 9:
            node.start_at = max([now()] + [at for at, _ in self.endings])

    def is_needed(self, node):
        """A peer until it has the file, the owner until all peers have it, whatever it left with."""
        if node.is_owner:
            return not all(peer.is_done for peer in self.ground.peers)
        return not node.is_done


def options():
    parser = argparse.ArgumentParser(prog="Scripts/torture.sh")
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, help="go on until so many nodes were killed")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--round", type=int, help="this round of the seed alone")
    parser.add_argument("--first", type=int, default=0, help="begin with this round")
    parser.add_argument("--only", default=",".join(WEIGHTS), help="kinds of acts, of " + ",".join(WEIGHTS))
    parser.add_argument("--megabytes", type=int, default=10, help="the largest file")
    parser.add_argument("--swarm-seconds", type=float, default=1.2, help="what a swarm takes that nobody disturbs")
    parser.add_argument("--keep", action="store_true", help="keep the folder of a broken round")
    given = parser.parse_args()
    given.only = given.only.split(",")
    if given.kills is None and given.rounds is None and given.seconds is None:
        given.rounds = 20
    return given


def is_enough(given, number, counts, started):
    if given.round is not None:
        return number > given.first
    return ((given.kills is not None and counts["kill"] + counts["descriptors"] >= given.kills)
            or (given.rounds is not None and number - given.first >= given.rounds)
            or (given.seconds is not None and now() - started >= given.seconds))


def torture(given):
    counts = collections.Counter()
    started = now()
    run("ip", "link", "set", "lo", "up")
    number = given.first = given.round if given.round is not None else given.first
    while not is_enough(given, number, counts, started):
        plan = Plan(given.seed, number, given)
        folder = tempfile.mkdtemp(prefix="millrace-torture-")
        with Ground(given.binary, folder, plan) as ground:
            try:
                Round(ground, plan, counts).run()
            except Broken as broken:
                report_broken(given, plan, ground, broken, folder)
                return 1
        counts["rounds"] += 1
        number += 1
        if counts["rounds"] % 10 == 0:
            print(summary(counts, started), flush=True)
    print(f"kept every promise: {summary(counts, started)}")
    return 0


def report_broken(given, plan, ground, broken, folder):
    print(f"BROKEN in {plan}: {broken}")
    print("acts: " + "; ".join(map(str, plan.events)))
    print("codes: " + "; ".join(f"{node.name} {node.codes}" for node in ground.nodes))
    print(f"again: Scripts/torture.sh --seed {plan.seed} --round {plan.number} --only {','.join(given.only)}"
          f" --megabytes {given.megabytes} --swarm-seconds {given.swarm_seconds}")
    if given.keep:
        kept = f"{folder}-kept"
        subprocess.run(["cp", "-a", folder, kept])
        print(f"kept in {kept}")


def summary(counts, started):
    parts = [f"{counts[kind]} {kind}" for kind in ["rounds", *WEIGHTS, "restarts"]]
    codes = sorted((key, value) for key, value in counts.items() if key.startswith("code"))
    parts += [f"{key} {value} times" for key, value in codes]
    return ", ".join(parts) + f", in {now() - started:.0f} s"


if __name__ == "__main__":
    sys.exit(torture(options()))
