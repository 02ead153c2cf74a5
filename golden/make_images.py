"""Choose and write the golden pictures and labels: `python golden/make_images.py parts_ssd`.

Draws candidate scenes, writes each as it would lie on disk (JPEG, PNG, grey, EXIF-turned), reads
it back, runs the suite's trained detector and keeps the pictures on which an export is most
likely to differ: scores near the threshold and labelled objects that overlap.  Some ordinary
and some empty scenes are kept as well.
"""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, Final

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import numpy as np
from evaluate import Detections, average_precision
from PIL import Image, ImageOps
from scenes import CLASSES, GOLDEN_FREE, GOLDEN_SSD, U8, Scene, iou, render

ORIENTATION: Final = 0x0112  # the EXIF tag
THRESHOLDS: Final = {"parts_ssd": 0.5, "parts_free": 0.5}
FIRST_SEEDS: Final = {"parts_ssd": GOLDEN_SSD, "parts_free": GOLDEN_FREE}
BUDGET: Final = 3_400_000  # bytes of all pictures of a suite
BORDERLINE, CROWDED, ORDINARY, EMPTY = 16, 6, 6, 4  # pictures of each sort


@dataclass
class Candidate:
    """A scene as it would lie on disk, and what the detector makes of it."""

    seed: int
    scene: Scene
    suffix: str
    encoded: bytes
    orientation: int
    grey: bool
    found: Detections

    def near(self, threshold: float) -> int:
        """Detections kept with a score at most 0.1 above the threshold."""
        s = self.found.scores
        return int(((s >= threshold) & (s <= threshold + 0.1)).sum())

    def around(self, threshold: float) -> int:
        """Detections with a score within 0.1 of the threshold, to either side."""
        return int((np.abs(self.found.scores - threshold) <= 0.1).sum())

    def pairs(self) -> int:
        """Pairs of labelled objects with an IoU of 0.3 to 0.6."""
        b = self.scene.boxes
        values = [v for i in range(len(b) - 1) for v in iou(b[i], b[i + 1 :])]
        return sum(0.3 <= v <= 0.6 for v in values)


def encode(image: U8, seed: int) -> tuple[str, bytes, int, bool]:
    """File suffix, file content, EXIF orientation and whether it is grey, decided by the seed."""
    grey = seed % 12 == 5
    picture = Image.fromarray(image)
    if grey:
        picture = picture.convert("L")
    stream = io.BytesIO()
    if seed % 8 == 3 or seed % 24 == 5:
        picture.save(stream, "PNG", optimize=True)
        return ".png", stream.getvalue(), 1, grey
    orientation = 1
    if image.shape[0] > image.shape[1] and seed % 4 == 2:
        orientation = 6  # a camera held upright: the reader must turn the pixels clockwise
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    if orientation != 1:
        exif[ORIENTATION] = orientation
    picture.save(stream, "JPEG", quality=92, exif=exif)
    return ".jpg", stream.getvalue(), orientation, grey


def decode(encoded: bytes) -> U8:
    """The upright RGB picture (H, W, 3) of a file's content."""
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded)))
    return np.asarray(picture.convert("RGB"), np.uint8)


def script(suite: str) -> ModuleType:
    """The suite's `train.py` as a module, for its `detect`."""
    folder = HERE / suite
    spec = importlib.util.spec_from_file_location(f"{suite}_train", folder / "train.py")
    if spec is None or spec.loader is None:
        raise SystemExit(f"golden/{suite}/train.py is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(suite: str) -> Any:
    """The suite's trained detector."""
    if suite == "parts_ssd":
        import keras

        return keras.models.load_model(HERE / suite / "detector.keras", compile=False)
    import torch

    model = script(suite).PartsFree()
    model.load_state_dict(torch.load(HERE / suite / "detector.pth", weights_only=True))
    return model


def choose(candidates: list[Candidate], threshold: float) -> list[Candidate]:
    """The golden pictures: borderline ones, crowded ones, ordinary ones and empty ones."""
    full = [c for c in candidates if len(c.scene.boxes)]
    empty = [c for c in candidates if not len(c.scene.boxes)][:EMPTY]

    def gain(c: Candidate) -> float:
        return 2.0 * c.near(threshold) + c.around(threshold)

    chosen: list[Candidate] = []

    def take(pool: list[Candidate], count: int) -> None:
        chosen.extend([c for c in pool if all(c is not k for k in chosen)][:count])

    by_gain = sorted(full, key=gain, reverse=True)
    turned = [c for c in by_gain if c.orientation != 1 and not c.grey and c.suffix == ".jpg"]
    flat = [c for c in by_gain if c.grey and c.suffix == ".jpg"]
    lossless = [c for c in by_gain if c.suffix == ".png" and len(c.encoded) < 330_000]
    compact = [c for c in by_gain if c.suffix == ".jpg"]
    take(turned, 1)
    take(flat, 1)
    take(lossless, 3)
    take(compact, BORDERLINE - 5)
    crowd = sorted(compact, key=lambda c: (c.pairs(), gain(c)), reverse=True)
    take(crowd, CROWDED)
    take([c for c in full if c.suffix == ".jpg"], ORDINARY)
    return sorted(chosen + empty, key=lambda c: c.seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("suite", choices=sorted(THRESHOLDS))
    parser.add_argument("--candidates", type=int, default=700)
    args = parser.parse_args()
    suite: str = args.suite
    threshold, first = THRESHOLDS[suite], FIRST_SEEDS[suite]

    detector, tools = load(suite), script(suite)
    scenes = [(first + i, render(first + i)) for i in range(args.candidates)]
    files = [encode(scene.image, seed) for seed, scene in scenes]
    found = tools.detect(detector, [decode(f[1]) for f in files], threshold - 0.1)
    candidates = [
        Candidate(seed, scene, *file, d)
        for (seed, scene), file, d in zip(scenes, files, found, strict=True)
    ]
    chosen = choose(candidates, threshold)

    folder = HERE / suite / "images"
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for n, c in enumerate(chosen, 1):
        name = f"images/{n:03}{c.suffix}"
        (HERE / suite / name).write_bytes(c.encoded)
        h, w = c.scene.image.shape[:2]
        images.append({"id": n, "file_name": name, "width": w, "height": h})
        for box, kind in zip(c.scene.boxes, c.scene.classes, strict=True):
            x0, y0, x1, y1 = (round(float(v), 2) for v in box)
            bw, bh = round(x1 - x0, 2), round(y1 - y0, 2)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": n,
                    "category_id": int(kind) + 1,
                    "bbox": [x0, y0, bw, bh],
                    "area": round(bw * bh, 2),
                    "iscrowd": 0,
                }
            )
    categories = [{"id": i, "name": name} for i, name in enumerate(CLASSES, 1)]
    labels = {"images": images, "annotations": annotations, "categories": categories}
    (HERE / suite / "labels.json").write_text(json.dumps(labels, indent=1) + "\n")

    size = sum(len(c.encoded) for c in chosen)
    boxes = [c.scene.boxes for c in chosen]
    ap = average_precision(
        [c.found for c in chosen], boxes, [c.scene.classes for c in chosen], len(CLASSES)
    )
    kept = sum(int((c.found.scores >= threshold).sum()) for c in chosen)
    shapes = sorted({c.scene.image.shape[:2] for c in chosen})
    counts = {
        "images": len(chosen),
        "labelled objects": len(annotations),
        f"detections at {threshold}": kept,
        "of these at most 0.1 above": sum(c.near(threshold) for c in chosen),
        "candidates within 0.1 to either side": sum(c.around(threshold) for c in chosen),
        "pairs of labels with IoU 0.3 to 0.6": sum(c.pairs() for c in chosen),
        "images without objects": sum(not len(c.scene.boxes) for c in chosen),
        "EXIF-turned": sum(c.orientation != 1 for c in chosen if c.suffix == ".jpg"),
        "grey": sum(c.grey for c in chosen),
        "PNG": sum(c.suffix == ".png" for c in chosen),
        "sizes (height, width)": shapes,
        "bytes": size,
        f"mAP@0.5 of candidates above {threshold - 0.1:.1f}": round(float(ap.mean()), 3),
    }
    for label, value in counts.items():
        print(f"{label}: {value}")
    if size > BUDGET:
        raise SystemExit(f"the pictures take {size} bytes, more than {BUDGET}")


if __name__ == "__main__":
    main()
