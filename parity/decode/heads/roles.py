"""The two heads that most families have: boxes, and a score for every class."""

from __future__ import annotations

from parity.decode.heads.binding import Role, Shape
from parity.decode.heads.candidates import background_hint


def boxes_role(anchors: int | None = None) -> Role:
    """The head ``boxes``, (1, A, 4)."""

    def fits(shape: Shape) -> bool:
        rows = anchors is None or shape[1:2] == (anchors,)
        return len(shape) == 3 and shape[0] == 1 and shape[2] == 4 and rows

    return Role("boxes", f"(1, {'A' if anchors is None else anchors}, 4)", fits)


def scores_role(classes: int, background: int | None, anchors: int | None = None) -> Role:
    """The head ``scores``, (1, A, columns); of a single column also (1, A)."""
    columns = classes + (background is not None)

    def fits(shape: Shape) -> bool:
        single = shape[:1] + shape[1:2] + (1,) if len(shape) == 2 else shape
        rows = anchors is None or single[1:2] == (anchors,)
        return len(single) == 3 and single[0] == 1 and single[2] == columns and rows

    def hint(shape: Shape) -> str | None:
        return None if shape[-1:] == (4,) else background_hint(shape, classes, background)

    extra = "" if background is None else " and the background"
    plural = "class" if classes == 1 else "classes"
    rows = "A" if anchors is None else anchors
    needs = f"(1, {rows}, {columns}), one column for each of {classes} {plural}{extra}"
    return Role("scores", needs, fits, hint)
