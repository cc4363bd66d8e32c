#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
"""Draws the packet walks of docs/bridging.md: draw.py writes n2.svg to n7.svg beside itself, draw.py --check says
whether they are as it would draw them. All six show the same three hosts; the numbers are those of the text."""
import os
import sys
from html import escape

WIDTH, COLUMN, BOX = 960, 237, 212
UNDERLAY, TOP, MIDDLE, BOTTOM, VLAN = 62, 104, 168, 224, 298
INK, FAINT, PAPER, WIRE = "#222222", "#f2f4f7", "#ffffff", "#8a8f98"
COLOURS = {"all": "#c8602a", "one": "#2f6db3", "end": "#b00020"}  # to everybody, to one, dropped
LEGEND = (("all", "to everybody: broadcast, unknown"), ("one", "to one: known unicast, reply"),
          ("end", "ends here, counted"))
LANE = 11  # between arrows that go the same way


def column(name):
    return 12 + COLUMN * "abcs".index(name)


def places(name):
    """Points of a host: its guest, the segment in it, the underlay above, the VLAN below. The server is on the VLAN."""
    x = column(name)
    if name == "s":
        return {"guest": (x + 100, MIDDLE), "vlan": (x + 100, VLAN)}
    return {"guest": (x + 42, MIDDLE), "segment": (x + 158, MIDDLE), "wire": (x + 158, UNDERLAY),
            "vlan": (x + 158, VLAN)}


class Picture:
    def __init__(self, title, vlan):
        self.parts, self.vlan = [], vlan
        self.height = VLAN + 56 if vlan else BOTTOM + 40
        self.text(12, 20, title, size=15, bold=True)
        self.world()

    def add(self, text):
        self.parts.append(text)

    def text(self, x, y, words, size=12, colour=INK, anchor="start", bold=False):
        weight = ' font-weight="bold"' if bold else ""
        self.add(f'<text x="{x}" y="{y}" font-family="sans-serif" font-size="{size}" fill="{colour}" '
                 f'text-anchor="{anchor}"{weight}>{escape(words)}</text>')

    def box(self, x, y, width, height, fill, stroke=WIRE):
        self.add(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{fill}" stroke="{stroke}"/>')

    def line(self, x1, y1, x2, y2, width=1.5):
        self.add(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{WIRE}" stroke-width="{width}"/>')

    def world(self):
        right = column("c") + BOX
        self.line(12, UNDERLAY, right, UNDERLAY, 4)
        self.text(right + 10, UNDERLAY + 4, "underlay: VXLAN 5001, no VLAN tag", size=11, colour=WIRE)
        if self.vlan:
            self.line(12, VLAN, column("s") + BOX, VLAN, 4)
            self.text(column("c") + 60, VLAN + 30, "physical switch: VLAN 100, 802.1Q", size=11, colour=WIRE)
        for name in "abc":
            self.host(name)
        if self.vlan:
            self.server()

    def host(self, name):
        x, has_nic = column(name), self.vlan and name in "ab"
        spot = places(name)
        self.line(spot["wire"][0], UNDERLAY, spot["wire"][0], TOP)
        if has_nic:
            self.line(spot["vlan"][0], BOTTOM, spot["vlan"][0], VLAN)
            self.text(spot["vlan"][0] + 26, BOTTOM + 15, "eth1", size=11, colour=WIRE)
        self.box(x, TOP, BOX, BOTTOM - TOP, FAINT)
        role = {"a": "designated", "b": "standby"}[name] if has_nic else ""
        self.text(x + 8, TOP + 17, f"host-{name}", bold=True)
        self.text(x + 64, TOP + 17, role, size=11, colour=WIRE)
        self.box(spot["guest"][0] - 32, MIDDLE - 22, 64, 44, PAPER)
        self.text(spot["guest"][0], BOTTOM - 12, f"guest-{name}", size=11, anchor="middle")
        self.box(spot["segment"][0] - 46, MIDDLE - 28, 92, 56, PAPER)
        self.text(spot["segment"][0] - 42, MIDDLE + 23, "blue", size=11)

    def server(self):
        x, y = places("s")["guest"]
        self.line(x, MIDDLE + 22, x, VLAN)
        self.box(x - 60, MIDDLE - 22, 120, 44, PAPER)
        self.text(x, MIDDLE - 30, "server on VLAN 100", size=11, anchor="middle")

    def arrow(self, number, kind, stops, lane, badge):
        """A path over (host, place) stops. `lane` keeps it apart from others; `badge` is the leg with the number."""
        points = [tuple(each + lane * LANE for each in places(host)[place]) for host, place in stops]
        colour = COLOURS[kind]
        path = " ".join(f"{x},{y}" for x, y in points)
        self.add(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-linejoin="round" '
                 f'marker-end="url(#{kind})"/>')
        (x1, y1), (x2, y2) = points[badge], points[badge + 1]
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        self.add(f'<circle cx="{x}" cy="{y}" r="8" fill="{colour}"/>')
        self.text(x, y + 4, str(number), size=11, colour=PAPER, anchor="middle", bold=True)

    def legend(self, kinds):
        x = 12
        for kind, words in LEGEND:
            if kind in kinds:
                self.add(f'<rect x="{x}" y="{self.height - 15}" width="14" height="4" fill="{COLOURS[kind]}"/>')
                self.text(x + 20, self.height - 9, words, size=11)
                x += 40 + 6 * len(words)

    @staticmethod
    def mark(kind, shape):
        """What an arrow of this kind ends in."""
        look = f'fill="none" stroke="{COLOURS[kind]}" stroke-width="2"' if kind == "end" else f'fill="{COLOURS[kind]}"'
        return (f'<marker id="{kind}" viewBox="0 0 10 10" refX="{5 if kind == "end" else 8}" refY="5" markerWidth="6" '
                f'markerHeight="6" orient="auto"><path d="{shape}" {look}/></marker>')

    def done(self):
        arrow, cross = "M0,0 L10,5 L0,10 z", "M1,1 L9,9 M1,9 L9,1"
        marks = "".join(self.mark(kind, cross if kind == "end" else arrow) for kind in COLOURS)
        head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{self.height}" '
                f'viewBox="0 0 {WIDTH} {self.height}">\n'
                f'<!-- SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only. Drawn by draw.py. -->\n'
                f'<defs>{marks}</defs>\n<rect width="{WIDTH}" height="{self.height}" fill="{PAPER}"/>')
        return "\n".join([head, *self.parts, "</svg>"]) + "\n"


def stops(text):
    """"a.guest a.segment" as pairs."""
    return [tuple(stop.split(".")) for stop in text.split()]


# Per walk: title, whether the VLAN is in it, and the arrows: number, kind, way, lane, leg of the badge.
WALKS = {
    "n2": ("N2: ARP for a known address is answered on the host", False, (
        (1, "all", "a.guest a.segment", -1, 0),
        (2, "one", "a.segment a.guest", 1, 0))),
    "n3": ("N3: a miss is asked of every host of the VNI", False, (
        (1, "all", "a.guest a.segment", -1, 0),
        (2, "all", "a.segment a.wire b.wire b.segment b.guest", -1, 1),
        (2, "all", "a.segment a.wire c.wire c.segment c.guest", -2, 2),
        (3, "one", "b.guest b.segment b.wire a.wire a.segment a.guest", 1, 1))),
    "n4": ("N4: a broadcast is on the VLAN exactly once", True, (
        (1, "all", "c.guest c.segment", -1, 0),
        (2, "all", "c.segment c.wire b.wire b.segment b.guest", -1, 1),
        (2, "all", "c.segment c.wire a.wire a.segment a.guest", -2, 2),
        (3, "all", "a.segment a.vlan s.vlan s.guest", -1, 0),
        (4, "end", "a.vlan b.vlan b.segment", 1, 1))),
    "n5": ("N5: the server's reply, and what is for it from now on", True, (
        (1, "one", "s.guest s.vlan a.vlan a.segment", -1, 0),
        (2, "one", "a.segment a.wire c.wire c.segment c.guest", -1, 1),
        (3, "one", "c.guest c.segment c.wire a.wire a.segment", 1, 1),
        (4, "one", "a.segment a.vlan s.vlan s.guest", 1, 0))),
    "n6": ("N6: an unknown destination from the VLAN", True, (
        (1, "all", "s.guest s.vlan a.vlan a.segment", -1, 0),
        (2, "all", "a.segment a.guest", -1, 0),
        (2, "all", "a.segment a.wire b.wire b.segment b.guest", -1, 1),
        (2, "all", "a.segment a.wire c.wire c.segment c.guest", -2, 2),
        (3, "end", "s.vlan b.vlan b.segment", 1, 1))),
    "n7": ("N7: the server asks for a guest, which replies", True, (
        (1, "all", "s.guest s.vlan a.vlan a.segment", -1, 0),
        (2, "all", "a.segment a.guest", -1, 0),
        (2, "all", "a.segment a.wire b.wire b.segment b.guest", -1, 1),
        (2, "all", "a.segment a.wire c.wire c.segment c.guest", -2, 2),
        (3, "one", "b.guest b.segment b.wire a.wire a.segment", 1, 1),
        (4, "one", "a.segment a.vlan s.vlan s.guest", 1, 0))),
}


def draw(walk):
    title, vlan, arrows = WALKS[walk]
    picture = Picture(title, vlan)
    for number, kind, way, lane, badge in arrows:
        picture.arrow(number, kind, stops(way), lane, badge)
    picture.legend({kind for _, kind, *_ in arrows})
    return picture.done()


def main():
    here, stale = os.path.dirname(os.path.abspath(__file__)), []
    for walk in WALKS:
        path = f"{here}/{walk}.svg"
        if sys.argv[1:] == ["--check"]:
            with open(path, encoding="utf-8") as file:
                stale += [] if file.read() == draw(walk) else [path]
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(draw(walk))
    if stale:
        print(f"not as draw.py would draw them: {' '.join(stale)}")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
