#!/usr/bin/env python3
"""Makes a picture of a terminal in which Millrace runs, as an SVG for light and dark pages; needs tmux.

    Scripts/record-demo.py PROGRAM PICTURE.svg

A real terminal is recorded: an owner and three peers on this machine, the last one in front. What it says is read from
tmux, colours included.
"""

import html
import os
import pathlib
import random
import re
import socket
import subprocess
import sys
import tempfile
import time

COLUMNS, ROWS, LIMIT_SECONDS = 104, 26, 60
CELL_WIDTH, CELL_HEIGHT, MARGIN = 8.4, 18, 14

# Classes of the eight colours; the two schemes are those of common terminals.
LIGHT = ["#24292f", "#cf222e", "#116329", "#7d4e00", "#0550ae", "#8250df", "#1b7c83", "#57606a"]
DARK = ["#c9d1d9", "#ff7b72", "#7ee787", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#8b949e"]


class Terminal:
    """A tmux server of its own with one pane."""

    def __init__(self, folder):
        self.name = f"millrace-{os.getpid()}"
        self.tmux("new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), "-c", str(folder),
                  "env", "PS1=$ ", "TERM=tmux-256color", "bash", "--norc")

    def tmux(self, *words):
        command = ["tmux", "-L", self.name, "-f", "/dev/null", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout

    def screen(self):
        return self.tmux("capture-pane", "-p", "-e").rstrip("\n").split("\n")

    def type(self, line):
        self.wait(r"(^|\n)\$ *$")
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def wait(self, pattern):
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            if re.search(pattern, re.sub(r"\x1b\[[\d;]*m", "", "\n".join(self.screen())), re.S):
                return
            time.sleep(0.05)
        sys.exit(f"the terminal never said {pattern}:\n" + "\n".join(self.screen()))


def free_ports(count):
    ports = []
    while len(ports) < count:
        port = random.randrange(11000, 32000)
        with socket.socket() as one:
            if port not in ports and one.connect_ex(("127.0.0.1", port)) != 0:
                ports.append(port)
    return ports


def record(program):
    owner, first, second, third = free_ports(4)
    with tempfile.TemporaryDirectory() as place:
        folder = pathlib.Path(place)
        (folder / "bin").mkdir()
        (folder / "bin/millrace").symlink_to(program)
        with open(folder / "image.qcow2", "wb") as file:
            for _ in range(64):
                file.write(os.urandom(1 << 20))
        # The ports that the reader knows from the README, whatever is free here.
        names = {owner: "9000", first: "9001", second: "9002", third: "9003"}
        terminal = Terminal(folder)
        try:
            terminal.type(f"PATH={folder}/bin:$PATH; set +m; clear")
            terminal.wait(r"^\$ *$")
            terminal.type(f"millrace owner {owner} image.qcow2 --peers 3 -q >owner.log 2>&1 &")
            for port in (first, second):
                terminal.type(f"millrace peer {owner} {port} -q >peer-{port}.log 2>&1 &")
            terminal.type(f"millrace peer {owner} {third} | (head -4; echo ...; tail -4)")
            terminal.wait(r"\.\.\..*\n\$ *$")
            terminal.type(f"wait; cmp image.qcow2 peer-{third}/image.qcow2 && echo identical")
            terminal.wait(r"\nidentical")
            lines = terminal.screen()
        finally:
            terminal.tmux("kill-server")
    text = "\n".join(lines)
    for port, name in names.items():
        text = re.sub(rf"\b{port}\b", name, text)
    return [line for line in text.split("\n") if not re.match(r"\[\d+\] \d+$", line)]


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
           ' aria-label="A terminal: an owner and three peers of Millrace share a file">',
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
