"""Packages of somebody else that bring a family: wheels, as their authors would publish them.

The family ``centred`` has one head ``centred`` (1, N, 4 + classes): centre and half sizes in
pixels of the network's input times ``unit``, then scores.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from textwrap import dedent

import numpy as np

from tests.support.suites import runtime, small_suite, toml

FAMILY = dedent(
    '''
    """Boxes by their centres and half sizes."""

    import numpy as np

    from parity.decode import (
        Candidates, Clue, DecodeError, Family, FamilyTable, Given, Role, Seen, weigh,
    )


    class Centred(FamilyTable):
        """``unit``: by what boxes are multiplied to be pixels."""

        unit: float = 1.0


    def roles(given, size):
        columns = 4 + given.classes
        fits = lambda shape: len(shape) == 3 and shape[0] == 1 and shape[2] == columns
        return (Role("centred", f"(1, N, {columns})", fits),)


    def decode(heads, given, size):
        rows = heads["centred"][0].astype(np.float64)
        if (rows[:, 2:4] < 0).any():
            raise DecodeError("centred: expected half sizes of at least 0")
        boxes = rows[:, :4] * given.table.unit
        low, high = boxes[:, :2] - boxes[:, 2:], boxes[:, :2] + boxes[:, 2:]
        return Candidates(np.concatenate([low, high], axis=1), rows[:, 4:])


    def clues(seen: Seen):
        name = seen.named("centred")
        if name is not None:
            yield weigh(
                "centred",
                [Clue(True, 1.0, "an output is called centred")],
                outputs={"centred": name},
                classes=seen.heads[name].shape[2] - 4,
                table={"unit": 1.0},
            )


    FAMILY = Family(
        name="centred",
        table=Centred,
        heads="(1, N, 4 + C)",
        keys="`unit` (1)",
        roles=roles,
        decode=decode,
        clues=clues,
        recipe={"resize": "stretch", "color": "BGR", "range": [0, 1]},
    )
    '''
)
OPTIONS = "options = { inputs = { image = [1, 32, 32, 3] }, outputs = { centred = [1, 2, 6] } }"
NETWORKS = dedent(
    """
    import numpy as np

    ROWS = np.array([[[8, 8, 4, 4, 0.9, 0.0], [20, 22, 6, 5, 0.0, 0.8]]], "f4")


    def right(feeds):
        return {"centred": ROWS}


    def moved(feeds):
        return {"centred": ROWS + np.array([3, 0, 0, 0, 0, 0], "f4")}


    def negative(feeds):
        return {"centred": ROWS * np.array([1, 1, -1, 1, 1, 1], "f4")}
    """
)


def wheel(folder: Path, package: str, module: str, entries: dict[str, str], code: str) -> Path:
    """Write a wheel of one module that registers ``entries``, family to "module:attribute"."""
    path = folder / f"{package.replace('-', '_')}-1.0-py3-none-any.whl"
    info = f"{package.replace('-', '_')}-1.0.dist-info"
    lines = "".join(f"{name} = {value}\n" for name, value in entries.items())
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{module}.py", code)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/entry_points.txt", f"[parity.families]\n{lines}")
        file.writestr(f"{info}/RECORD", "")
    return path


def suite(folder: Path, family: str = "centred", table: str = "", second: str = "right") -> Path:
    """A suite of two fake networks and a white picture."""
    networks = {
        name: toml(runtime("fake", f"networks:{function}", layout="NHWC")) + OPTIONS
        for name, function in (("first", "right"), ("second", second))
    }
    return small_suite(
        folder,
        networks,
        name="centres",
        classes=["a", "b"],
        images={"white.png": np.full((32, 32, 3), 255, np.uint8)},
        size=(32, 32),
        preprocess='resize = "none"\nrange = [0, 1]',
        decode=f'family = "{family}"\nscore_threshold = 0.5\n{table}',
        files={"networks.py": NETWORKS},
    )
