# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""The ratios of a run as an SVG picture, by hand: a bar from 1 to the median on a logarithmic axis, a whisker from min
to max, and marks for gate and aim. To the right is better: what is a time is turned over."""
import math
from html import escape

WIDTH, LEFT, RIGHT, TOP, ROW, GAP, BOTTOM = 960, 250, 90, 92, 20, 10, 46
COLOURS = {"tc": "#2f6db3", "xdp": "#c8602a", "raw": "#9a9a9a", "kernel": "#9a9a9a"}
INK, FAINT, GATE, AIM = "#222222", "#dddddd", "#b00020", "#1b7f3b"
FONT = 'font-family="sans-serif"'


class Picture:
    def __init__(self, low, high, height):
        self.low, self.high, self.height, self.parts = math.log2(low), math.log2(high), height, []

    def x(self, ratio):
        part = (math.log2(ratio) - self.low) / (self.high - self.low)
        return LEFT + min(max(part, 0), 1) * (WIDTH - LEFT - RIGHT)

    def line(self, x1, y1, x2, y2, colour, width=1.0, dash=""):
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
                          f'stroke-width="{width}"{dashed}/>')

    def text(self, x, y, words, anchor="start", size=12, colour=INK, bold=False):
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {FONT} font-size="{size}" fill="{colour}" '
                          f'text-anchor="{anchor}"{weight}>{escape(words)}</text>')

    def bar(self, x1, x2, y, height, colour):
        self.parts.append(f'<rect x="{min(x1, x2):.1f}" y="{y:.1f}" width="{max(abs(x2 - x1), 1):.1f}" '
                          f'height="{height}" fill="{colour}"/>')

    def done(self):
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
                f'viewBox="0 0 {WIDTH} {self.height}">\n<rect width="{WIDTH}" height="{self.height}" fill="#ffffff"/>')
        return "\n".join([head, *self.parts, "</svg>"]) + "\n"


def better_to_the_right(row, value):
    return 1 / value if row["lower_is_better"] else value


def values_of(row):
    """median, min, max, gate and aim, turned over where lower is better."""
    ratio = row["ratio"]
    turned = sorted(better_to_the_right(row, ratio[name]) for name in ("min", "max"))
    marks = [better_to_the_right(row, row[name]) if row[name] else None for name in ("gate", "aim")]
    return better_to_the_right(row, ratio["median"]), *turned, *marks


def colour_of(row):
    return COLOURS[row["way"].split("-")[0]]


def draw_row(picture, row, y):
    median, low, high, gate, aim = values_of(row)
    middle = y + ROW / 2
    metric = "" if row["metric"] == "rate" else f" {row['metric']}"
    picture.text(LEFT - 10, middle + 4, f"{row['way']}{metric} : {row['base'].removesuffix(metric)}", "end")
    picture.bar(picture.x(1), picture.x(median), y + 4, ROW - 8, colour_of(row))
    picture.line(picture.x(low), middle, picture.x(high), middle, INK, 1.4)
    for end in (low, high):
        picture.line(picture.x(end), middle - 4, picture.x(end), middle + 4, INK, 1.4)
    for value, colour, dash in ((gate, GATE, ""), (aim, AIM, "3 2")):
        if value:
            picture.line(picture.x(value), y, picture.x(value), y + ROW, colour, 2.5, dash)
    picture.text(WIDTH - RIGHT + 12, middle + 4, f"{row['ratio']['median']:.2f}")


def draw_axis(picture, height):
    step = math.ceil(picture.low)
    while step <= picture.high:
        x = picture.x(2 ** step)
        picture.line(x, TOP - 6, x, height - BOTTOM + 4, INK if step == 0 else FAINT, 1.4 if step == 0 else 1)
        picture.text(x, height - BOTTOM + 20, f"{2 ** step:g}", "middle")
        step += 1
    words = "median of the rounds' ratios, logarithmic; right is better, times are turned over"
    picture.text((LEFT + WIDTH - RIGHT) / 2, height - 8, words, "middle", 11)


def draw_head(picture, result):
    about = result["machine"]
    picture.text(16, 26, "weft beside the kernel's bridge and vxlan", size=17, bold=True)
    picture.text(16, 46, f"{about['cpus']} CPUs ({about['cpu']}), Linux {about['kernel']}; {result['rounds']} rounds")
    x = 16
    for name, what in (("tc", "weft, TC"), ("xdp", "weft, XDP"), ("raw", "no overlay")):
        picture.bar(x, x + 14, 58, 12, COLOURS[name])
        picture.text(x + 20, 69, what)
        x += 110
    for colour, what, dash in ((GATE, "gate", ""), (AIM, "aim", "3 2"), (INK, "min to max", None)):
        if dash is None:
            picture.line(x, 64, x + 14, 64, colour, 1.4)
        else:
            picture.line(x + 7, 56, x + 7, 72, colour, 2.5, dash)
        picture.text(x + 20, 69, what)
        x += 80


def draw(result):
    rows = [row for row in result["rows"] if "ratio" in row]
    numbers = [value for row in rows for value in values_of(row) if value] or [1]
    names = list(dict.fromkeys(row["workload"] for row in rows))
    height = TOP + len(rows) * ROW + len(names) * GAP + BOTTOM
    picture = Picture(min(*numbers, 0.5) / 1.1, max(*numbers, 2) * 1.1, height)
    draw_head(picture, result)
    draw_axis(picture, height)
    y, last = TOP, None
    for row in rows:
        if row["workload"] != last:
            last = row["workload"]
            y += GAP
            picture.text(16, y + ROW / 2 + 4, last, bold=True)
        draw_row(picture, row, y)
        y += ROW
    return picture.done()


def write(path, result):
    with open(path, "w", encoding="utf-8") as file:
        file.write(draw(result))
