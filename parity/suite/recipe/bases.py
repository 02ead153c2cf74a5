"""Named recipes: what ``base = "NAME"`` in ``[preprocess]`` stands for.

``imagenet``: torchvision's classification and detection weights: Pillow's bilinear filter, which
smooths as it scales down, values in [0, 1], mean and std of ImageNet. ``yolo``: the letterbox of
YOLOv5 and its successors. ``tf-od-api``: a SavedModel of the TF Object Detection API, which takes
pixels of any size and resizes them itself. ``mobilenet``: values in [-1, 1], as the MobileNets of
Keras and TensorFlow Lite want them.

Each sets its values in full, so that one put over another leaves nothing of it behind. None has a
size, which is the network's; ``tf-od-api`` takes away the suite's, as its network has none.
"""

from __future__ import annotations

from typing import Any

_PIXELS: dict[str, Any] = {"color": "RGB", "range": [0, 255], "mean": 0, "std": 1}

BASES: dict[str, dict[str, Any]] = {
    "imagenet": {
        "resize": "stretch",
        "kernel": "pillow:bilinear",
        "color": "RGB",
        "range": [0, 1],
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    },
    "yolo": {**_PIXELS, "resize": "letterbox", "kernel": "opencv:linear", "range": [0, 1]},
    "tf-od-api": {**_PIXELS, "resize": "none", "size": None},
    "mobilenet": {**_PIXELS, "resize": "stretch", "kernel": "opencv:linear", "range": [-1, 1]},
}


def expanded(table: dict[str, Any]) -> dict[str, Any]:
    """A ``[preprocess]`` table with its base spelled out; keys given beside it stand over it.

    A base that does not exist, or beside ``function``, stays for the recipe to refuse.
    """
    base = table.get("base")
    if not isinstance(base, str) or base not in BASES or "function" in table:
        return table
    return {**BASES[base], **{key: value for key, value in table.items() if key != "base"}}


_LETTERBOX = ("pad", "pad_value", "stride", "scale_up")


def kept(below: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """The suite's keys, bases spelled out on both sides, that still apply under a runtime's."""
    if "function" in override:
        return {key: value for key, value in below.items() if key in ("size", "decoder")}
    gone: set[str] = set()
    if override.get("resize", "letterbox") != "letterbox":
        gone |= set(_LETTERBOX)
    if "resize" in override:
        gone.add("function")  # a whole recipe in its place; any less beside it is refused
    return {key: value for key, value in below.items() if key not in gone}
