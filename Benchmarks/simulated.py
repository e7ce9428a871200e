#!/usr/bin/env python3
"""All scenarios of `millrace sim` for large swarms, a few seeds each, as a table: how near healthy peers come to their bound.

The worst time over the bound is that of the worst peer of the worst seed, the mean that of all peers and seeds; peers that
the scenario slows down, cuts off or kills count in neither.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from harness import report, systems  # noqa: E402

SCENARIOS = ("even slow slow-up fast-owner free-rider death freeze staggered late owner-leaves restart every-4th-slow "
             "random-up lossy liar refuser mute partition clogs").split()
SUMMARY = re.compile(r"time/bound max ([\d.]+) mean ([\d.]+), owner egress ([\d.]+), rescues (\d+), twice (\d+)")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=int, nargs="+", default=[256, 1000])
    parser.add_argument("--chunks", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scenarios", nargs="+", default=SCENARIOS, choices=SCENARIOS, metavar="NAME")
    return parser.parse_args()


def run(scenario, peers, chunks, seed):
    command = [str(systems.Millrace.binary()), "sim", "--scenario", scenario, "--peers", str(peers),
               "--chunks", str(chunks), "--seed", str(seed)]
    result = subprocess.run(command, capture_output=True, text=True)
    found = SUMMARY.search(result.stdout)
    if result.returncode != 0 or not found:
        raise RuntimeError(f"{' '.join(command)} ended with {result.returncode}: {result.stdout}{result.stderr}")
    return [float(figure) for figure in found.groups()]


def cell(scenario, peers, options):
    runs = []
    for seed in range(1, options.seeds + 1):
        runs.append(run(scenario, peers, options.chunks, seed))
        print(f"{scenario}, {peers} peers, seed {seed}: {runs[-1][0]}", file=sys.stderr, flush=True)
    worst, mean, egress, _, _ = zip(*runs)
    return f"{max(worst):.3f}, {sum(mean) / len(mean):.3f}; {max(egress):.3f}"


def main():
    options = arguments()
    rows = [[scenario, *(cell(scenario, peers, options) for peers in options.peers)] for scenario in options.scenarios]
    print(f"{options.chunks} chunks, {options.seeds} seeds: worst, mean time over the bound; owner egress")
    print(report.table(["scenario", *(f"{peers} peers" for peers in options.peers)], rows))


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as problem:
        raise SystemExit(str(problem))
