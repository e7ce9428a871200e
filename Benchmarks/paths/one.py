#!/usr/bin/env python3
"""One owner to one peer over loopback, every byte verified: GB/s, against the floor in C that receives, hashes and writes.

Floor and ours take turns. The time of ours runs from the first process to the last exit, with handshake, digests and the
final sync; the file is checked by SHA-256 outside it.
"""

import argparse
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import files, paths, processes, report, systems  # noqa: E402

KINDS = {kind.store: kind for kind in (systems.MillraceFlat, systems.Millrace)}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=files.byte_count, default=2 << 30, metavar="BYTES", help="such as 100M or 2G")
    parser.add_argument("--chunk", type=int, default=102_400, metavar="BYTES", help="of the floor")
    parser.add_argument("--store", choices=KINDS, default="flat")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", default="/dev/shm", help="where files live: a disk, or /dev/shm")
    return parser.parse_args()


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def main():
    options = arguments()
    processes.build_launcher()
    files.require_space(options.folder, 5 * options.size)
    with files.temporary_folder(options.folder) as folder:
        rounds = paths.one_peer(folder, options.size, options.chunk, options.rounds,
                                lambda words: print(words, file=sys.stderr), KINDS[options.store])
    floors, rates, costs = zip(*rounds)
    rows = [[options.store, spread(floors), spread(rates), spread([own / base for base, own, _ in rounds]),
             spread(costs)]]
    print(report.table(["store", "floor GB/s", "owner to peer GB/s", "over the floor", "CPU-s/GB of both"], rows))


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as problem:
        raise SystemExit(str(problem))
