"""The send and receive paths against their floors in C, in turns: CPU seconds per GB, ratios taken within a round."""

import json
import subprocess
from pathlib import Path

from . import files, loopback, systems

BENCHMARKS = Path(__file__).parents[1]
FLOOR = BENCHMARKS / "floors/floor"
SEND_PATH = BENCHMARKS / ".build/release/send-path"
FORCED = ("sendfile", "uring", "copy")
TRANSPORTS = ("auto", *FORCED)
SENDERS = {"flat": "sendfile-flat", "chunks": "sendfile-chunks"}
RECEIVERS = {"flat": "recv-sha256-pwrite", "chunks": "recv-sha256-files"}


def output_of(command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if result.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: {result.stderr.strip()[-400:]}")
    return json.loads(result.stdout)


def floor_run(folder, total, chunk, sender, receiver):
    """What the floor says about one run."""
    return output_of([FLOOR, "--folder", folder, "--total", total, "--chunk", chunk, "--repeat", 1, sender, receiver])


def floor(folder, total, chunk, sender, receiver):
    """(sender's, receiver's) CPU seconds."""
    run = floor_run(folder, total, chunk, sender, receiver)
    return (run["senderUserSeconds"] + run["senderSystemSeconds"],
            run["receiverUserSeconds"] + run["receiverSystemSeconds"])


def send_costs(folder, total, chunk, rounds, tell):
    """For each round {(store, "floor" or transport): CPU seconds}; one round before them does not count."""
    costs = []
    for round_index in range(rounds + 1):
        cost = {}
        for store, sender in SENDERS.items():
            cost[store, "floor"], _ = floor(folder, total, chunk, sender, "recv-drop")
            shift = round_index % len(TRANSPORTS)
            for transport in TRANSPORTS[shift:] + TRANSPORTS[:shift]:
                cost[store, transport] = output_of([SEND_PATH, transport, store, folder, total, chunk])["cpuSeconds"]
            figures = ", ".join(f"{kind} {cost[store, kind] / total * 1e9:.3f}" for kind in ("floor", *TRANSPORTS))
            tell(f"send path, round {round_index}, {store}, CPU-s/GB: {figures}")
        if round_index > 0:
            costs.append(cost)
    return costs


def receive_ratios(folder, total, chunk, rounds, tell):
    """{store: [CPU seconds of a whole peer process over the floor's receiver]}; the first round does not count."""
    ratios = {}
    source = files.fresh_folder(Path(folder) / "source") / "data"
    digest = files.make_source(source, total)
    for round_index in range(rounds + 1):
        for kind in (systems.MillraceFlat, systems.Millrace):
            _, base = floor(folder, total, chunk, "sendfile-flat", RECEIVERS[kind.store])
            task = loopback.make_task(1, total, source, Path(folder), 300)
            run = loopback.measure(kind(task), task, digest)
            own = next(process["cpuSeconds"] for process in run["processes"] if process["role"] == "peer 1")
            for node in task.nodes:
                files.fresh_folder(node.folder)
            tell(f"receive path, round {round_index}, {kind.store}: the floor {base / total * 1e9:.3f} CPU-s/GB, "
                 f"a peer {own / total * 1e9:.3f}, {total / run['wallSeconds'] / 1e9:.2f} GB/s")
            if round_index > 0:
                ratios.setdefault(kind.store, []).append((own / base, total / run["wallSeconds"] / 1e9))
    return ratios


def one_peer(folder, total, chunk, rounds, tell, kind=systems.MillraceFlat):
    """For each round (GB/s of the floor that receives, hashes and writes, GB/s of an owner and a peer, CPU seconds per GB
    of both together); the first round does not count. Process starts, the handshake and the final sync are in the
    second, not in the first."""
    rounds_done = []
    source = files.fresh_folder(Path(folder) / "source") / "data"
    digest = files.make_source(source, total)
    for round_index in range(rounds + 1):
        base = total / floor_run(folder, total, chunk, "sendfile-flat", RECEIVERS[kind.store])["wallSeconds"] / 1e9
        task = loopback.make_task(1, total, source, Path(folder), 300)
        run = loopback.measure(kind(task), task, digest)
        for node in task.nodes:
            files.fresh_folder(node.folder)
        rate, cost = total / run["wallSeconds"] / 1e9, run["cpuSeconds"] / total * 1e9
        tell(f"one peer, round {round_index}, {kind.store}: the floor {base:.2f} GB/s, owner to peer {rate:.2f} GB/s, "
             f"{cost:.2f} CPU-s/GB")
        if round_index > 0:
            rounds_done.append((base, rate, cost))
    return rounds_done
