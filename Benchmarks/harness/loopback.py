"""One system distributing a file on this machine, once: all nodes are processes on 127.0.0.1."""

import os
import time

from . import files, processes, systems
from .ports import free_ports


def make_task(peer_count, byte_count, source, folder, timeout_seconds):
    ports = free_ports(peer_count + 1)
    nodes = [systems.Node(index, "127.0.0.1", files.fresh_folder(folder / f"node-{index}"), port)
             for index, port in enumerate(ports)]
    return systems.Task(source, byte_count, nodes, peer_count, timeout_seconds)


def measure(system, task, digest):
    """One system, once. Raises when a process fails or a file is wrong."""
    os.sync()
    system.prepare()
    source, sinks = [], []
    try:
        source = system.start_source()
        for node in system.sink_order():
            sinks.append(system.start_sink(node))
        timed = sinks + (source if system.source_is_timed else [])
        processes.wait_for_success(timed, time.monotonic() + task.timeout_seconds)
    finally:
        system.stop_source(source)
        processes.stop_all(sinks + source)
    everyone = source + sinks
    for node in task.sinks:
        if files.sha256_of(node.output) != digest:
            raise RuntimeError(f"{system.name}: the file of peer {node.index} is wrong")
    return {
        "system": system.name,
        "wallSeconds": max(p.end_seconds for p in timed) - min(p.start_seconds for p in timed),
        "cpuSeconds": sum(process.cpu_seconds for process in everyone),
        "ownerPeakBytes": max(process.peak_bytes for process in source),
        "peerPeakBytes": max(process.peak_bytes for process in sinks),
        "processes": [{"role": process.role, "cpuSeconds": process.cpu_seconds, "peakBytes": process.peak_bytes}
                      for process in everyone],
    }
