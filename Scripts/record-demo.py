#!/usr/bin/env python3
"""Makes a picture of a terminal in which Millrace runs, as an SVG for light and dark pages; needs tmux.

    Scripts/record-demo.py PROGRAM PICTURE.svg

Two real terminals are recorded: that of an owner half-way, whose four peers run on this machine too, and that of the last
of these peers at its end. What they say is read from tmux, colours included.
"""

import html
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "Benchmarks"))

from harness.ports import free_ports  # noqa: E402

COLUMNS, ROWS, LIMIT_SECONDS = 104, 24, 60
CELL_WIDTH, CELL_HEIGHT, MARGIN = 8.4, 18, 14

# Classes of the eight colours; the two schemes are those of common terminals.
LIGHT = ["#24292f", "#cf222e", "#116329", "#7d4e00", "#0550ae", "#8250df", "#1b7c83", "#57606a"]
DARK = ["#c9d1d9", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#8b949e"]


class Terminal:
    """A tmux server of its own with one pane."""

    def __init__(self, folder, name):
        self.name = f"millrace-{os.getpid()}-{name}"
        self.tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", str(folder),
                  "env", "-u", "NO_COLOR", "LC_ALL=C.UTF-8", "PS1=$ ", "TERM=tmux-256color", "bash", "--norc")
        self.type(f"PATH={folder}/bin:$PATH; clear")
        self.wait(r"^\$ *$")

    def tmux(self, *words):
        command = ["tmux", "-L", self.name, "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-e").rstrip("\n").split("\n")

    def type(self, line):
        self.wait(r"(^|\n)\$ *$")
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def text(self):
        return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(self.screen()))

    def wait(self, pattern):
        self.wait_until(lambda text: re.search(pattern, text, re.S), pattern)

    def wait_until(self, condition, what):
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            if condition(self.text()):
                return
            time.sleep(0.05)
        sys.exit(f"the terminal never said {what}:\n{self.text()}")


def is_half_way(text):
    """All four bars are on their way."""
    shares = [int(share) for share in re.findall(r"^peer \d.* (\d+) %", text, re.M)]
    return len(shares) == 4 and all(30 <= share <= 80 for share in shares)


def record(program):
    ports = free_ports(5)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        (folder / "bin").mkdir()
        (folder / "bin/millrace").symlink_to(program)
        with open(folder / "image.qcow2", "wb") as file:
            for _ in range(256):
                file.write(os.urandom(1 << 20))
        owner, peer, others = Terminal(folder, "owner"), Terminal(folder, "peer"), []
        try:
            owner.type("# on the machine that has the file")
            owner.type(f"millrace owner {ports[0]} image.qcow2 --peers 4 --rate-limit 40MB -q --progress bar")
            owner.wait("waiting for peers")
            for port in ports[1:4]:
                command = [program, "peer", str(ports[0]), str(port), "-q"]
                others.append(subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL))
            peer.type("# on each machine that wants it")
            peer.type(f"millrace peer {ports[0]} {ports[4]} --log-file events.log")
            owner.wait_until(is_half_way, "that all are half-way")
            lines = owner.screen()
            peer.type(f"cmp image.qcow2 peer-{ports[4]}/image.qcow2 && echo identical")
            peer.wait(r"\nidentical")
            lines += [""] + [line for line in peer.screen() if line.strip() != "$"]
        finally:
            for other in others:
                other.wait(LIMIT_SECONDS)
            for terminal in (owner, peer):
                terminal.tmux("kill-server")
    text = "\n".join(lines)
    # The ports that the reader knows from the README, whatever is free here.
    for index, port in enumerate(ports):
        text = re.sub(rf"\b{port}\b", f"{9000 + index}", text)
    return text.split("\n")


def spans(line):
    """Pieces of a line with the class of their colour."""
    colour, bold = None, False
    for code, text in re.findall(r"(?:\x1b\[([\d;]*)m)?([^\x1b]*)", line):
        for one in [int(part or 0) for part in code.split(";")] if code else []:
            if one == 0:
                colour, bold = None, False
            elif one == 1:
                bold = True
            elif 30 <= one <= 37:
                colour = one - 30
            elif 90 <= one <= 97:
                colour = one - 90
            elif one == 39:
                colour = None
        if text:
            classes = ([f"c{colour}"] if colour is not None else []) + (["b"] if bold else [])
            yield text, " ".join(classes)


def picture(lines):
    width, height = COLUMNS * CELL_WIDTH + 2 * MARGIN, len(lines) * CELL_HEIGHT + 2 * MARGIN
    style = "".join(f".c{index}{{fill:{colour}}}" for index, colour in enumerate(LIGHT))
    dark = "".join(f".c{index}{{fill:{colour}}}" for index, colour in enumerate(DARK))
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
           ' aria-label="Two terminals: an owner of Millrace with a bar for each of four peers, and one of the peers at its end">',
           "<style>text{font:14px ui-monospace,Menlo,Consolas,monospace;fill:#24292f;white-space:pre}.b{font-weight:bold}"
           f".back{{fill:#f6f8fa;stroke:#d0d7de}}{style}@media(prefers-color-scheme:dark){{text{{fill:#c9d1d9}}"
           f".back{{fill:#161b22;stroke:#30363d}}{dark}}}</style>",
           f'<rect class="back" x=".5" y=".5" width="{width - 1:.0f}" height="{height - 1:.0f}" rx="8"/>']
    for row, line in enumerate(lines):
        y = MARGIN + row * CELL_HEIGHT + 13
        parts = "".join(f'<tspan class="{kind}">{html.escape(text)}</tspan>' if kind else html.escape(text)
                        for text, kind in spans(line))
        if parts.strip():
            length = len(re.sub(r"\x1b\[[\d;]*m", "", line).rstrip()) * CELL_WIDTH
            place = f'x="{MARGIN}" y="{y}" textLength="{length:.0f}"'
            out.append(f'<text xml:space="preserve" {place}>{parts.rstrip()}</text>')
    return "\n".join(out + ["</svg>"]) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    pathlib.Path(sys.argv[2]).write_text(picture(record(os.path.realpath(sys.argv[1]))))
