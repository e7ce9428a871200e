#!/usr/bin/env python3
"""Does `--io auto` choose well? The product's transports against each other: warm and cold, one client and many, chunk
files and flat.

Each client is a process with a transport of its own and a receiver that drops; all start together. The transports take
turns, and the ratio of auto to the best of the three is taken within a round. Cold rounds need root, and a folder on a
disk.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import files, paths, report  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--total", type=files.byte_count, default=256 << 20, metavar="BYTES", help="to one client")
    parser.add_argument("--many-total", type=files.byte_count, default=32 << 20, metavar="BYTES",
                        help="to each of many")
    parser.add_argument("--chunk", type=int, default=102_400, metavar="BYTES")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 32])
    parser.add_argument("--stores", nargs="+", default=["chunks", "flat"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm", default="/dev/shm", metavar="FOLDER", help="empty for no warm rounds")
    parser.add_argument("--cold", metavar="FOLDER", help="a folder on a disk; no cold rounds without")
    return parser.parse_args()


def drop_caches():
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def run(transport, store, folder, total, chunk, clients):
    """(wall seconds until all have all, CPU seconds of all senders)."""
    command = [str(paths.SEND_PATH), transport, store, str(folder), str(total), str(chunk)]
    start = time.monotonic()
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(clients)]
    outputs = [process.communicate()[0] for process in running]
    seconds = time.monotonic() - start
    if any(process.returncode for process in running):
        raise RuntimeError(f"{' '.join(command)} failed")
    return seconds, sum(json.loads(output)["cpuSeconds"] for output in outputs)


def one_round(index, store, folder, total, options, clients, is_cold):
    """{transport: (wall, CPU)}."""
    shift = index % len(paths.TRANSPORTS)
    results = {}
    for transport in paths.TRANSPORTS[shift:] + paths.TRANSPORTS[:shift]:
        if is_cold:
            drop_caches()
        results[transport] = run(transport, store, folder, total, options.chunk, clients)
    return results


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def measure(store, folder, options, clients, is_cold):
    total = options.total if clients == 1 else options.many_total
    # The floor makes the source files, once.
    paths.floor(folder, total, options.chunk, paths.SENDERS[store], "recv-drop")
    rounds = [one_round(index, store, folder, total, options, clients, is_cold)
              for index in range(options.rounds + 1)][1:]
    delivered = total * clients / 1e9
    row = [store, "cold" if is_cold else "warm", str(clients)]
    for transport in paths.TRANSPORTS:
        row.append(f"{delivered / statistics.median(r[transport][0] for r in rounds):.2f}")
    wall = {kind: statistics.median(r[kind][0] for r in rounds) for kind in paths.TRANSPORTS}
    best = min(paths.FORCED, key=wall.get)
    row += [best, spread([r["auto"][0] / r[best][0] for r in rounds]),
            spread([r["auto"][1] / r[best][1] for r in rounds])]
    return row


def main():
    options = arguments()
    subprocess.run(["make", "-s", "-C", str(paths.BENCHMARKS / "floors")], check=True)
    rows = []
    for folder, is_cold in ((options.warm, False), (options.cold, True)):
        if not folder:
            continue
        with files.temporary_folder(folder) as place:
            for clients in options.clients:
                for store in options.stores:
                    rows.append(measure(store, Path(place), options, clients, is_cold))
                    print(" ".join(rows[-1]), file=sys.stderr)
    print(report.table(["store", "cache", "clients", *(f"{kind} GB/s" for kind in paths.TRANSPORTS), "best",
                        "auto over it: wall", "CPU"], rows))


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as problem:
        raise SystemExit(str(problem))
