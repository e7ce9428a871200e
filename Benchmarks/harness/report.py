"""Text tables, JSON files, and bar charts as SVG."""

import html
import json

# Told apart by eyes that do not see all colours, and on white as on black (Okabe and Ito, a little darkened).
PALETTE = ["#0082c8", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#8070c0", "#808890"]
# Files on the web are seen in the reader's own scheme; the background is theirs.
STYLE = ("<style>text{fill:#24292f}line{stroke:#24292f}@media(prefers-color-scheme:dark)"
         "{text{fill:#e6edf3}line{stroke:#e6edf3}}</style>")


def table(headings, rows):
    """Columns as wide as their widest cell, numbers to the right."""
    cells = [headings] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headings))]
    is_text = [all(not row[column][:1].isdigit() for row in cells[1:]) for column in range(len(headings))]
    lines = []
    for row in cells:
        lines.append("  ".join(cell.ljust(width) if text else cell.rjust(width)
                               for cell, width, text in zip(row, widths, is_text)).rstrip())
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)


def number(value, digits=2, absent="-"):
    return absent if value is None else f"{value:.{digits}f}"


def write_json(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def write_bar_chart(path, title, unit, groups, series, baseline=None):
    """Writes grouped horizontal bars.

    groups: [(label, {series name: value or None})]; None is drawn as "not finished".
    baseline: a value to mark with a line, such as the bound.
    """
    bar, gap, left, width, top, right = 16, 14, 130, 460, 64, 90
    values = [value for _, bars in groups for value in bars.values() if value is not None]
    largest = max(values + [baseline or 0, 1e-9]) * 1.02
    shown = {label: [name for name in series if name in bars] for label, bars in groups}
    height = top + sum(len(names) * bar + gap for names in shown.values()) + 30
    colour = {name: PALETTE[index % len(PALETTE)] for index, name in enumerate(series)}

    def text(x, y, words, extra=""):
        return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{html.escape(words)}</text>'

    def position(value):
        return left + width * value / largest

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + right} {height}" '
        f'font-family="sans-serif" font-size="12" role="img" aria-label="{html.escape(title)}">',
        STYLE,
        text(12, 22, title, 'font-size="15" font-weight="bold"'),
    ]
    x = 12.0
    for name in series:
        parts.append(f'<rect x="{x:.1f}" y="34" width="10" height="10" fill="{colour[name]}"/>')
        parts.append(text(x + 14, 43, name))
        x += 30 + 7 * len(name)
    y = top
    for label, bars in groups:
        names = shown[label]
        parts.append(text(left - 8, y + len(names) * bar / 2 + 4, label, 'text-anchor="end"'))
        for name in names:
            value = bars[name]
            if value is None:
                parts.append(text(left + 4, y + 12, "not finished", 'font-style="italic"'))
            else:
                parts.append(f'<rect x="{left}" y="{y + 2}" width="{position(value) - left:.1f}" '
                             f'height="{bar - 4}" fill="{colour[name]}"/>')
                parts.append(text(position(value) + 4, y + 12, f"{value:.2f}"))
            y += bar
        y += gap
    if baseline is not None:
        parts.append(f'<line x1="{position(baseline):.1f}" x2="{position(baseline):.1f}" y1="{top - 6}" '
                     f'y2="{y}" stroke-dasharray="3 3"/>')
    parts.append(text(left, y + 14, unit))
    parts.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(parts) + "\n")
