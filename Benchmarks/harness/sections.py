"""The parts of a whole run; each returns rows of the table of budgets."""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from . import files, loopback, paths, processes, systems
from .budgets import Row

BENCHMARKS = Path(__file__).parents[1]
CHUNK_BYTES = 102_400
MEBIBYTE = 1 << 20


def build(names, tell):
    """Builds what the chosen parts need, all as for release."""
    commands = [(["swift", "build", "-c", "release", "--product", "millrace"], systems.REPOSITORY)]
    if "paths" in names:
        commands += [(["make", "-s", "-C", "floors"], BENCHMARKS),
                     (["swift", "build", "-c", "release", "--product", "send-path"], BENCHMARKS)]
    for command, folder in commands:
        tell(f"building: {' '.join(command)}")
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)


def script(words, tell):
    """Runs one of our scripts, its progress to stderr, and returns what it wrote as JSON."""
    with tempfile.NamedTemporaryFile(suffix=".json") as output:
        tell(" ".join(str(word) for word in words))
        command = [sys.executable, *[str(word) for word in words], "--json", output.name]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
        text = Path(output.name).read_text()
        return json.loads(text) if text else None


def micro(options, tell):
    """Microbenchmarks against the thresholds that are kept for this compiler."""
    command = ["swift", "package", "benchmark", "thresholds", "check", "--path", "Thresholds/6.3", "--no-progress"]
    tell(" ".join(command))
    result = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True)
    row = Row("microbenchmarks: 1 if none takes twice as long as its threshold", 1, is_least=True)
    # The plugin leaves with 1 for everything that is not equal, and names it in its last line.
    fault = (result.stderr.strip().splitlines() or ["it failed"])[-1]
    if result.returncode == 0 or "ThresholdImprovement" in fault:
        row.values = [1]
    elif "ThresholdRegression" in fault:
        row.values = [0]
        print(result.stdout, file=sys.stderr)
    else:
        row.left_out = fault
    return [row]


def path_floors(options, tell):
    rows = []
    with files.temporary_folder(options.folder) as folder:
        files.require_space(folder, 6 * options.size)
        costs = paths.send_costs(folder, options.size, CHUNK_BYTES, options.rounds, tell)
    for store in paths.SENDERS:
        mine = {kind: [cost[store, kind] for cost in costs] for kind in ("floor", *paths.TRANSPORTS)}
        rows.append(Row(f"send path, {store}, --io auto: CPU over the C sendfile loop", 1.10, "",
                        [own / base for own, base in zip(mine["auto"], mine["floor"])]))
        # The best by its median: the least of three figures of one round would be the luckiest, not the best.
        best = min((mine[kind] for kind in paths.TRANSPORTS if kind != "auto"), key=statistics.median)
        rows.append(Row(f"send path, {store}, --io auto: CPU over the best of the three", 1.03, "",
                        [own / least for own, least in zip(mine["auto"], best)]))
    with files.temporary_folder(options.folder) as folder:
        for store, runs in paths.receive_ratios(folder, options.size, CHUNK_BYTES, options.rounds, tell).items():
            rows.append(Row(f"receive path, {store}: CPU of a peer over C recv + SHA-256 + write", 1.10, "",
                            [ratio for ratio, _ in runs]))
            if store != "flat":
                rows.append(Row(f"owner to one peer, {store}", 1.0, "GB/s", [rate for _, rate in runs], is_least=True))
    with files.temporary_folder(options.folder) as folder:
        runs = paths.one_peer(folder, 2 * options.size, CHUNK_BYTES, options.rounds, tell)
        rows.append(Row("owner to one peer, flat", 1.0, "GB/s", [rate for _, rate, _ in runs], is_least=True))
    return rows


def against_nginx(options, tell):
    rows = [Row("owner to 5 peers, loopback, flat: CPU over nginx + 5 curl", 1.0),
            Row("the same, wall time", 1.0),
            Row("owner to 5 peers, loopback, chunk files: CPU over nginx + 5 curl", 2.0),
            Row("the same, wall time", 2.0)]
    missing = systems.Nginx.missing_tools()
    if missing:
        for row in rows:
            row.left_out = f"no {', '.join(missing)}"
        return rows
    result = script([BENCHMARKS / "loopback/run.py", "--size", options.size, "--rounds", options.rounds,
                     "--folder", options.folder, "--only", "nginx,millrace-flat,millrace-chunks"], tell)
    if result is None:
        raise RuntimeError("loopback/run.py failed")
    for results in result["rounds"]:
        for index, system in enumerate(("millrace-flat", "millrace-chunks")):
            for offset, key in enumerate(("cpuSeconds", "wallSeconds")):
                rows[2 * index + offset].values.append(results[system][key] / results["nginx"][key])
    return rows


def one_byte(options, tell):
    """From the start of the last of five peers to the last verified file."""
    row = Row("file of 1 byte on 5 peers, from the last start", 100, "ms")
    for _ in range(options.rounds):
        with files.temporary_folder(options.folder) as folder:
            source = Path(folder) / "source"
            source.write_bytes(b"x")
            task = loopback.make_task(5, 1, source, Path(folder), 30)
            system = systems.MillraceFlat(task)
            running = system.start_source()
            try:
                running += [system.start_sink(node) for node in task.sinks]
                processes.wait_until(lambda: all(node.output.exists() for node in task.sinks), "five files")
                row.values.append((time.monotonic() - running[-1].start_seconds) * 1000)
            finally:
                processes.stop_all(running)
    return [row]


LAN_BUDGETS = {"n5": 1.06, "n16": 1.08, "quarter": 1.10, "killed": 1.10}


def lan(options, tell):
    names = {"n5": "5 peers at 200 Mbit/s", "n16": "16 peers at 50 Mbit/s",
             "quarter": "one of 5 peers at a quarter of the rate: the others",
             "killed": "one of 5 peers killed half-way: the others"}
    rows = {name: Row(f"LAN, {words}: time over the bound", LAN_BUDGETS[name]) for name, words in names.items()}
    egress = Row("LAN, owner egress over file size, 5 peers, with headers", 1.01 * 1514 / 1448)
    if os.geteuid() != 0:
        for row in [*rows.values(), egress]:
            row.left_out = "needs root"
        return [*rows.values(), egress]
    result = script([BENCHMARKS / "lan/run.py", "--scenario", *names, "--systems", "millrace-flat", "--folder",
                     options.folder], tell)
    if result is None:
        raise RuntimeError("lan/run.py failed")
    for run in result["runs"]:
        row = rows[run["scenario"]]
        if run["timeOverBound"] is None:
            row.left_out = "not all peers finished"
        else:
            row.values.append(run["timeOverBound"])
        if run["scenario"] == "n5":
            egress.values.append(run["ownerEgressOverSize"])
    return [*rows.values(), egress]


class PacedOwner(systems.MillraceFlat):
    """Slow enough that sixteen copies fit into memory."""
    owner_options = ("--rate-limit", "10MB")


def peaks(kind, task, seconds):
    """(owner's, largest peer's) peak memory in MiB after so many seconds, or at the end if that comes first."""
    system = kind(task)
    running = system.start_source()
    try:
        running += [system.start_sink(node) for node in task.sinks]
        processes.wait_for_all(running, time.monotonic() + seconds)
    finally:
        processes.stop_all(running)
    return running[0].peak_bytes / MEBIBYTE, max(process.peak_bytes for process in running[1:]) / MEBIBYTE


def memory(options, tell):
    """A sparse file of 10 GiB: whole to one peer, and for a while, paced, over sixteen connections."""
    size = 10 << 30
    rows = [Row(f"memory of {who}, 10 GiB, {how}", 64, "MiB")
            for how in ("to one peer", "16 connections, 20 s at 10 MB/s") for who in ("the owner", "a peer")]
    if not options.large:
        for row in rows:
            row.left_out = "without --large"
        return rows
    with files.temporary_folder(options.folder) as folder:
        files.require_space(folder, size + (4 << 30))
        source = Path(folder) / "source"
        with open(source, "wb") as file:
            file.truncate(size)
        for first, kind, count, seconds in ((0, systems.MillraceFlat, 1, 300), (2, PacedOwner, 16, 20)):
            tell(f"{rows[first].what}")
            task = loopback.make_task(count, size, source, Path(folder), 600)
            for row, peak in zip(rows[first:], peaks(kind, task, seconds)):
                row.values.append(peak)
            for node in task.nodes:
                files.fresh_folder(node.folder)
    return rows


def simulated(options, tell):
    command = [str(systems.Millrace.binary()), "sim", "--peers", "1000", "--chunks", "10000"]
    tell(" ".join(command))
    before = os.times().children_user
    result = subprocess.run(command, capture_output=True, text=True)
    row = Row("simulated, 1,000 peers, 10,000 chunks: time over the bound", 1.05)
    cost = Row("the same: CPU seconds that it takes", 60, "s")
    found = re.search(r"time/bound max ([0-9.]+)", result.stdout)
    if found and result.returncode == 0:
        row.values.append(float(found[1]))
        cost.values.append(os.times().children_user - before)
    else:
        row.left_out = f"millrace sim ended with {result.returncode}: {result.stdout.strip()[-100:]}"
        cost.left_out = row.left_out
    return [row, cost]


SECTIONS = {"micro": micro, "paths": path_floors, "loopback": against_nginx, "small": one_byte, "lan": lan,
            "memory": memory, "sim": simulated}
