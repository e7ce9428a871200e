#!/usr/bin/env python3
"""Tries the completions of the program in real shells: bash, zsh and fish, those that are installed.

    Scripts/test-completions.py PROGRAM

Leaves with 1 where a shell completes something else than expected, and with 77 where no shell is installed.
"""

import os
import pathlib
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time

LIMIT_SECONDS = 20

# What is typed, and what must be among the words offered.
CASES = [
    ("millrace ", {"owner", "peer", "verify", "demo", "sim", "plan"}),
    ("millrace ow", {"owner"}),
    ("millrace peer --ring", {"--ring-only"}),
    ("millrace peer --io ", {"auto", "uring", "sendfile", "copy"}),
    ("millrace owner --store f", {"flat"}),
    ("millrace peer --log-format js", {"json"}),
    ("millrace owner 9000 ima", {"image.bin"}),
    ("millrace peer 9000 9001 --output ima", {"image.bin"}),
    ("millrace peer 9000 9001 --dir fol", {"folder"}),
    ("millrace verify ima", {"image.bin"}),
]


def run(command, folder, text=""):
    done = subprocess.run(command, cwd=folder, input=text, capture_output=True, text=True, timeout=LIMIT_SECONDS)
    return done.stdout + done.stderr


def words(text):
    return {word.rstrip("/") for word in text.split()}


def bash(script, folder):
    harness = folder / "harness.bash"
    harness.write_text(f"""
source {script}
try() {{
    COMP_LINE=$1 COMP_POINT=${{#1}} COMP_TYPE=9 COMPREPLY=()
    read -ra COMP_WORDS <<<"$1"
    [[ $1 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
    local name
    name=$(complete -p millrace | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
    "$name" millrace "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD - 1]}}"
    printf '%s\\n' "${{COMPREPLY[@]}}"
}}
try "$1"
""")
    for typed, wanted in CASES:
        yield typed, wanted, words(run(["bash", "--norc", str(harness), typed], folder))


def fish(script, folder):
    for typed, wanted in CASES:
        code = f"source {script}; complete -C '{typed}'"
        lines = run(["fish", "--no-config", "-c", code], folder).splitlines()
        yield typed, wanted, words(" ".join(line.split("\t")[0] for line in lines))


def zsh(script, folder):
    """A terminal with an interactive zsh: a line is typed, Tab pressed, and a key of our own prints what was offered."""
    (folder / ".zshrc").write_text(f"""
PS1='> '
fpath=({script.parent} $fpath)
autoload -Uz compinit && compinit -u -d {folder}/dump
zstyle ':completion:*' list-prompt ''
setopt no_beep
offer() {{ compadd() {{
    local -a found
    builtin compadd -O found "$@" 2>/dev/null
    offered+=($found)
    builtin compadd "$@"
}}; _main_complete; unfunction compadd }}
zle -C offer complete-word offer
tell() {{ offered=(); zle offer; print -r -- "OFFERED ${{offered[*]}} LINE $BUFFER END" }}
zle -N tell
bindkey '^T' tell
print READY
""")
    for typed, wanted in CASES:
        yield typed, wanted, words(zsh_terminal(folder, typed))


def zsh_terminal(folder, typed):
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-i"], {**os.environ, "ZDOTDIR": str(folder), "TERM": "dumb", "COLUMNS": "200"})
    try:
        expect(terminal, "READY", "> ")
        os.write(terminal, typed.encode() + b"\x14")
        return expect(terminal, " END").partition("OFFERED")[2].replace(" LINE ", " ")
    finally:
        os.kill(child, 9)
        os.close(terminal)
        os.waitpid(child, 0)


def expect(terminal, *marks):
    """What the terminal says until the marks have come, one after the other."""
    text, deadline = "", time.monotonic() + LIMIT_SECONDS
    while not re.search(".*".join(map(re.escape, marks)), text, re.S):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([terminal], [], [], left)[0]:
            return text
        try:
            text += os.read(terminal, 4096).decode(errors="replace")
        except OSError:
            return text
    return text


def main(program):
    faults, shells = 0, 0
    for name, trial in (("bash", bash), ("zsh", zsh), ("fish", fish)):
        if not shutil.which(name):
            print(f"{name}: not installed, not tried")
            continue
        shells += 1
        with tempfile.TemporaryDirectory() as place:
            folder = pathlib.Path(place)
            scripts = folder / "scripts"
            scripts.mkdir()
            script = scripts / "_millrace"
            made = subprocess.run([program, "--generate-completion-script", name], capture_output=True, timeout=20)
            script.write_bytes(made.stdout)
            (folder / "image.bin").write_text("x")
            (folder / "folder").mkdir()
            good = 0
            for typed, wanted, found in trial(script, folder):
                if wanted <= found:
                    good += 1
                else:
                    faults += 1
                    print(f"{name}: '{typed}' offers {sorted(found)[:12]}, without {sorted(wanted - found)}")
            print(f"{name}: {good} of {len(CASES)} completions are right")
    return 1 if faults else 0 if shells else 77


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(str(pathlib.Path(sys.argv[1]).resolve())))
