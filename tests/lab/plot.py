# SPDX-License-Identifier: LGPL-2.1-or-later
"""The measured rows as an SVG: a panel for each disk, a line of marks for each program, as
shares of its cold launch. Readable on light and dark ground, no fonts, no scripts.
"""
from xml.sax.saxutils import escape

# Colours of Okabe and Ito (2008), which those who cannot tell red from green still can.
MARKS = (
    ("huge", "read_ahead_kb = 4096", "#999999"),
    ("whole", "whole files before (vmtouch)", "#cc79a7"),
    ("together", "elfcast, started together", "#e69f00"),
    ("before", "elfcast, before the launch", "#009e73"),
    ("warm", "warm (all cached)", "#0072b2"),
)
WIDTH, LEFT, RIGHT = 860, 110, 90
ROW, PANEL_TOP, PANEL_GAP = 22, 30, 26
MOST = 1.25  # of cold: what is beyond is drawn at the edge


def x_of(share):
    return LEFT + min(share, MOST) / MOST * (WIDTH - LEFT - RIGHT)


def text(x, y, what, anchor="start", size=12, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
            f' font-weight="{weight}">{escape(what)}</text>')


def mark(x, y, colour, title):
    return (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{colour}"><title>{escape(title)}'
            "</title></circle>")


def draw_row(row, y, out):
    cold = row["modes"]["cold"]["ms"]
    out.append(text(LEFT - 8, y + 4, row["program"], "end"))
    out.append(f'<line x1="{LEFT}" y1="{y}" x2="{x_of(1):.1f}" y2="{y}" class="bar"/>')
    out.append(text(WIDTH - RIGHT + 8, y + 4, f"{cold:.0f} ms cold", size=11))
    if row["limit_ms"]:
        x = x_of(row["limit_ms"] / cold)
        out.append(f'<line x1="{x:.1f}" y1="{y - 8}" x2="{x:.1f}" y2="{y + 8}" class="limit">'
                   f'<title>limit {row["limit_ms"]:.1f} ms</title></line>')
    for mode, label, colour in MARKS:
        if mode in row["modes"]:
            ms = row["modes"][mode]["ms"]
            out.append(mark(x_of(ms / cold), y, colour, f"{row['program']}, {label}: {ms:.1f} ms"))


def draw_panel(title, rows, top, out):
    bottom = top + PANEL_TOP + len(rows) * ROW
    out.append(text(LEFT, top + 14, title, size=13, weight="bold"))
    for percent in (0, 25, 50, 75, 100):
        x = x_of(percent / 100)
        out.append(f'<line x1="{x:.1f}" y1="{top + PANEL_TOP - 8}" x2="{x:.1f}" y2="{bottom - 6}"'
                   ' class="grid"/>')
        out.append(text(x, bottom + 8, f"{percent} %", "middle", 10))
    for i, row in enumerate(rows):
        draw_row(row, top + PANEL_TOP + i * ROW + 4, out)
    return bottom + PANEL_GAP


def draw_legend(top, out):
    x = 14
    for i, (_, label, colour) in enumerate(MARKS):
        out.append(mark(x + 5, top + 18 * (i // 3), colour, label))
        out.append(text(x + 15, top + 4 + 18 * (i // 3), label, size=11))
        x = 14 if i == 2 else x + 270
    out.append(f'<line x1="{x + 5}" y1="{top + 10}" x2="{x + 5}" y2="{top + 26}" class="limit"/>')
    out.append(text(x + 15, top + 22, "limit: no reader is faster", size=11))


STYLE = """<style>
svg { font-family: sans-serif; color-scheme: light dark; background: #fff; }
text { fill: #222; } .grid { stroke: #ddd; } .bar { stroke: #bbb; stroke-width: 2; }
.limit { stroke: #d55e00; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
svg { background: #0d1117; } text { fill: #ddd; } .grid { stroke: #333; } .bar { stroke: #555; }
}
</style>"""


def render(run, groups):
    """GROUPS: {(kind, storage): rows of results.py}"""
    out = [text(14, 22, "Launch time as a share of the cold launch", size=15, weight="bold"),
           text(WIDTH - 14, 22, f"{run.get('date', '')}, {run.get('kernel', '')}", "end", 11)]
    draw_legend(44, out)
    top = 84
    for (kind, storage), rows in groups.items():
        rows = [r for r in rows if "cold" in r["modes"]]
        if storage != "ram" and rows:
            top = draw_panel(f"{kind} on {storage}", rows, top, out)
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}"'
                      f' width="{WIDTH}" height="{top}">', STYLE] + out + ["</svg>"]) + "\n"
