"""Draws ``rooms.svg``: the rooms of ``parity/`` in the order of the import contract, with arrows.

``python docs/rooms.py`` writes the picture; a test compares it with the code. Rows are the layers
of the first contract in ``pyproject.toml``; arrows are imports that happen at run time, without
those that a longer way implies.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PICTURE = Path(__file__).with_name("rooms.svg")
Spot = tuple[float, float, str]  # centre x and y, colour

WIDE, HIGH, GAP, STEP, MARGIN = 118, 30, 26, 78, 24
COLOURS = ("#4878a8", "#d07830", "#489858", "#a05898", "#b04848", "#707070", "#208888", "#888020")


def rows() -> list[list[str]]:
    """The rooms, layer by layer, the highest first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = contracts["contracts"][0]["layers"]
    return [layer.replace("|", " ").replace(":", " ").split() for layer in layers]


def uses() -> dict[str, set[str]]:
    """For each room the rooms that it imports, type checking left out."""
    graph = grimp.build_graph("parity", exclude_type_checking_imports=True)
    found: dict[str, set[str]] = {room: set() for row in rows() for room in row}
    for module in graph.modules:
        room = _room(module)
        for other in map(_room, graph.find_modules_directly_imported_by(module)):
            if room in found and other in found and other != room:
                found[room].add(other)
    return found


def shortest(arrows: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same without each arrow that a longer way implies (the transitive reduction)."""
    return {
        room: {
            other
            for other in others
            if not any(other in _below(arrows, between) for between in others - {other})
        }
        for room, others in arrows.items()
    }


def picture() -> str:
    """The picture as SVG."""
    order = [row for row in rows() if row != ["__main__"]]
    arrows = shortest(uses())
    width = max(map(len, order)) * (WIDE + GAP) - GAP + 2 * MARGIN
    height = len(order) * STEP + 2 * MARGIN - (STEP - HIGH)
    centre = {}
    for down, row in enumerate(order):
        left = (width - (len(row) * (WIDE + GAP) - GAP)) / 2
        for along, room in enumerate(row):
            x = left + along * (WIDE + GAP) + WIDE / 2
            centre[room] = (x, MARGIN + down * STEP + HIGH / 2, COLOURS[down % len(COLOURS)])
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    lines += [
        _arrow(centre[room], centre[other])
        for room, others in arrows.items()
        for other in sorted(others)
        if room in centre and other in centre
    ]
    for room, (x, y, colour) in centre.items():
        lines.append(
            f'<rect x="{x - WIDE / 2:.1f}" y="{y - HIGH / 2:.1f}" width="{WIDE}" height="{HIGH}" '
            f'rx="6" fill="#ffffff" stroke="{colour}" stroke-width="2"/>'
        )
        lines.append(
            f'<text x="{x:.1f}" y="{y + 4.5:.1f}" text-anchor="middle" fill="#202020">{room}</text>'
        )
    return "\n".join([*lines, "</svg>", ""])


def _arrow(start: Spot, end: Spot) -> str:
    """From the lower edge of one room to the upper edge of another; beside it, under the row."""
    (x, y, colour), (to_x, to_y, _) = start, end
    beside = y == to_y
    y += HIGH / 2
    to_y += HIGH / 2 if beside else -HIGH / 2
    bend = STEP - HIGH if beside else (to_y - y) / 2
    back = bend if beside else -bend
    knots = f"{x:.1f},{y + bend:.1f} {to_x:.1f},{to_y + back:.1f} {to_x:.1f},{to_y:.1f}"
    curve = f"M{x:.1f},{y:.1f} C{knots}"
    wings = to_y + (7 if beside else -7)
    head = f"M{to_x - 4:.1f},{wings:.1f} L{to_x:.1f},{to_y:.1f} L{to_x + 4:.1f},{wings:.1f}"
    return f'<path d="{curve} {head}" fill="none" stroke="{colour}" stroke-opacity="0.6"/>'


def _below(arrows: dict[str, set[str]], room: str) -> set[str]:
    found: set[str] = set()
    waiting = [room]
    while waiting:
        for other in arrows[waiting.pop()] - found:
            found.add(other)
            waiting.append(other)
    return found


def _room(module: str) -> str:
    return module.split(".")[1] if "." in module else module


if __name__ == "__main__":
    PICTURE.write_text(picture(), encoding="utf-8")
