#!/usr/bin/env python3
"""How closely a rate limit is kept on the wire: an owner and peers in network namespaces, links not shaped. Needs root.

The counters of the owner's (or with --down the peer's) link are read every millisecond or two; the largest number of
bytes in any window of 1, 10, 100 and 1000 ms is held against the rate. Counters include headers of Ethernet, IP and
TCP: 4.6 % with frames of 1514 bytes; offloaded frames of up to 64 KB have next to none.
"""

import argparse
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from harness import files, processes, report, systems  # noqa: E402

import network  # noqa: E402

WINDOWS_MS = (1, 10, 100, 1000)
SKIPPED_SECONDS = 0.2


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=int, nargs="+", default=[1_000_000, 12_000_000, 125_000_000], metavar="BYTES",
                        help="bytes a second")
    parser.add_argument("--chunk", default="100KB", help="chunk size")
    parser.add_argument("--peers", type=int, default=1, metavar="N")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--down", action="store_true", help="limit what one peer takes, not what the owner sends")
    return parser.parse_args()


def sample(lan, index, field, seconds):
    """(time, bytes) as often as it goes."""
    samples = []
    end = time.monotonic() + seconds
    while (now := time.monotonic()) < end:
        samples.append((now, lan.counters()[index][field]))
        time.sleep(0.0005)
    return samples


def largest(samples, window):
    """Most bytes in any window of so many seconds, scaled to the time that was really between the samples."""
    best, start = 0.0, 0
    for end in range(1, len(samples)):
        while samples[end][0] - samples[start + 1][0] >= window:
            start += 1
        elapsed = samples[end][0] - samples[start][0]
        if elapsed >= window:
            best = max(best, (samples[end][1] - samples[start][1]) / elapsed)
    return best


def measure(options, rate, folder):
    size = int(rate * (options.seconds + 2))
    source = files.fresh_folder(folder / "source") / "data"
    with open(source, "wb") as file:
        file.truncate(size)
    count = options.peers + 1
    with network.Network([(None, None)] * count) as lan:
        nodes = [systems.Node(index, network.node_address(index), files.fresh_folder(folder / f"node-{index}"), 9000,
                              network.namespace_path(network.node_name(index))) for index in range(count)]
        owner, sinks = nodes[0], nodes[1:]
        limit = ["--rate-limit-down" if options.down else "--rate-limit", rate]
        common = ["--store", "flat", "-q"]
        binary = systems.Millrace.binary()
        running = [owner.run([binary, "owner", f"{owner.address}:9000", source, "--dir", owner.folder / "store",
                              "--chunk-size", options.chunk, *common, *([] if options.down else limit)])]
        for node in sinks:
            running.append(node.run([binary, "peer", f"{owner.address}:9000", f"{node.address}:9000", "--dir",
                                     node.folder / "store", *common, *(limit if options.down else [])]))
        watched, field = (1, 0) if options.down else (0, 1)
        processes.wait_until(lambda: lan.counters()[watched][field] > 200_000, "the first bytes", watched=running)
        first_second = sample(lan, watched, field, 1)
        samples = sample(lan, watched, field, options.seconds - 1)
        processes.stop_all(running)
    steady = [item for item in samples if item[0] > samples[0][0] + SKIPPED_SECONDS]
    mean = (steady[-1][1] - steady[0][1]) / (steady[-1][0] - steady[0][0])
    start = (first_second[-1][1] - first_second[0][1]) / (first_second[-1][0] - first_second[0][0])
    return [mean / rate, start / rate] + [largest(first_second + samples, ms / 1000) / rate for ms in WINDOWS_MS]


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    processes.build_launcher()
    rows = []
    lock = network.only_one_at_a_time()
    with files.temporary_folder("/dev/shm") as folder, lock:
        for rate in options.rate:
            rows.append([f"{rate / 1e6:g}"] + [f"{value:.3f}" for value in measure(options, rate, Path(folder))])
    print(f"{options.peers} peers, chunks of {options.chunk}, "
          f"{'taken by a peer' if options.down else 'sent by the owner'}; bytes on the wire over the rate")
    print(report.table(["MB/s", "mean", "first s", *(f"worst {ms} ms" for ms in WINDOWS_MS)], rows))


if __name__ == "__main__":
    try:
        main()
    except RuntimeError as problem:
        raise SystemExit(str(problem))
