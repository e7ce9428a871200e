#!/usr/bin/env python3
"""Distributing a file over a LAN of network namespaces, with links shaped both ways. Needs root.

Each run gets a fresh network. The time of a peer runs from its own start to its complete file; every file is checked by
SHA-256 afterwards. Names of what is created begin with mrlan-; what a killed run left behind is removed at the start.
"""

import argparse
import dataclasses
import json
import os
import shutil
import signal
import statistics
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import files, processes, report, systems  # noqa: E402

import charts  # noqa: E402
import comparators  # noqa: E402
import network  # noqa: E402
from drive import Drive  # noqa: E402
from scenarios import DEFAULT_SECONDS_AT_FULL_RATE, MEGABIT, SCENARIOS, UNSHAPED_BYTE_COUNT  # noqa: E402

SYSTEMS = {kind.name: kind for kind in [
    systems.Millrace, systems.MillraceFlat, comparators.Chain, comparators.Aria2, comparators.Libtorrent,
    comparators.Udpcast, systems.Nginx]}
SYSTEMS["millrace"] = systems.Millrace
NODE_PORT = 9000


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Names of scenarios and systems stay whole, to be copied."""

    def _split_lines(self, text, width):
        return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=HelpFormatter)
    parser.add_argument("--scenario", nargs="+", default=["n5"], metavar="NAME", help=f"all, or {' '.join(SCENARIOS)}")
    parser.add_argument("--systems", default="millrace,chain", metavar="NAMES", help=",".join(SYSTEMS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--size", type=files.byte_count, metavar="BYTES", help="default: 20 s at the full rate")
    parser.add_argument("--rate", type=float, metavar="MBIT", help="of every link, in Mbit/s")
    parser.add_argument("--owner-times", type=float, metavar="X", help="the owner's link: so many times the others' rate")
    parser.add_argument("--peers", type=int, metavar="N")
    parser.add_argument("--delay", type=float, default=0, metavar="MS",
                        help="what each packet takes besides, one way; for some 6 nodes of 200 Mbit/s at most")
    parser.add_argument("--patience", type=float, default=8, metavar="X", help="give up after X times the bound")
    parser.add_argument("--folder", default="/dev/shm", help="where files live: a disk, or /dev/shm")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--charts", metavar="FOLDER",
                        help="write lan-time.svg, lan-egress.svg and lan-cpu.svg there, such as Documentation")
    parser.add_argument("--from-json", metavar="FILE", help="measure nothing: table and charts of an earlier run")
    return parser.parse_args()


def chosen_scenarios(options):
    names = list(SCENARIOS) if options.scenario == ["all"] else options.scenario
    for name in names:
        if name not in SCENARIOS:
            raise SystemExit(f"{name} is not one of {' '.join(SCENARIOS)}")
    changes = {}
    if options.peers:
        if not 1 <= options.peers <= 200:
            raise SystemExit("--peers is 1 to 200")
        changes["peer_count"] = options.peers
    if options.rate:
        changes["rate"] = options.rate * MEGABIT
    if options.owner_times is not None:
        if not 0.01 <= options.owner_times <= 100:
            raise SystemExit("--owner-times is 0.01 to 100")
        changes["owner_times"] = options.owner_times
    if (options.rate or options.owner_times) and "unshaped" in names:
        raise SystemExit("--rate and --owner-times have no meaning in the scenario unshaped")
    if options.delay < 0 or options.delay and "unshaped" in names:
        raise SystemExit("--delay is 0 or more, and needs links with a rate")
    scenarios = [dataclasses.replace(SCENARIOS[name], **changes) for name in names]
    for scenario in scenarios:
        if options.delay and scenario.needs_bridge:
            raise SystemExit(f"{scenario.name}: with --delay there is no cable to pull, and no packet filter")
        if not any(scenario.is_counted(index) for index in range(1, scenario.peer_count + 1)):
            raise SystemExit(f"{scenario.name} needs two peers: the one that something happens to does not count")
    return scenarios


def applies(kind, scenario):
    """A chain or a broadcast has no notion of joining later."""
    return kind.membership_is_free or scenario.seconds_between_joins == 0


def default_size(scenario):
    if scenario.rate is None:
        return UNSHAPED_BYTE_COUNT
    return int(scenario.full_rate / 8 * DEFAULT_SECONDS_AT_FULL_RATE)


def make_task(scenario, size, source, folder, patience):
    nodes = [systems.Node(index, network.node_address(index), files.fresh_folder(folder / f"node-{index}"), NODE_PORT,
                          network.namespace_path(network.node_name(index)))
             for index in range(scenario.peer_count + 1)]
    service = systems.Node(-1, network.SERVICE_ADDRESS, files.fresh_folder(folder / "service"), NODE_PORT,
                           network.namespace_path(network.BRIDGE))
    bound = max(scenario.bound_seconds(size, index) or size / 50e6 for index in range(1, scenario.peer_count + 1))
    timeout = max(30, patience * bound) + scenario.seconds_between_joins * scenario.peer_count
    expected = scenario.peer_count - (1 if scenario.loses_peer else 0)
    return systems.Task(source, size, nodes, expected, timeout, scenario.rate, service)


def measure(kind, scenario, size, options, source, digest, folder):
    os.sync()
    rates = scenario.rates()
    with network.DelayedNetwork(rates, options.delay / 1000) if options.delay else network.Network(rates) as lan:
        task = make_task(scenario, size, source, folder, options.patience)
        drive = Drive(kind(task), scenario, lan, task)
        drive.run()
        return {**drive.result(digest), "delaySeconds": options.delay / 1000}


def verdict(runs):
    worst = min(runs, key=lambda run: (run["finished"], run["verifiedPeers"]))
    wrong = f", {worst['wrongFiles']} wrong" if worst["wrongFiles"] else ""
    return f"{worst['verifiedPeers']} of {worst['expectedPeers']} verified{wrong}"


def median(runs, key):
    values = [run[key] for run in runs]
    return None if None in values else statistics.median(values)


def show(groups):
    rows = []
    for (scenario, system), runs in groups.items():
        first = runs[0]
        rate = first["rateBits"]
        peaks = [max(run[key] or 0 for run in runs) / (1 << 20) for key in ("ownerPeakBytes", "peerPeakBytes")]
        rows.append([
            scenario, system, first["peers"], f"{first['byteCount'] / 1e6:.0f}",
            f"{rate / MEGABIT:g}" if rate else "-", report.number(median(runs, "longestSeconds")),
            report.number(median(runs, "timeOverBound"), 3), report.number(median(runs, "meanTimeOverBound"), 3),
            report.number(median(runs, "slowPeerTimeOverBound"), 3),
            report.number(median(runs, "ownerEgressOverSize"), 3), report.number(median(runs, "cpuSecondsPerGB")),
            f"{peaks[0]:.1f}", f"{peaks[1]:.1f}", verdict(runs)])
    print(report.table(
        ["scenario", "system", "peers", "MB", "Mbit/s", "s", "over bound", "mean", "slow peer", "egress", "CPU-s/GB",
         "owner MiB", "peer MiB", "outcome"], rows))


def save(options, groups, runs):
    if options.json:
        report.write_json(options.json, {"machine": systems.machine(), "folder": options.folder, "runs": runs})
    if options.charts:
        charts.write(options.charts, groups, median)


def show_earlier(options):
    """Table and charts of what --json has kept."""
    with open(options.from_json, encoding="utf-8") as file:
        runs = json.load(file)["runs"]
    groups = {}
    for run in runs:
        groups.setdefault((run["scenario"], run["system"]), []).append(run)
    options.json = None
    show(groups)
    save(options, groups, runs)


def main():
    options = arguments()
    if options.from_json:
        return show_earlier(options)
    scenarios, kinds = chosen_scenarios(options), systems.choose(SYSTEMS, options.systems)
    if os.geteuid() != 0:
        raise SystemExit("network namespaces need root")
    tools = ["ip", "tc", "cc"] + ["iptables"] * any(scenario.needs_packet_filter for scenario in scenarios)
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        raise SystemExit(f"not installed: {', '.join(missing)}")
    processes.build_launcher()
    lock = network.only_one_at_a_time()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    runs, groups = [], {}
    with files.temporary_folder(options.folder) as folder, lock:
        folder = Path(folder)
        for scenario in scenarios:
            size = options.size or default_size(scenario)
            files.require_space(folder, 2 * (scenario.peer_count + 1) * size)
            source = files.fresh_folder(folder / "source") / "data"
            digest = files.make_source(source, size)
            for _ in range(options.rounds):
                for kind in kinds:
                    if not applies(kind, scenario):
                        continue
                    print(f"{scenario.name}: {kind.name}", file=sys.stderr, flush=True)
                    run = measure(kind, scenario, size, options, source, digest, folder)
                    runs.append(run)
                    groups.setdefault((scenario.name, kind.name), []).append(run)
    if not runs:
        raise SystemExit("none of the systems fits the scenario")
    show(groups)
    save(options, groups, runs)
    if not all(run["finished"] for run in runs if run["system"].startswith("millrace")):
        raise SystemExit(1)


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as problem:
        raise SystemExit(str(problem))
