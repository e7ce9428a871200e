#!/usr/bin/env python3
"""Measures everything and prints the table of budgets: budget, measured, met or not.

Builds what it needs (release), then: microbenchmarks against their thresholds; send and receive path against their
floors in C, in turns; an owner and five peers over loopback against nginx and curl; a 1-byte file; with root, a LAN of
network namespaces; the simulator. Ratios come from one run, medians of --rounds. What was left out is said.
"""

import argparse
import os
import signal
import sys

from harness import budgets, files, processes, report, sections, systems


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(sections.SECTIONS), metavar="NAMES",
                        help=f"default: {','.join(sections.SECTIONS)}")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=files.byte_count, default=1 << 30, metavar="BYTES", help="such as 100M or 1G")
    parser.add_argument("--large", action="store_true", help="memory with 10 GiB and 16 connections too")
    parser.add_argument("--folder", default="/dev/shm", help="where files live: a disk, or /dev/shm")
    parser.add_argument("--no-build", action="store_true", help="take the binaries that are there")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def tell(words):
    print(f"  {words}", file=sys.stderr, flush=True)


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = options.only.split(",")
    for name in names:
        if name not in sections.SECTIONS:
            raise SystemExit(f"{name} is not one of {', '.join(sections.SECTIONS)}")
    if not options.no_build:
        sections.build(names, tell)
    processes.build_launcher()
    rows = []
    for number, name in enumerate(names, 1):
        print(f"{number} of {len(names)}: {name}", file=sys.stderr, flush=True)
        rows += sections.SECTIONS[name](options, tell)
    machine = systems.machine()
    print(f"{machine['processor']}, {machine['processors']} processors, {machine['kernel']}; "
          f"{options.size / 1e6:.0f} MB, {options.rounds} rounds, {options.folder}")
    budgets.show(rows)
    if options.json:
        report.write_json(options.json, {"machine": machine, "rows": budgets.as_json(rows)})
    missed = sum(row.is_met is False for row in rows)
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    try:
        main()
    except RuntimeError as problem:
        raise SystemExit(str(problem))
