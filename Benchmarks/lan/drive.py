"""One system in one scenario: start, watch, disturb, stop, check."""

import signal
import time

from harness import files, processes

from scenarios import EVENT_SECONDS, Event

TICK_SECONDS = 0.01


class Drive:
    """Runs a system on a network and keeps what was seen; `result` tells it in plain values."""

    def __init__(self, system, scenario, network, task):
        self.system, self.scenario, self.network, self.task = system, scenario, network, task
        self.source = []
        self.sinks = {}
        self.complete_seconds = {}
        self.event_seconds = None
        self._event_is_over = False
        self._owner_sent = []

    def run(self):
        self.system.prepare()
        if self.scenario.loss:
            self.network.lose(self.scenario.odd_peer, self.scenario.loss)
        try:
            self.source = self.system.start_source()
            self._watch(time.monotonic())
            # One may have ended between the last look at the files and the last look at the processes.
            self._note_complete()
            self._let_leave()
            self._sent_bytes = self.network.counters()[0][1]
        finally:
            processes.stop_all(list(self.sinks.values()))
            self.system.stop_source(self.source)

    def _watch(self, start):
        """Starts the sinks when they are due and returns when nothing more can be expected."""
        waiting = list(self.system.sink_order())
        due = start
        while True:
            while waiting and time.monotonic() >= due:
                node = waiting.pop(0)
                self.sinks[node.index] = self.system.start_sink(node)
                due += self.scenario.seconds_between_joins
                if not waiting:
                    self.source = self.source + self.system.after_sinks()
            processes.wait_for_change(list(self.sinks.values()), TICK_SECONDS)
            self._note_complete()
            self._disturb()
            open_sinks = [index for index, process in self.sinks.items()
                          if index not in self.complete_seconds and process.poll() is None and not self._is_lost(index)]
            if not waiting and not open_sinks:
                return
            if time.monotonic() > start + self.task.timeout_seconds:
                return

    def _is_lost(self, index):
        return self.scenario.loses_peer and index == self.scenario.odd_peer and self.event_seconds is not None

    def _note_complete(self):
        for index, process in self.sinks.items():
            ended = process.poll() is not None
            if index not in self.complete_seconds and self.system.is_complete(self.task.nodes[index], process):
                self.complete_seconds[index] = min(time.monotonic(), process.end_seconds if ended else float("inf"))

    def _disturb(self):
        if self.event_seconds is None:
            self._begin_event()
        elif not self._event_is_over and time.monotonic() >= self.event_seconds + EVENT_SECONDS:
            self._end_event()

    def _begin_event(self):
        event, victim = self.scenario.event, self.scenario.odd_peer
        if event == Event.NONE:
            return
        counters = self.network.counters()
        if event == Event.KILL_OWNER:
            if self._first_pass_is_out(counters[0][1]):
                self._strike(self.source, signal.SIGKILL)
        elif victim in self.sinks and counters[victim][0] >= self.task.byte_count / 2:
            self._befall(victim, event)

    def _befall(self, victim, event):
        if event == Event.UNPLUG_PEER:
            self.network.unplug(victim)
        elif event == Event.MUTE_PEER:
            self.network.mute(victim)
        else:
            number = signal.SIGKILL if event == Event.KILL_PEER else signal.SIGSTOP
            return self._strike([self.sinks[victim]], number)
        self.event_seconds = time.monotonic()

    def _end_event(self):
        self._event_is_over = True
        if self.scenario.event == Event.UNPLUG_PEER:
            self.network.plug_in(self.scenario.odd_peer)
        elif self.scenario.event == Event.PAUSE_PEER:
            self.sinks[self.scenario.odd_peer].send_signal(signal.SIGCONT)

    def _first_pass_is_out(self, sent_bytes):
        """The whole file has left: more was sent than the file and any headers, or that much and then hardly more."""
        now = time.monotonic()
        self._owner_sent = [(t, b) for t, b in self._owner_sent if now - t < 0.5] + [(now, sent_bytes)]
        if sent_bytes < self.task.byte_count:
            return False
        quiet = now - self._owner_sent[0][0] > 0.4 and (
            sent_bytes - self._owner_sent[0][1] < 0.1 * 0.5 * (self.task.rate_bits or 1e9) / 8)
        return sent_bytes > 1.06 * self.task.byte_count or quiet

    def _strike(self, victims, number):
        self.event_seconds = time.monotonic()
        for process in victims:
            process.send_signal(number)

    def _let_leave(self):
        """Nodes that say goodbye by themselves get the time to."""
        if self.system.leaves_by_itself and len(self.complete_seconds) >= self.task.expected_count:
            leaving = [process for index, process in self.sinks.items() if not self._is_lost(index)]
            processes.wait_for_all(leaving + self.source, time.monotonic() + 5)

    def result(self, digest):
        """Times of the peers whose files are right, and what it all cost."""
        good = {index: self.complete_seconds[index] - self.sinks[index].start_seconds
                for index in sorted(self.complete_seconds)
                if files.sha256_of(self.task.nodes[index].output) == digest}
        return {
            "system": self.system.name, "scenario": self.scenario.name, "peers": self.scenario.peer_count,
            "byteCount": self.task.byte_count, "rateBits": self.scenario.rate,
            "verifiedPeers": len(good), "expectedPeers": self.task.expected_count,
            "wrongFiles": len(self.complete_seconds) - len(good), "secondsPerPeer": good,
            **self._times(good), **self._costs(len(good)),
        }

    def _times(self, good):
        """None for the times of a run in which a peer that counts did not get its file."""
        scenario, odd = self.scenario, self.scenario.odd_peer
        wanted = [index for index in range(1, scenario.peer_count + 1) if scenario.is_counted(index)]
        finished = all(index in good for index in wanted)
        ratios = {index: seconds / scenario.bound_seconds(self.task.byte_count, index)
                  for index, seconds in good.items() if scenario.rate is not None}
        counted = [ratios[index] for index in wanted] if finished and ratios else []
        is_slow = odd in ratios and odd not in wanted and not scenario.loses_peer
        first_start = min(process.start_seconds for process in self.sinks.values())
        return {
            "finished": finished,
            "longestSeconds": max(good[index] for index in wanted) if finished else None,
            "timeOverBound": max(counted, default=None),
            "meanTimeOverBound": sum(counted) / len(counted) if counted else None,
            "slowPeerTimeOverBound": ratios[odd] if is_slow else None,
            "eventSeconds": None if self.event_seconds is None else self.event_seconds - first_start,
        }

    def _costs(self, delivered_count):
        sinks = list(self.sinks.values())
        delivered_gigabytes = delivered_count * self.task.byte_count / 1e9
        cpu_seconds = sum(process.cpu_seconds for process in sinks + self.source)
        return {
            "ownerEgressOverSize": self._sent_bytes / self.task.byte_count,
            "cpuSecondsPerGB": cpu_seconds / delivered_gigabytes if delivered_count else None,
            "ownerPeakBytes": max(process.peak_bytes for process in self.source),
            "peerPeakBytes": max(process.peak_bytes for process in sinks),
            "exitCodes": {process.role: process.exit_code for process in sinks + self.source},
        }
