"""Ports for nodes that tests and measurements start."""

import random
import socket

# Below those that the system gives to connections, which could take one between its choice here and its use.
FIRST, END = 11_000, 32_000


def free_ports(count, address="127.0.0.1"):
    """TCP ports that nobody uses, all different."""
    ports = []
    while len(ports) < count:
        port = random.randrange(FIRST, END)
        if port not in ports and is_free(port, address):
            ports.append(port)
    return ports


def is_free(port, address):
    with socket.socket() as one:
        try:
            one.bind((address, port))
        except OSError:
            return False
    return True
