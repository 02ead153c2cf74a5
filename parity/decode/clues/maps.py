"""Clues for networks that answer with feature maps: CenterNet and EfficientDet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from parity.decode.clues.evidence import Clue, Likelihood, Seen, weigh

PER_CELL = 9  # anchors of an EfficientDet: three scales of three ratios
LEAST_LEVELS = 3


def centernet(seen: Seen) -> Iterator[Likelihood]:
    """A heatmap, a map of sizes and a map of offsets, over the same cells."""
    maps = seen.of_rank(4)
    for axis in (1, 3):
        channels = {name: seen.looks[name].shape[axis] for name in maps}
        cells = {_cells(seen.looks[name].shape, axis) for name in maps}
        twos = [name for name, count in channels.items() if count == 2]
        if len(maps) != 3 or len(cells) != 1 or len(twos) < 2:
            continue
        (cell,) = cells
        heat, sizes, offsets = _parts(seen, maps, twos)
        stride = None if seen.size is None else seen.size[0] / cell[0]
        yield weigh(
            "centernet",
            [
                Clue(True, 0.6, f"three maps of {cell[0]}x{cell[1]} cells, two of 2 channels"),
                Clue(stride == 4, 0.15, "one cell for every 4 pixels"),
                Clue(seen.named("hm", "heat", "center") == heat, 0.1, f"one is called {heat!r}"),
                Clue(channels[heat] == seen.classes, 0.1, f"{heat!r} has a channel for each class"),
            ],
            outputs={"heatmap": heat, "size": sizes, "offset": offsets},
            classes=channels[heat],
            table=_centernet_table(seen, heat, stride),
        )
        return


def efficientdet(seen: Seen) -> Iterator[Likelihood]:
    """For each level a map of classes and a map of boxes, each level half of the one before."""
    maps = seen.of_rank(4)
    if len(maps) != len(seen.heads):
        return
    for axis in (1, 3):
        levels: dict[tuple[int, int], list[str]] = {}
        for name in maps:
            levels.setdefault(_cells(seen.looks[name].shape, axis), []).append(name)
        if len(levels) < LEAST_LEVELS or any(len(names) != 2 for names in levels.values()):
            continue
        widths = [{seen.looks[name].shape[axis] for name in names} for names in levels.values()]
        common = set.intersection(*widths)
        boxes = 4 * PER_CELL
        if boxes not in common:
            continue
        scores = max(common - {boxes}, default=boxes)
        cells = ", ".join(f"{height}x{width}" for height, width in levels)
        yield weigh(
            "efficientdet",
            [
                Clue(True, 0.6, f"two maps for each of {len(levels)} levels: {cells}"),
                Clue(True, 0.2, f"{boxes} channels: 4 for each of {PER_CELL} anchors of a cell"),
                Clue(
                    scores % PER_CELL == 0,
                    0.1,
                    f"{scores} channels, {PER_CELL} times as many as {scores // PER_CELL} classes",
                ),
                Clue(scores == PER_CELL * (seen.classes or 0), 0.1, "that is the suite's number"),
            ],
            classes=scores // PER_CELL if scores % PER_CELL == 0 else None,
            table={"heads": "levels", "layout": "NCHW" if axis == 1 else "NHWC"},
        )
        return


def _centernet_table(seen: Seen, heat: str, stride: float | None) -> dict[str, Any]:
    table: dict[str, Any] = {"activation": "none" if seen.looks[heat].unit else "sigmoid"}
    if stride is not None and stride == int(stride):
        table["stride"] = int(stride)
    return table


def _cells(shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    return (shape[2], shape[3]) if axis == 1 else (shape[1], shape[2])


def _parts(seen: Seen, maps: list[str], twos: list[str]) -> tuple[str, str, str]:
    """Heatmap, sizes, offsets: by channels, by names, else sizes are the larger numbers."""
    heat = next((name for name in maps if name not in twos), None)
    if heat is None:
        heat = seen.named("hm", "heat", "center") or maps[0]
    first, second = (name for name in maps if name != heat)
    sizes = seen.named("wh", "size")
    if sizes not in (first, second) or sizes is None:
        larger = seen.looks[first].high or 0.0, seen.looks[second].high or 0.0
        sizes = first if larger[0] >= larger[1] else second
    return heat, sizes, second if sizes == first else first
