"""Seeded drawings of machine parts: the only data both bundled detectors ever see.

`render(seed)` draws bolts, nuts, washers, gears and brackets with OpenCV on a textured
background, together with things that are no parts, cables in front, changing light, blur and
noise.  The same seed always gives the same picture (same NumPy and OpenCV versions).

Seeds are split so that no picture is used twice: see the constants below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

U8 = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

CLASSES: Final = ("bolt", "nut", "washer", "gear", "bracket")

# First seeds of the disjoint ranges (each range is far shorter than the gap to the next).
TRAIN_SSD: Final = 1_000_000
TRAIN_FREE: Final = 2_000_000
CALIBRATION_SSD: Final = 3_000_000
CALIBRATION_FREE: Final = 4_000_000
EVALUATION: Final = 5_000_000
GOLDEN_SSD: Final = 6_000_000
GOLDEN_FREE: Final = 7_000_000

# (height, width) of the pictures in pixels; none is the input size of a bundled detector.
SIZES: Final = (
    (300, 400),
    (360, 480),
    (270, 480),
    (288, 352),
    (400, 300),
    (480, 360),
    (352, 352),
    (256, 448),
)

_METALS: Final = np.array(
    [
        (176, 180, 186),  # steel
        (120, 124, 132),  # dark steel
        (196, 164, 92),  # brass
        (188, 118, 84),  # copper
        (150, 164, 182),  # zinc
        (70, 70, 76),  # black oxide
        (214, 214, 210),  # aluminium
    ],
    dtype=np.float32,
)


@dataclass(frozen=True)
class Scene:
    """One picture and what is in it."""

    image: U8  # (H, W, 3) RGB
    boxes: F64  # (N, 4) x0, y0, x1, y1 in pixels, clipped to the picture
    classes: I64  # (N,) index into CLASSES


@dataclass(frozen=True)
class _Outline:
    """A shape before shading: closed contours (even-odd filled) and engraved lines, in pixels."""

    contours: list[F64]  # each (K, 2) x, y; the first one is the outer edge
    lines: list[F64]  # each (2, 2)


def _circle(radius: float, n: int = 40, cx: float = 0.0, cy: float = 0.0) -> F64:
    a = np.linspace(0.0, 2 * np.pi, n, endpoint=False)
    return np.stack([cx + radius * np.cos(a), cy + radius * np.sin(a)], axis=1)


def _bolt(rng: np.random.Generator) -> _Outline:
    """Side view: a hexagon head and a threaded shaft along x, total length 1."""
    head, half_head = rng.uniform(0.16, 0.24), rng.uniform(0.2, 0.28)
    half = half_head * rng.uniform(0.45, 0.62)
    turns = int(rng.integers(6, 11))
    start = head + rng.uniform(0.05, 0.3)
    xs = np.linspace(start, 0.97, 2 * turns)
    depth = np.where(np.arange(2 * turns) % 2 == 0, half, half * 0.8)
    top = np.stack([xs, depth], axis=1)
    bottom = np.stack([xs, -depth], axis=1)[::-1]
    c = 0.25 * head
    outer = np.concatenate(
        [
            np.array([(0, half_head - c), (c, half_head), (head, half_head), (head, half)]),
            top,
            np.array([(1.0, half * 0.6), (1.0, -half * 0.6)]),
            bottom,
            np.array([(head, -half), (head, -half_head), (c, -half_head), (0, -half_head + c)]),
        ]
    )
    shift = np.array([0.5, 0.0])
    lines = [np.array([(x, half * 0.8), (x + 0.02, -half * 0.8)]) - shift for x in xs[1::2]]
    edge = half_head * 0.45
    lines += [np.array([(0.0, y), (head, y)]) - shift for y in (edge, -edge)]
    return _Outline([outer - shift], lines)


def _nut(rng: np.random.Generator) -> _Outline:
    hexagon = _circle(0.5, 6)
    return _Outline([hexagon, _circle(rng.uniform(0.18, 0.24))], [])


def _washer(rng: np.random.Generator) -> _Outline:
    return _Outline([_circle(0.5), _circle(rng.uniform(0.29, 0.38))], [])


def _gear(rng: np.random.Generator) -> _Outline:
    teeth = int(rng.integers(8, 15))
    root = rng.uniform(0.36, 0.41)
    a = np.arange(teeth)[:, None] * 2 * np.pi / teeth
    offsets = np.array([-0.5, -0.26, -0.15, 0.15, 0.26])[None] * 2 * np.pi / teeth
    radius = np.broadcast_to(np.array([root, root, 0.5, 0.5, root]), (teeth, 5)).ravel()
    angle = (a + offsets).ravel()
    outer = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    contours = [outer, _circle(rng.uniform(0.08, 0.15), 24)]
    if rng.random() < 0.4:
        for k in range(4):
            t = k * np.pi / 2 + 0.4
            contours.append(_circle(0.055, 14, 0.25 * np.cos(t), 0.25 * np.sin(t)))
    return _Outline(contours, [])


def _bracket(rng: np.random.Generator) -> _Outline:
    """An L of two arms with one or two holes each."""
    arm, short = rng.uniform(0.24, 0.34), rng.uniform(0.65, 1.0)
    c = 0.06
    outer = np.array(
        [(0, 0), (1 - c, 0), (1, c), (1, arm), (arm, arm), (arm, short), (c, short), (0, short - c)]
    )
    hole = arm * rng.uniform(0.2, 0.28)
    centres = [(0.84, arm / 2), (arm / 2, short - 0.16)]
    if rng.random() < 0.6:
        centres.append((0.5, arm / 2))
    shift = np.array([0.5, short / 2])
    contours = [outer - shift, *(_circle(hole, 16, x, y) - shift for x, y in centres)]
    return _Outline(contours, [])


def _distractor(rng: np.random.Generator) -> _Outline:
    """Something metallic that is no part: plain disc, bar, triangle, plate, ring segment."""
    kind = int(rng.integers(5))
    if kind == 0:
        return _Outline([_circle(0.5)], [])
    if kind == 1:
        h = rng.uniform(0.06, 0.16)
        return _Outline([np.array([(-0.5, -h), (0.5, -h), (0.5, h), (-0.5, h)])], [])
    if kind == 2:
        return _Outline([_circle(0.5, 3)], [])
    if kind == 3:
        h = rng.uniform(0.25, 0.5)
        return _Outline([np.array([(-0.5, -h), (0.5, -h), (0.5, h), (-0.5, h)])], [])
    a = np.linspace(0.0, rng.uniform(1.5, 3.5), 24)
    ring = np.stack([np.cos(a), np.sin(a)], axis=1)
    return _Outline([np.concatenate([ring * 0.5, ring[::-1] * 0.36])], [])


_PARTS: Final = (_bolt, _nut, _washer, _gear, _bracket)


def _placed(
    rng: np.random.Generator, outline: _Outline, size: float, cx: float, cy: float
) -> _Outline:
    """Turn, slightly foreshorten, scale to `size` pixels and move to (cx, cy)."""
    t, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(0.88, 1.0)
    s = rng.uniform(0, np.pi)
    rot = np.array([(np.cos(t), -np.sin(t)), (np.sin(t), np.cos(t))])
    axis = np.array([(np.cos(s), -np.sin(s)), (np.sin(s), np.cos(s))])
    m = size * (axis @ np.diag([1.0, tilt]) @ axis.T @ rot).T
    at = np.array([cx, cy])
    return _Outline([c @ m + at for c in outline.contours], [x @ m + at for x in outline.lines])


def _box(outline: _Outline) -> F64:
    outer = outline.contours[0]
    return np.concatenate([outer.min(axis=0), outer.max(axis=0)])


def iou(one: F64, many: F64) -> F64:
    """Intersection over union of one box (4,) with boxes (N, 4), all x0, y0, x1, y1."""
    low, high = np.maximum(one[:2], many[:, :2]), np.minimum(one[2:], many[:, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=1)
    area = (one[2:] - one[:2]).prod() + (many[:, 2:] - many[:, :2]).prod(axis=1)
    return np.asarray(inter / (area - inter))


def _fixed(points: F64) -> npt.NDArray[np.int32]:
    """OpenCV's fixed-point coordinates (4 fractional bits) for antialiased drawing."""
    return np.round((points - 0.5) * 16).astype(np.int32)


def _draw(canvas: F32, outline: _Outline, rng: np.random.Generator, light: float) -> None:
    """Composite one shaded metal shape and its shadow into `canvas` (H, W, 3), in place."""
    h, w = canvas.shape[:2]
    box = _box(outline)
    size = float((box[2:] - box[:2]).max())
    margin = 4 + int(0.1 * size)
    x0, y0 = np.maximum(np.floor(box[:2]).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(box[2:]).astype(int) + margin, (w, h))
    if x1 - x0 < 2 or y1 - y0 < 2:
        return
    origin = np.array([x0, y0], dtype=np.float64)
    mask8 = np.zeros((y1 - y0, x1 - x0), np.uint8)
    cv2.fillPoly(
        mask8, [_fixed(c - origin) for c in outline.contours], 255, lineType=cv2.LINE_AA, shift=4
    )
    alpha = mask8.astype(np.float32) / 255
    lx, ly = float(np.cos(light)), float(np.sin(light))

    # The slope of the blurred mask looks like a bevelled edge under a directed light.
    soft = cv2.GaussianBlur(alpha, (0, 0), max(0.8, 0.02 * size))
    slope = lx * cv2.Sobel(soft, cv2.CV_32F, 1, 0) + ly * cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    yy, xx = np.mgrid[0 : y1 - y0, 0 : x1 - x0].astype(np.float32)
    t = rng.uniform(0, 2 * np.pi)
    ramp = (np.cos(t) * (xx - xx.mean()) + np.sin(t) * (yy - yy.mean())) / max(size, 1.0)
    gloss = rng.uniform(0.1, 0.45) * np.sin(ramp * rng.uniform(2, 8) + rng.uniform(0, 6))
    shade = (1.0 + gloss + rng.uniform(0.25, 0.6) * slope).astype(np.float32)
    for line in outline.lines:
        ends = _fixed(line - origin)
        a, b = ends[0].tolist(), ends[1].tolist()
        width = max(1, round(0.014 * size))
        cv2.line(shade, a, b, float(rng.uniform(0.5, 0.7)), width, cv2.LINE_AA, 4)

    metal = _METALS[rng.integers(len(_METALS))] * rng.uniform(0.85, 1.15)
    metal = metal + rng.normal(0, 5, 3).astype(np.float32)
    face = shade[..., None] * metal.astype(np.float32)
    face += rng.normal(0, rng.uniform(1, 7), (y1 - y0, x1 - x0, 1)).astype(np.float32)

    shift = max(1.0, 0.03 * size)
    move = np.array([(1, 0, -lx * shift), (0, 1, -ly * shift)], dtype=np.float32)
    shadow = cv2.warpAffine(soft, move, (soft.shape[1], soft.shape[0]))
    view = canvas[y0:y1, x0:x1]
    view *= (1 - rng.uniform(0.2, 0.5) * shadow * (1 - alpha))[..., None].astype(np.float32)
    opacity = alpha * rng.uniform(0.8, 1.0)
    view += opacity[..., None].astype(np.float32) * (face - view)


def _background(rng: np.random.Generator, h: int, w: int) -> F32:
    """A textured surface (H, W, 3)."""
    base = rng.uniform(40, 200) + rng.normal(0, 22, 3)
    cells = (int(rng.integers(2, 5)), int(rng.integers(2, 5)))
    coarse = rng.normal(0, 1, (*cells, 1)) + rng.normal(0, 0.35, (*cells, 3))
    canvas = base + rng.uniform(5, 30) * cv2.resize(coarse, (w, h), interpolation=cv2.INTER_CUBIC)
    canvas = canvas.astype(np.float32)
    kind = int(rng.integers(4))
    if kind == 0:  # brushed metal
        noise = rng.standard_normal((h, w), dtype=np.float32)
        length = int(rng.integers(15, 60))
        across = rng.random() < 0.5
        texture = cv2.blur(noise, (length, 1) if across else (1, length)) * np.sqrt(length)
        canvas += (rng.uniform(3, 14) * texture)[..., None]
    elif kind == 1:  # wood grain
        yy, xx = np.mgrid[0:h, 0:w].astype(np.float32)
        warp = cv2.resize(rng.normal(0, 1, (5, 5)), (w, h), interpolation=cv2.INTER_CUBIC)
        along, cross = (xx, yy) if rng.random() < 0.5 else (yy, xx)
        phase = cross * rng.uniform(0.1, 0.5) + along * 0.02 + 5 * warp
        grain = np.sin(phase) + 0.5 * np.sin(2.7 * phase + 1)
        tint = np.array([1.0, 0.8, 0.55]) * rng.uniform(4, 16)
        canvas += (grain[..., None] * tint).astype(np.float32)
    elif kind == 2:  # cloudy, speckled
        for grid, gain in ((12, 14.0), (40, 9.0)):
            cloud = rng.standard_normal((grid, grid), dtype=np.float32)
            canvas += (rng.uniform(0.3, 1) * gain * cv2.resize(cloud, (w, h)))[..., None]
    else:  # tiles
        step = int(rng.integers(24, 90))
        lines = np.zeros((h, w), np.float32)
        lines[int(rng.integers(step)) :: step] = 1
        lines[:, int(rng.integers(step)) :: step] = 1
        canvas -= (rng.uniform(10, 40) * cv2.blur(lines, (3, 3)))[..., None]
    return np.asarray(canvas, np.float32)


def _clutter(canvas: U8, rng: np.random.Generator, unit: float) -> None:
    """Flat strokes and outlines that belong to the surface, in place."""
    h, w = canvas.shape[:2]
    for _ in range(int(rng.integers(0, 7))):
        value = float(rng.uniform(20, 230))
        colour = tuple(float(v) for v in value + rng.normal(0, 15, 3))
        x, y = int(rng.integers(w)), int(rng.integers(h))
        width = int(rng.integers(1, 4))
        kind = int(rng.integers(4))
        reach = float(rng.uniform(6, 60)) * unit
        if kind == 0:
            end = (int(x + rng.normal(0, reach)), int(y + rng.normal(0, reach)))
            cv2.line(canvas, (x, y), end, colour, width, cv2.LINE_AA)
        elif kind == 1:
            axes = (int(reach / 2) + 1, int(reach * rng.uniform(0.15, 0.5)) + 1)
            cv2.ellipse(canvas, (x, y), axes, rng.uniform(0, 180), 0, 200, colour, width)
        elif kind == 2:
            for k in range(int(rng.integers(3, 9))):  # strokes side by side, like a print
                at = (x + 4 * k * width, y)
                cv2.line(canvas, at, (at[0], int(y + reach / 2)), colour, width, cv2.LINE_AA)
        else:
            points = np.array([x, y]) + rng.normal(0, reach / 2, (3, 2))
            cv2.polylines(canvas, [points.astype(np.int32)], True, colour, width, cv2.LINE_AA)


def _cable(canvas: U8, rng: np.random.Generator, unit: float) -> None:
    """A cable in front of everything, from one side to another, in place."""
    h, w = canvas.shape[:2]
    t = np.linspace(0, 1, 20)[:, None]
    ends = rng.uniform(-0.1, 1.1, (3, 2)) * (w, h)
    if rng.random() < 0.5:
        ends[0, 0], ends[2, 0] = -9, w + 9
    else:
        ends[0, 1], ends[2, 1] = -9, h + 9
    path = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * ends[1] + t**2 * ends[2]
    thickness = max(2, round(float(rng.uniform(3, 9)) * unit))
    colour = rng.uniform(20, 200, 3)
    points = [path.astype(np.int32)]
    cv2.polylines(canvas, points, False, (colour * 0.6).tolist(), thickness, cv2.LINE_AA)
    cv2.polylines(canvas, points, False, colour.tolist(), max(1, thickness // 2), cv2.LINE_AA)


def _camera(canvas: F32, rng: np.random.Generator) -> U8:
    """Uneven light, exposure, blur and sensor noise; gives the final uint8 picture."""
    h, w = canvas.shape[:2]
    light = cv2.resize(rng.normal(1, 0.12, (3, 3)), (w, h), interpolation=cv2.INTER_CUBIC)
    canvas = canvas * np.clip(light * rng.uniform(0.7, 1.15), 0.35, 1.5)[..., None]
    canvas *= rng.normal(1, 0.05, 3)
    blur = rng.random()
    if blur < 0.25:
        canvas = cv2.GaussianBlur(canvas, (0, 0), float(rng.uniform(0.5, 1.5)))
    elif blur < 0.35:
        length = int(rng.integers(3, 8))
        canvas = cv2.blur(canvas, (length, 1) if rng.random() < 0.5 else (1, length))
    sigma = float(rng.uniform(0, 9)) if rng.random() < 0.7 else 0.5
    noise = rng.standard_normal((h, w, 1), dtype=np.float32)
    canvas = np.clip(canvas + sigma * noise, 0, 255)
    if rng.random() < 0.06:
        grey = canvas @ np.array([0.299, 0.587, 0.114])
        canvas = np.repeat(grey[..., None], 3, axis=2)
    return np.asarray(np.round(canvas), dtype=np.uint8)


def _overlaps(box: F64, boxes: list[F64]) -> bool:
    """Whether `box` covers (or is covered by) more than a quarter of an earlier box."""
    if not boxes:
        return False
    many = np.stack(boxes)
    low, high = np.maximum(box[:2], many[:, :2]), np.minimum(box[2:], many[:, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=1)
    smaller = np.minimum((box[2:] - box[:2]).prod(), (many[:, 2:] - many[:, :2]).prod(axis=1))
    return bool((inter > 0.25 * smaller).any())


def render(seed: int, *, size: tuple[int, int] | None = None, empty: bool | None = None) -> Scene:
    """Draw scene number `seed`.

    `size` is (height, width) in pixels, by default one of SIZES.  About one scene in twenty has
    no part at all; `empty` decides it instead.  Some parts come in pairs whose boxes overlap
    with an IoU of 0.3 to 0.6.
    """
    rng = np.random.default_rng(seed)
    h, w = SIZES[rng.integers(len(SIZES))]
    if size is not None:
        h, w = size
    no_parts = bool(rng.random() < 0.05)
    if empty is not None:
        no_parts = empty
    unit = float(np.sqrt(h * w / (240 * 320)))  # sizes below are as seen at 240x320
    light = rng.uniform(0, 2 * np.pi)
    surface = np.clip(_background(rng, h, w), 0, 255).astype(np.uint8)
    _clutter(surface, rng, unit)  # OpenCV draws antialiased on bytes only
    canvas = surface.astype(np.float32)

    todo: list[tuple[int, _Outline]] = []  # class (or -1), shape; drawn in this order
    boxes: list[F64] = []
    taken: list[F64] = []
    classes: list[int] = []

    def place(kind: int, scale: float, near: F64 | None) -> F64 | None:
        """Find a free spot for one part (or one overlapping `near`); None when there is none."""
        for _ in range(25):
            shape = _PARTS[kind](rng) if kind >= 0 else _distractor(rng)
            if near is None:
                cx, cy = rng.uniform(0.03, 0.97) * w, rng.uniform(0.03, 0.97) * h
            else:
                centre, reach = (near[:2] + near[2:]) / 2, (near[2:] - near[:2]) / 2
                cx, cy = centre + rng.uniform(-0.6, 0.6, 2) * reach
            shape = _placed(rng, shape, scale * unit, cx, cy)
            full = _box(shape)
            box = np.clip(full, 0, (w, h, w, h))
            sides = box[2:] - box[:2]
            if sides.min() < 9 * unit or sides.prod() < 0.6 * (full[2:] - full[:2]).prod():
                continue
            if near is None and _overlaps(box, taken):
                continue
            if near is not None:
                others = [b for b in taken if b is not near]
                if not 0.32 < iou(box, near[None])[0] < 0.58 or _overlaps(box, others):
                    continue
            todo.append((kind, shape))
            taken.append(box)
            if kind >= 0:
                boxes.append(box)
                classes.append(kind)
            return box
        return None

    def part_size() -> float:
        return float(16 * 11.5 ** (rng.random() ** 1.15))  # 16 to 184 px

    if not no_parts:
        for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1]))):
            scale = float(rng.uniform(32, 120))
            first = place(int(rng.integers(5)), scale, None)
            if first is not None:
                place(int(rng.integers(5)), scale * rng.uniform(0.75, 1.25), first)
        for _ in range(int(rng.integers(2, 10))):
            place(int(rng.integers(5)), part_size(), None)
    for _ in range(int(rng.integers(0, 3)) + (3 if no_parts else 0)):
        place(-1, part_size() * 0.7, None)
    for _, shape in todo:
        _draw(canvas, shape, rng, light)
    if rng.random() < 0.25:
        surface = np.clip(canvas, 0, 255).astype(np.uint8)
        _cable(surface, rng, unit)
        canvas = surface.astype(np.float32)
    image = _camera(canvas, rng)
    return Scene(image, np.array(boxes, np.float64).reshape(-1, 4), np.array(classes, np.int64))
