#!/usr/bin/env python3
"""What events cost: one owner to N peers over loopback, without events (-q) and with them to /dev/null, to a file by the
shell and to a file by --log-file, as text and as JSON. The variants take turns, round by round, in another order each
round; the table gives the median of each round's ratio to -q, for CPU seconds of all nodes and for wall time, and between
which bounds the true median is with 95 % confidence (by the ranks of the rounds, so that no distribution is assumed).

    swift build -c release --product millrace
    Benchmarks/events/run.py --size 1G --rounds 7
"""

import argparse
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness.ports import free_ports  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
VARIANTS = {
    "-q": (["-q"], "/dev/null"),
    "text to /dev/null": ([], "/dev/null"),
    "text to a file": ([], "{node}.out"),
    "JSON to /dev/null": (["--log-format", "json"], "/dev/null"),
    "JSON to a file": (["--log-format", "json"], "{node}.out"),
    "text by --log-file": (["--log-file", "{node}.log"], "/dev/null"),
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millrace", default=str(ROOT / ".build/release/millrace"))
    parser.add_argument("--peers", type=int, default=5)
    parser.add_argument("--size", default="1G", help="of the file, such as 256M or 1G")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", help="of the variants, by a part of their names, such as JSON; -q is always there")
    parser.add_argument("--kept", help="a file that keeps the rounds: those in it count, and the new ones are added")
    parser.add_argument("--folder", default="/dev/shm")
    return parser.parse_args()


def run(options, source, folder, extra, output):
    """CPU and wall seconds of one swarm from its start to its last exit."""
    ports = free_ports(options.peers + 1)
    before, start, nodes = os.times(), time.monotonic(), []
    for index, port in enumerate(ports):
        node = folder / str(index)
        words = ["owner", str(port), str(source), "--peers", str(options.peers)] if index == 0 else \
            ["peer", str(ports[0]), str(port)]
        words += ["--dir", str(node), "--store", "flat", "--timeout", "60"] + [one.format(node=node) for one in extra]
        with open(output.format(node=node), "w") as out:
            nodes.append(subprocess.Popen([options.millrace, *words], stdout=out, stderr=subprocess.DEVNULL))
    codes = [node.wait(timeout=120) for node in nodes]
    wall, after = time.monotonic() - start, os.times()
    if any(codes):
        sys.exit(f"exit codes {codes}")
    return after.children_user - before.children_user + after.children_system - before.children_system, wall


def bounds(ratios):
    """Between which two of them the median is with 95 % confidence; nothing where there are too few."""
    ranked, count = sorted(ratios), len(ratios)
    below, chance = -1, 0.0
    while below + 1 < count // 2:
        chance += math.comb(count, below + 1) / 2 ** count
        if chance > 0.025:
            break
        below += 1
    return None if below < 0 else (ranked[below], ranked[count - 1 - below])


def show(seen):
    print(f"{len(seen['-q'])} rounds")
    print("| events | CPU over -q | 95 % | wall over -q | 95 % | CPU s | wall s | lines |")
    print("|---|---|---|---|---|---|---|---|")
    for name, figures in seen.items():
        cells = []
        for part in (0, 1):
            ratios = [one[part] / quiet[part] for one, quiet in zip(figures, seen["-q"])]
            cells.append(f"{statistics.median(ratios):.3f}")
            between = bounds(ratios)
            cells.append(f"{between[0]:.3f} to {between[1]:.3f}" if between else "")
        cpu, wall, lines = (statistics.median(one[part] for one in figures) for part in range(3))
        print(f"| {name} | {' | '.join(cells)} | {cpu:.2f} | {wall:.2f} | {int(lines)} |")


def main():
    options = arguments()
    folder = Path(options.folder) / f"millrace-events-{os.getpid()}"
    folder.mkdir()
    try:
        source = folder / "source"
        size = int(options.size[:-1]) << {"M": 20, "G": 30}[options.size[-1]]
        with open(source, "wb") as file:
            for _ in range(size >> 20):
                file.write(os.urandom(1 << 20))
        seen = {name: [] for name in VARIANTS if name == "-q" or (options.only or "") in name}
        for turn in range(options.rounds + 1):
            names = list(seen)
            random.Random(turn).shuffle(names)
            for name in names:
                work = folder / "run"
                work.mkdir()
                figures = run(options, source, work, *VARIANTS[name])
                lines = sum(file.read_bytes().count(b"\n") for file in work.glob("*.[ol]*"))
                shutil.rmtree(work)
                if turn > 0:  # the first round warms up
                    seen[name].append((*figures, lines))
    finally:
        shutil.rmtree(folder)
    if options.kept:
        kept = Path(options.kept)
        earlier = json.loads(kept.read_text()) if kept.exists() else {}
        seen = {name: earlier.get(name, []) + figures for name, figures in seen.items()}
        kept.write_text(json.dumps(seen))
    show(seen)


if __name__ == "__main__":
    main()
