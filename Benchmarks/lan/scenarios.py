"""What happens on the LAN, as data."""

import random
from dataclasses import dataclass
from enum import Enum

MEGABIT = 1_000_000
DEFAULT_SECONDS_AT_FULL_RATE = 20
UNSHAPED_BYTE_COUNT = 500_000_000


class Event(Enum):
    NONE = "none"
    KILL_PEER = "kill a peer half-way"
    FREEZE_PEER = "freeze a peer half-way"
    KILL_OWNER = "kill the owner after its first pass"
    PAUSE_PEER = "stop a peer half-way, and let it go on after a while"
    UNPLUG_PEER = "pull a peer's cable half-way, and put it back after a while"
    MUTE_PEER = "from half-way on drop all packets of a peer that are larger than a message"

    @property
    def befalls_peer(self):
        return self not in (Event.NONE, Event.KILL_OWNER)

    @property
    def loses_peer(self):
        return self in (Event.KILL_PEER, Event.FREEZE_PEER)

    @property
    def ends_by_itself(self):
        return self in (Event.PAUSE_PEER, Event.UNPLUG_PEER)


EVENT_SECONDS = 3
MIXED_UPLINKS = (0.3, 0.6, 1, 1.5, 3)
MIXED_UPLINK_SEED = 1


@dataclass(frozen=True)
class Scenario:
    """Rates in bit/s; `slow_up` and `slow_down` are the fractions left to the one odd peer, `loss` the part of its
    packets that is lost, both ways. Mixed uplinks have 0.3 to 3 times the rate, the same ones in every run. The owner's
    link has `owner_times` the rate, both ways."""
    name: str
    peer_count: int
    rate: float | None
    event: Event = Event.NONE
    slow_up: float = 1
    slow_down: float = 1
    seconds_between_joins: float = 0
    uplinks_are_mixed: bool = False
    loss: float = 0
    owner_times: float = 1

    @property
    def odd_peer(self):
        """The peer that is slow or that something happens to: one in the middle, so a chain has nodes on both sides."""
        is_odd = self.slow_up != 1 or self.slow_down != 1 or self.loss or self.event.befalls_peer
        return (self.peer_count + 1) // 2 if is_odd else None

    @property
    def loses_peer(self):
        return self.event.loses_peer

    def is_counted(self, index):
        """Whether a peer's time is held against the common bound: not where its own link or end forbids that."""
        is_held_up = self.slow_down != 1 or self.loss or self.loses_peer or self.event.ends_by_itself
        return index != self.odd_peer or not is_held_up

    @property
    def needs_packet_filter(self):
        return self.event == Event.MUTE_PEER or self.loss > 0

    @property
    def needs_bridge(self):
        return self.needs_packet_filter or self.event == Event.UNPLUG_PEER

    def rates(self):
        """(up, down) for each node, the owner first."""
        rates = [(self.rate, self.rate)] * (self.peer_count + 1)
        if self.rate is not None:
            rates[0] = (self.rate * self.owner_times, self.rate * self.owner_times)
        if self.uplinks_are_mixed:
            dice = random.Random(MIXED_UPLINK_SEED)
            rates[1:] = [(self.rate * dice.choice(MIXED_UPLINKS), self.rate) for _ in rates[1:]]
        if self.odd_peer is not None and self.rate is not None:
            rates[self.odd_peer] = (self.rate * self.slow_up, self.rate * self.slow_down)
        return rates

    @property
    def full_rate(self):
        """What comes to a peer whose own link is not in the way; None if unshaped."""
        return None if self.rate is None else self.rate * min(1, self.owner_times)

    def bound_seconds(self, byte_count, index):
        """The least time in which the file fits through the peer's own link and the owner's; None if unshaped."""
        if self.rate is None:
            return None
        own_rate = self.rate * (self.slow_down if index == self.odd_peer else 1)
        return byte_count * 8 / min(own_rate, self.full_rate)


def _sized(count, megabits):
    return Scenario(f"n{count}", count, megabits * MEGABIT)


SCENARIOS = {scenario.name: scenario for scenario in [
    _sized(1, 200), _sized(2, 200), _sized(5, 200), _sized(16, 50), _sized(32, 25),
    Scenario("quarter", 5, 200 * MEGABIT, slow_up=0.25, slow_down=0.25),
    Scenario("slow-uplink", 5, 200 * MEGABIT, slow_up=0.25),
    Scenario("mixed", 12, 60 * MEGABIT, uplinks_are_mixed=True),
    Scenario("fast-owner", 16, 50 * MEGABIT, owner_times=5),
    Scenario("slow-owner", 5, 200 * MEGABIT, owner_times=0.25),
    Scenario("lossy", 5, 200 * MEGABIT, loss=0.01),
    Scenario("killed", 5, 200 * MEGABIT, Event.KILL_PEER),
    Scenario("frozen", 5, 200 * MEGABIT, Event.FREEZE_PEER),
    Scenario("paused", 5, 200 * MEGABIT, Event.PAUSE_PEER),
    Scenario("unplugged", 5, 200 * MEGABIT, Event.UNPLUG_PEER),
    Scenario("mute", 5, 200 * MEGABIT, Event.MUTE_PEER),
    Scenario("staggered", 5, 200 * MEGABIT, seconds_between_joins=2),
    Scenario("owner-killed", 5, 200 * MEGABIT, Event.KILL_OWNER),
    Scenario("unshaped", 5, None),
]}
