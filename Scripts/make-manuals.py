#!/usr/bin/env python3
"""Makes the man pages and Documentation/options.md from what the program says of its own options.

    Scripts/make-manuals.py PROGRAM --man FOLDER     millrace.1 and one page for each subcommand
    Scripts/make-manuals.py PROGRAM --options        writes Documentation/options.md
    Scripts/make-manuals.py PROGRAM --check          writes nothing; leaves with 1 where options.md is not up to date,
                                                     or a man page lacks an option of --help
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.dont_write_bytecode = True

from manual_texts import EXAMPLES, FILES, PAGES

ROOT = pathlib.Path(__file__).resolve().parent.parent
OPTIONS = ROOT / "Documentation/options.md"
EXIT_CODES = ROOT / "Documentation/exit-codes.md"


def say(program, *words):
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=30, check=True).stdout


class Command:
    def __init__(self, dump):
        self.name, self.abstract = dump["commandName"], dump["abstract"]
        shown = [one for one in dump.get("arguments", []) if one.get("shouldDisplay")]
        self.positionals = [one for one in shown if one["kind"] == "positional"]
        self.options = [one for one in shown if one["kind"] != "positional"]


def commands(program):
    root = json.loads(say(program, "--experimental-dump-help"))["command"]
    parts = [Command(one) for one in root["subcommands"] if one["commandName"] != "help"]
    return Command(root), parts


def spellings(option):
    """`-q`, `--dir`: the names by which an option goes, short ones first."""
    marks = {"short": "-", "long": "--", "longWithSingleDash": "-"}
    names = [marks[name["kind"]] + name["name"] for name in option["names"] if name["kind"] != "longWithSingleDash"]
    return sorted(names, key=len)


def value_of(option):
    """What goes behind an option; None for a flag. Values to choose from are named."""
    if option["kind"] == "flag":
        return None
    return "|".join(option["allValues"]) if 0 < len(option.get("allValues", [])) <= 4 else option["valueName"]


def default_of(option):
    """The default as people write it; None where there is none, or where the text names it."""
    value = option.get("defaultValue")
    if value is None or option["kind"] == "flag" or "default:" in option.get("abstract", ""):
        return None
    return re.sub(r"\.0$", "", value)


def choices_of(option):
    values = option.get("allValues", [])
    return values if len(values) > 4 else []


def sentence(text):
    return text if text.endswith((".", ")")) else text + "."


# Man pages ----------------------------------------------------------------------------------------------------------

def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)


def synopsis(program_name, command):
    words = [f".B {roff(program_name)}"]
    for one in command.positionals:
        name = f"\\fI{one['valueName'].upper()}\\fR"
        words.append(f"[{name}]" if one["isOptional"] else name)
    words.append("[\\fIOPTIONS\\fR]")
    return "\n".join(words)


def man_entry(one):
    if one["kind"] == "positional":
        head = f"\\fI{one['valueName'].upper()}\\fR"
    else:
        head = ", ".join(f"\\fB{roff(name)}\\fR" for name in spellings(one))
        if value := value_of(one):
            head += f" \\fI{roff(value)}\\fR"
    text = sentence(one.get("abstract", ""))
    if values := choices_of(one):
        text += " One of: " + ", ".join(values) + "."
    if default := default_of(one):
        text += f" Default: {default}."
    return f".TP\n{head}\n{roff(text)}"


def exit_codes():
    """Code and meaning from the table of exit-codes.md."""
    rows = re.findall(r"(?m)^\| (\d+) \| [^|]* \| ([^|]+) \|", EXIT_CODES.read_text())
    return [(code, re.sub(r"[`*]", "", meaning).strip()) for code, meaning in rows]


def date():
    """The day the pages are made for; the same every time where SOURCE_DATE_EPOCH says so."""
    seconds = int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def man_page(command, version, others):
    is_root = command.name == "millrace"
    name = "millrace" if is_root else f"millrace-{command.name}"
    spoken = "millrace" if is_root else f"millrace {command.name}"
    lines = [f'.TH {name.upper()} 1 "{date()}" "millrace {version}" "User Commands"', ".SH NAME",
             f"{roff(name)} \\- {roff(command.abstract.rstrip('.')[0].lower() + command.abstract.rstrip('.')[1:])}",
             ".SH SYNOPSIS"]
    if is_root:
        lines += [f".B millrace {one.name}\n\\&...\n.br" for one in others] + [".B millrace \\-\\-version"]
    else:
        lines += [synopsis(spoken, command)]
    lines += [".SH DESCRIPTION", "\n.PP\n".join(roff(part) for part in PAGES[command.name])]
    if is_root:
        lines += [".SH COMMANDS"]
        lines += [f".TP\n\\fBmillrace\\-{one.name}\\fR(1)\n{roff(sentence(one.abstract))}" for one in others]
    if command.positionals:
        lines += [".SH ARGUMENTS"] + [man_entry(one) for one in command.positionals]
    if command.options:
        lines += [".SH OPTIONS"] + [man_entry(one) for one in command.options]
    lines += [".SH EXIT STATUS"] + [f".TP\n.B {code}\n{roff(sentence(text))}" for code, text in exit_codes()]
    if command.name in FILES:
        lines += [".SH FILES"] + [f".TP\n.I {roff(path)}\n{roff(text)}" for path, text in FILES[command.name]]
    if command.name in EXAMPLES:
        lines += [".SH EXAMPLES"]
        lines += ["\n.PP\n".join(f"{roff(text)}\n.PP\n.RS\n.nf\n{roff(line)}\n.fi\n.RE"
                                 for text, line in EXAMPLES[command.name])]
    related = [one.name for one in others if one.name != command.name]
    see = [] if is_root else ["\\fBmillrace\\fR(1)"]
    see += [f"\\fBmillrace\\-{one}\\fR(1)" for one in related]
    return name, "\n".join(lines + [".SH SEE ALSO", ",\n".join(see)]) + "\n"


def man_pages(program):
    root, parts = commands(program)
    version = re.search(r"millrace ([\d.]+)", say(program, "--version")).group(1)
    return dict(man_page(one, version, parts) for one in [root, *parts])


# options.md ---------------------------------------------------------------------------------------------------------

def row(one):
    if one["kind"] == "positional":
        head = f"`{one['valueName'].upper()}`" + (" (may be left out)" if one["isOptional"] else "")
    else:
        head = ", ".join(f"`{name}`" for name in spellings(one))
        if value := value_of(one):
            head += " `" + value.replace("|", "\\|") + "`"
    text = one.get("abstract", "").replace("|", "\\|")
    if values := choices_of(one):
        text = sentence(text) + " One of: " + ", ".join(f"`{value}`" for value in values) + "."
    return f"| {head} | {text} | {default_of(one) or ''} |"


def options_document(program):
    _, parts = commands(program)
    lines = ["# Every option", "",
             "Made by `Scripts/make-manuals.py PROGRAM --options` from the program itself: do not edit. Man pages and",
             "completions come from the same place. A number of bytes may have a unit: `100KB`, `1MiB`, `4k` (1,024 each).",
             ""]
    for command in parts:
        lines += [f"## millrace {command.name}", "", command.abstract, "", "| option | what it does | default |",
                  "|---|---|---|"]
        lines += [row(one) for one in command.positionals + command.options] + [""]
    return "\n".join(lines).rstrip("\n") + "\n"


# The check ----------------------------------------------------------------------------------------------------------

def plain(page):
    """A man page's words without its marks."""
    return re.sub(r"\\f[A-Z]|\\&", "", page).replace("\\-", "-")


def faults(program):
    if OPTIONS.read_text() != options_document(program):
        yield "Documentation/options.md is not what the program says: run Scripts/make-manuals.py PROGRAM --options"
    pages = man_pages(program)
    _, parts = commands(program)
    for command in parts:
        help_text = say(program, command.name, "--help")
        lists = re.sub(r"(?s)^.*?(?=ARGUMENTS:|OPTIONS:)", "", help_text)
        # The heads of entries alone, here and in the page: sentences name options too.
        entries = " ".join(re.findall(r"(?m)^  (-.*?)(?:  |$)", lists))
        wanted = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", entries))
        heads = " ".join(re.findall(r"(?m)^\.TP\n(.*)$", plain(pages[f"millrace-{command.name}"])))
        for name in sorted(wanted - set(re.findall(r"--?[a-z][a-z-]*", heads))):
            yield f"millrace-{command.name}(1) lacks {name} of --help"
    yield from exit_code_faults()


def exit_code_faults():
    """Every exit code of the source is in exit-codes.md, and the other way round."""
    source = (ROOT / "Sources/MillraceNode/NodeFailure.swift").read_text()
    enumeration = re.search(r"enum ExitCode.*?\n\}", source, re.S).group(0)
    in_source = {int(code) for code in re.findall(r"case \w+ = (\d+)", enumeration)}
    documented = {int(code) for code, _ in exit_codes()}
    if in_source != documented:
        yield f"exit-codes.md and ExitCode differ in {sorted(in_source ^ documented)}"


def main(words):
    match words:
        case [program, "--man", folder]:
            for name, page in man_pages(program).items():
                (pathlib.Path(folder) / f"{name}.1").write_text(page)
        case [program, "--options"]:
            OPTIONS.write_text(options_document(program))
        case [program, "--check"]:
            found = list(faults(program))
            print("\n".join(found) if found else "manuals, options.md and exit codes match the program")
            return 1 if found else 0
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
