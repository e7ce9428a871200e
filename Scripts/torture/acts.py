"""The acts of torture on a running round. Each returns what ends it, and when; None where it is over at once."""

import os
import random
import signal
import subprocess

from ground import now, run

DESCRIPTOR_LIMIT = 32


def kill(ground, node, event):
    if node.process is None or node.process.poll() is not None:
        return False
    node.start_at = now() + event.restart_after
    node.signal(signal.SIGKILL)
    return True


def stop(ground, node, event):
    if node.process is None or node.process.poll() is not None:
        return False
    process = node.process
    process.send_signal(signal.SIGSTOP)

    def go_on():
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)

    return event.lasts, go_on


def shut(ground, node, event):
    """Shuts a node's sockets, or one of them, as if the connection had been reset."""
    sockets = f"( sport = :{node.port} or dport = :{node.port} )"
    if event.draw % 2:
        lines = run("ss", "-Htn", sockets).splitlines()
        if not lines:
            return False
        local, remote = lines[event.draw % len(lines)].split()[3:5]
        sockets = f"( sport = :{local.rsplit(':', 1)[1]} and dport = :{remote.rsplit(':', 1)[1]} )"
    return "ESTAB" in run("ss", "-KHtn", sockets)


def block(verdict):
    def act(ground, node, event):
        rules = "".join(f"add rule inet torture in tcp {side} {node.port} {verdict}\n" for side in ("sport", "dport"))
        table = "add table inet torture\nadd chain inet torture in { type filter hook input priority 0; }\n"
        subprocess.run(["nft", "-f", "-"], input=table + rules, text=True, check=True, capture_output=True)
        # What other blocks of the same time put up goes down with it.
        return event.lasts, lambda: subprocess.run(["nft", "delete", "table", "inet", "torture"], capture_output=True)

    return act


def full(ground, node, event):
    ground.fill(event.draw % (256 << 10))
    return event.lasts, ground.empty


def descriptors(ground, node, event):
    """Few descriptors from its next start on, which comes at once."""
    node.next_descriptor_limit = DESCRIPTOR_LIMIT
    return kill(ground, node, event)


def flip(ground, node, event):
    """Flips a bit of a chunk file, or of a finished or growing file whose peer is not running."""
    files = ground.chunk_files(node)
    is_running = node.process is not None and node.process.poll() is None
    if not is_running and not node.is_owner:
        files += [path for path in (node.output + ".part",) if os.path.exists(path)]
    files = [path for path in files if os.path.getsize(path) > 0]
    if not files:
        return False
    generator = random.Random(event.draw)
    path = generator.choice(files)
    try:
        with open(path, "r+b") as file:
            position = generator.randrange(os.path.getsize(path))
            file.seek(position)
            byte = file.read(1)
            file.seek(position)
            file.write(bytes([byte[0] ^ 1 << generator.randrange(8)]))
    except OSError:
        # It went away, or it was a hole on a full disk.
        return False
    return True


ACTS = {
    "kill": kill, "stop": stop, "shut": shut, "drop": block("drop"), "reject": block("reject with tcp reset"),
    "full": full, "descriptors": descriptors, "flip": flip,
}
