"""Starting processes and measuring them: monotonic times, CPU seconds by wait4, peak memory."""

import os
import select
import signal
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).parent
LAUNCHER = HERE / "measured"


def build(source):
    """Compiles a program of one C file if that is newer, and returns where the program is."""
    program = source.with_suffix("")
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        flags = ["-std=c17", "-O2", "-Wall", "-Wextra"]
        subprocess.run(["cc", *flags, "-o", str(program), str(source)], check=True)
    return program


def build_launcher():
    build(LAUNCHER.with_suffix(".c"))


class Process:
    """A command under measured.c, with all its descendants.

    exit_code is None while it runs, negative after a signal; cpu_seconds and peak_bytes are known once it ended.
    """

    def __init__(self, command, log, role, namespace=None, folder=None, environment=None):
        self.role = role
        self.command = [str(word) for word in command]
        self.log = Path(log)
        self.exit_code = self.end_seconds = None
        self.cpu_seconds = 0.0
        self.peak_bytes = 0
        self._buffer = b""
        self._report, report_end = os.pipe()
        with open(self.log, "wb") as output:
            self._launcher = subprocess.Popen(
                [str(LAUNCHER), str(report_end), namespace or "-", *self.command],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, pass_fds=[report_end],
                start_new_session=True, cwd=folder, env={**os.environ, **(environment or {})})
        os.close(report_end)
        words = self._line(timeout_seconds=10)
        if not words or words[0] != "started":
            raise RuntimeError(f"{self.command[0]} did not start: {self.last_words()}")
        self.process_id, self.start_seconds = int(words[1]), float(words[2])

    def fileno(self):
        """Readable when the process has ended; for select."""
        return self._report

    def _line(self, timeout_seconds):
        deadline = time.monotonic() + timeout_seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._report], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._report, 4096)
            if not data:
                return []
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode().split()

    def poll(self, timeout_seconds=0):
        """The exit code, or None if it still runs when the time is over."""
        if self.exit_code is None:
            words = self._line(timeout_seconds)
            if words is None:
                return None
            if not words:
                raise RuntimeError(f"the launcher of {self.command[0]} died: {self.last_words()}")
            self.end_seconds, self.exit_code = float(words[1]), int(words[2])
            self.cpu_seconds = float(words[3]) + float(words[4])
            self.peak_bytes = int(words[5]) * 1024
            self._launcher.wait()
            os.close(self._report)
        return self.exit_code

    def send_signal(self, number):
        """Sends a signal to the whole process group, unless it has ended."""
        if self.poll() is None:
            try:
                os.killpg(self.process_id, number)
            except ProcessLookupError:
                pass

    def stop(self, first=signal.SIGTERM, grace_seconds=5):
        """Ends it: politely, then for certain."""
        self.send_signal(first)
        if self.poll(grace_seconds) is None:
            self.send_signal(signal.SIGKILL)
            self.poll(10)

    def last_words(self, byte_count=400):
        """The end of what it printed."""
        try:
            return self.log.read_bytes()[-byte_count:].decode(errors="replace").strip()
        except OSError:
            return ""


def wait_for_change(processes, timeout_seconds):
    """Returns when one of them ends, at the latest after the time given. Ended ones are not waited for."""
    running = [process for process in processes if process.poll() is None]
    if running:
        select.select(running, [], [], timeout_seconds)


def wait_for_all(processes, deadline_seconds):
    """True if all have ended before the deadline, a monotonic time."""
    return all(process.poll(max(0, deadline_seconds - time.monotonic())) is not None for process in processes)


def wait_for_success(processes, deadline_seconds):
    """Returns when all have ended with 0; raises at the first that did not, or at the deadline, a monotonic time."""
    while any(process.exit_code is None for process in processes):
        wait_for_change(processes, max(0, deadline_seconds - time.monotonic()))
        for process in processes:
            if process.poll() not in (None, 0):
                raise RuntimeError(f"{process.role} ended with {process.exit_code}: {process.last_words()}")
        if time.monotonic() > deadline_seconds:
            raise RuntimeError(f"{processes[0].command[0]}: not done in time")


def stop_all(processes):
    """Ends what still runs, all at once rather than one after the other."""
    for process in processes:
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal.SIGTERM)
    if not wait_for_all(processes, time.monotonic() + 5):
        for process in processes:
            process.send_signal(signal.SIGKILL)
    wait_for_all(processes, time.monotonic() + 10)


def wait_until(condition, what, timeout_seconds=10, watched=()):
    """Polls a condition that no descriptor announces; raises when the time is over or a watched process ends."""
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        for process in watched:
            if process.poll() is not None:
                raise RuntimeError(f"{process.role} ended early, {process.exit_code}: {process.last_words()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {timeout_seconds} s in vain for {what}")
        select.select([], [], [], 0.002)


def is_listening(process, port):
    """Whether something in the network namespace of the process listens on the TCP port."""
    wanted = f":{port:04X}"
    for table in ("tcp", "tcp6"):
        try:
            lines = Path(f"/proc/{process.process_id}/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        if any(line.split()[1].endswith(wanted) and line.split()[3] == "0A" for line in lines):
            return True
    return False
