"""What happens in a round: drawn from a seed, before the round begins."""

import random

from ground import OWNER_PORT

# How often each is drawn.
WEIGHTS = {
    "kill": 12, "stop": 2, "shut": 3, "drop": 1, "reject": 1, "full": 1, "descriptors": 1, "flip": 2,
}


class Event:
    """One act of torture: at which time, on which node, how long it lasts, and numbers for what else is to choose."""

    def __init__(self, generator, kinds, plan):
        self.kind = generator.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        self.at = generator.uniform(0, 1.5 * plan.seconds)
        self.target = generator.randrange(plan.peer_count + 1)
        self.lasts = generator.uniform(0.05, 1.5)
        self.restart_after = generator.choice([0, 0, generator.uniform(0, 0.5)])
        self.draw = generator.randrange(1 << 30)

    def __str__(self):
        return f"{self.kind} of node {self.target} at {self.at:.2f} s"


class Plan:
    def __init__(self, seed, number, options):
        self.seed, self.number = seed, number
        generator = random.Random(f"{seed} {number}")
        self.peer_count = generator.choice([1, 2, 3, 3, 4])
        self.byte_count = generator.randrange(options.megabytes * 500_000, options.megabytes * 1_000_000)
        self.chunk_byte_count = generator.choice([4096, 16384, 102400, 1 << 20])
        self.seconds = options.swarm_seconds
        self.link_rate = int(self.byte_count * 8 * self.peer_count / self.seconds)
        self.timeout = 15
        self.stores = [generator.choice(["chunks", "flat"]) for _ in range(self.peer_count + 1)]
        self.transports = [generator.choice(["auto", "uring", "sendfile", "copy"]) for _ in range(self.peer_count + 1)]
        self.named_neighbours = generator.random() < 0.5
        count = generator.randrange(4, 13)
        self.events = sorted((Event(generator, options.only, self) for _ in range(count)), key=lambda event: event.at)

    def content(self):
        return random.Random(self.seed * 1_000_003 + self.number).randbytes(self.byte_count)

    def commands(self, disk):
        """Name, port and words of each node's command, the owner's first."""
        ports = [OWNER_PORT + index for index in range(self.peer_count + 1)]
        shared = ["--timeout", str(self.timeout), "--linger", "10"]
        yield "owner", ports[0], [
            "owner", str(ports[0]), f"{disk}/data.bin", "--peers", str(self.peer_count), "--chunk-size",
            str(self.chunk_byte_count), "--dir", "owner", *self.means(0), *shared]
        for index in range(1, self.peer_count + 1):
            neighbour = [str(ports[index % self.peer_count + 1])] if self.named_neighbours else []
            yield f"peer-{index}", ports[index], [
                "peer", str(ports[0]), str(ports[index]), *neighbour, "--dir", f"peer-{index}", *self.means(index),
                *shared]

    def means(self, index):
        return ["--store", self.stores[index], "--io", self.transports[index]]

    def __str__(self):
        return (f"round {self.number}: {self.byte_count} bytes in chunks of {self.chunk_byte_count}, "
                f"{self.peer_count} peers, {len(self.events)} acts")
