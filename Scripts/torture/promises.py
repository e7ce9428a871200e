"""The promises that every round must keep (Documentation/reliability.md has the list)."""

import json
import os

# What each act may make a node end with, besides 0.
ALLOWED_CODES = {
    "kill": {3, 4, 5}, "stop": {3, 4, 5}, "shut": {3, 4, 5}, "drop": {3, 4, 5}, "reject": {3, 4, 5},
    "full": {9}, "descriptors": {3, 8}, "flip": {6},
}


class Broken(Exception):
    """A promise that was not kept."""


def tail(path, byte_count=1500):
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - byte_count))
        return file.read().decode(errors="replace")


def check_end(node, code, done):
    """Exit code 0 if and only if the right file is there; any other code has its reason in what was done."""
    if code == 0:
        if not node.is_owner:
            check_output(node)
            check_log(node)
        return
    allowed = set().union({7} if node.is_dismissed else set(), *(ALLOWED_CODES[kind] for kind in done))
    if code not in allowed:
        raise Broken(f"{node.name} ended with {code}, said: {tail(node.log('err'))}")
    if not tail(node.log("err")).strip():
        raise Broken(f"{node.name} ended with {code} and gave no reason")


def check_output(node):
    with open(node.output, "rb") as file:
        if file.read() != node.ground.content:
            raise Broken(f"{node.name} left with 0 and its file is wrong")


def check_name(node, seen):
    """Nothing but the whole file ever has the final name."""
    try:
        status = os.stat(node.output)
    except FileNotFoundError:
        return
    key = (node.name, status.st_ino, status.st_mtime_ns)
    if key in seen:
        return
    seen.add(key)
    with open(node.output, "rb") as file:
        if file.read() != node.ground.content:
            raise Broken(f"{node.name} has a file under its final name that is not the right one")


def check_log(node):
    """The events of a run that ended by itself add up to its report, and none is missing."""
    received = sent = 0
    sequence = 0
    report = None
    with open(node.log("out")) as file:
        for line in file:
            event = json.loads(line)
            if event["event"] == "report":
                report = event
                continue
            sequence += 1
            if event["sequence"] != sequence:
                raise Broken(f"{node.name} logs event {event['sequence']} where {sequence} was due")
            if event["event"] in ("chunk received", "chunk discarded"):
                received += event["bytes"]
            elif event["event"] == "chunk sent":
                sent += event["bytes"]
    if report is None:
        raise Broken(f"{node.name} left with 0 and gave no report")
    fetched = report["fromOwner"] + sum(source["bytes"] for source in report["fromPeers"])
    if received != fetched + report["twice"]:
        raise Broken(f"{node.name} logs {received} bytes received and reports {fetched} and {report['twice']} twice")
    if sent != report["sent"]:
        raise Broken(f"{node.name} logs {sent} bytes sent and reports {report['sent']}")
