"""The families of detectors, a file each, and the registry that finds them by name.

Here: one ``Family`` a file (see ``decode/contract.py``), which uses ``decode/heads/`` and
``decode/clues/`` and no other family. Begin with ``detr.py``, the shortest. To add one: its file,
and its line in ``_BUILT_IN``; its row of the README is checked against it.

Other packages register theirs under the entry-point group ``parity.families`` (name = family,
value = "module:FAMILY"). They are only looked for when a name is not built in, or all are asked
for: a broken one disturbs nobody else.
"""

from __future__ import annotations

import difflib
from functools import cache
from importlib import import_module

from parity.decode.contract import Family
from parity.decode.guests import UnknownFamily, guests

# The order is that in which families are named where as much speaks for one as for another.
_BUILT_IN = {
    "tf-od-api": "tf_od_api",
    "tflite-postprocess": "tflite_postprocess",
    "torchvision": "torchvision",
    "yolo-end2end": "yolo_end2end",
    "yolov8": "yolov8",
    "yolov5": "yolov5",
    "yolox": "yolox",
    "detr": "detr",
    "rt-detr": "rt_detr",
    "boxes-scores": "boxes_scores",
    "ssd": "ssd",
    "efficientdet": "efficientdet",
    "centernet": "centernet",
    "nanodet": "nanodet",
    "detections": "detections",
}


def built_in() -> tuple[str, ...]:
    """The names of this package's own families."""
    return tuple(_BUILT_IN)


def names() -> tuple[str, ...]:
    """Every name that a suite can say, those of other packages included."""
    return (*_BUILT_IN, *(name for name in guests() if name not in _BUILT_IN))


@cache
def family(name: str) -> Family:
    """The family of this name. Raises ``UnknownFamily``."""
    if name in _BUILT_IN:
        found: Family = import_module(f"{__name__}.{_BUILT_IN[name]}").FAMILY
        return found
    registered = guests().get(name)
    if registered is not None:
        return registered.family(_BUILT_IN)
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise UnknownFamily(f"expected one of {', '.join(sorted(names()))}, found {name!r}{hint}")


def named_by(key: str) -> str | None:
    """The family whose table a key of ``[decode]`` is; None for none.

    Its name, or the name as Python writes one.
    """
    own = next((name for name in _BUILT_IN if key in (name, _BUILT_IN[name])), None)
    return own or next((name for name in guests() if key in (name, name.replace("-", "_"))), None)


def every() -> tuple[Family, ...]:
    """All that can be used here; what is registered and cannot is left out, see ``broken``."""
    useless = broken()
    return tuple(family(name) for name in names() if name in _BUILT_IN or name not in useless)


def broken() -> dict[str, str]:
    """What other packages register and nobody can use, by name, and why."""
    found = {}
    for name, registered in guests().items():
        try:
            registered.family(_BUILT_IN) if name in _BUILT_IN else family(name)
        except UnknownFamily as error:
            found[name] = str(error)
    return found
