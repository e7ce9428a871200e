#!/usr/bin/env python3
"""One owner to N peers over loopback: Millrace against nginx and one curl per peer.

The systems take turns, round by round, on the same source file. Every output is checked by SHA-256 and deleted between
rounds, outside the timed part. The time runs from the first process that counts to the last exit: nginx is up and
listening before, which is its advantage; Millrace's owner starts with the peers.
"""

import argparse
import signal
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import files, loopback, paths, processes, report, systems  # noqa: E402

DEFAULT_SYSTEMS = [systems.Nginx, systems.MillraceFlat, systems.Millrace]
SYSTEMS = {kind.name: kind for kind in DEFAULT_SYSTEMS + [
    kind.forced(transport) for kind in (systems.MillraceFlat, systems.Millrace) for transport in paths.FORCED]}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", type=int, default=5)
    parser.add_argument("--size", type=files.byte_count, default=1 << 30, metavar="BYTES", help="such as 100M or 1G")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--warm-up", type=int, default=1, metavar="ROUNDS", help="rounds that do not count")
    parser.add_argument("--chunk-size", metavar="BYTES", help="Millrace's; as its owner takes it")
    parser.add_argument("--only", metavar="NAMES", default=",".join(kind.name for kind in DEFAULT_SYSTEMS),
                        help=f"of {', '.join(SYSTEMS)}; default: %(default)s")
    parser.add_argument("--folder", default="/dev/shm", help="where files live: a disk, or /dev/shm")
    parser.add_argument("--timeout", type=float, default=300, metavar="S", help="for one system in one round")
    parser.add_argument("--json", metavar="FILE")
    return parser.parse_args()


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def show(rounds, chosen, delivered_bytes):
    """Medians with the extremes; ratios are taken within a round, then their median."""
    rows = []
    for system in chosen:
        runs = [results[system.name] for results in rounds]
        reference = [results.get("nginx") for results in rounds]

        def ratio(key):
            if system.name == "nginx" or None in reference:
                return "-"
            return spread([run[key] / other[key] for run, other in zip(runs, reference)])

        rows.append([
            system.name, spread([run["wallSeconds"] for run in runs]), ratio("wallSeconds"),
            spread([run["cpuSeconds"] / delivered_bytes * 1e9 for run in runs]), ratio("cpuSeconds"),
            f"{max(run['ownerPeakBytes'] for run in runs) / (1 << 20):.1f}",
            f"{max(run['peerPeakBytes'] for run in runs) / (1 << 20):.1f}"])
    print(report.table(["system", "wall s", "over nginx", "CPU-s/GB", "over nginx", "owner MiB", "peer MiB"], rows))


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    processes.build_launcher()
    chosen = systems.choose(SYSTEMS, options.only)
    if options.chunk_size:
        systems.Millrace.owner_options = ("--chunk-size", options.chunk_size)
    # Chunk files and the assembled file on each peer, the source and its chunk files.
    files.require_space(options.folder, 2 * (options.peers + 1) * options.size)
    rounds = []
    with files.temporary_folder(options.folder) as folder:
        folder = Path(folder)
        files.fresh_folder(folder / "source")
        source = folder / "source" / "data"
        digest = files.make_source(source, options.size)
        for round_index in range(options.warm_up + options.rounds):
            # Whoever goes first finds the machine in another state: let everybody do it.
            shift = round_index % len(chosen)
            results = {}
            for kind in chosen[shift:] + chosen[:shift]:
                task = loopback.make_task(options.peers, options.size, source, folder, options.timeout)
                results[kind.name] = loopback.measure(kind(task), task, digest)
                print(f"round {round_index - options.warm_up + 1}: {kind.name} "
                      f"{results[kind.name]['wallSeconds']:.2f} s", file=sys.stderr)
            if round_index >= options.warm_up:
                rounds.append(results)
    delivered_bytes = options.peers * options.size
    print(f"{options.peers} peers, {options.size / 1e6:.0f} MB, {options.rounds} rounds, {options.folder}; "
          "median (min-max)")
    show(rounds, chosen, delivered_bytes)
    if options.json:
        report.write_json(options.json, {
            "machine": systems.machine(), "peers": options.peers, "byteCount": options.size,
            "folder": options.folder, "rounds": rounds})


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as problem:
        raise SystemExit(str(problem))
