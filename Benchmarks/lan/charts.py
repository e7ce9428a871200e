"""The charts of a LAN run: time over the bound, owner egress and CPU time, by scenario and system."""

from pathlib import Path

from harness import report

CHARTS = [
    ("lan-time.svg", "timeOverBound", "Time over the bound", "slowest peer that counts; 1 is file size / link rate", 1),
    ("lan-egress.svg", "ownerEgressOverSize", "What the owner sent", "bytes that left its link / file size", 1),
    ("lan-cpu.svg", "cpuSecondsPerGB", "CPU time of all processes", "CPU seconds for each GB delivered", None),
]


def write(folder, groups, median):
    """Writes the charts. groups: {(scenario, system): runs}; median(runs, key) is None where one did not finish."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    systems = list(dict.fromkeys(system for _, system in groups))
    scenarios = list(dict.fromkeys(scenario for scenario, _ in groups))
    for name, key, title, unit, baseline in CHARTS:
        bars = []
        for scenario in scenarios:
            measured = {system: groups[scenario, system] for system in systems if (scenario, system) in groups}
            if key == "timeOverBound" and all(run["rateBits"] is None for runs in measured.values() for run in runs):
                continue
            bars.append((scenario, {system: median(runs, key) if key != "ownerEgressOverSize" or finished(runs)
                                    else None for system, runs in measured.items()}))
        report.write_bar_chart(Path(folder) / name, title, unit, bars, systems, baseline)


def finished(runs):
    return all(run["finished"] for run in runs)
