"""What another program found, read from what it wrote: its heads, or its detections.

``model`` is a folder or an .npz of heads by image (see ``dumps``), or COCO results (see
``coco_results``). What wrote it may be said in a JSON object beside it, ``meta.json`` in the folder
or ``NAME.meta.json`` beside ``NAME.npz``; it becomes the identity.

Options, for COCO results alone: ``categories`` ("labels": a category is the class of the same name
in the suite's labels; or the id of the first class), which must be said, and ``complete`` (False;
True says that an image without an entry had no detection).
"""

import json
import os
from typing import Any, Dict, List, Mapping, Tuple

import numpy as np

from ...formats import recognise
from ..contract import IMAGE_ID, AdapterError, Artifact, TensorSpec
from ..shared.opened import OpenedAdapter
from ..shared.reasons import reason
from . import dumps
from .coco_results import CocoResults
from .descriptor import CATEGORIES, DESCRIPTOR

_INPUT = "image"
_SHOWN = 3  # names that a message lists
_LARGEST = 1 << 16  # bytes of a meta.json
_META = "a JSON object of texts, numbers and lists of them"


class Recorded(OpenedAdapter):
    """A dump whose input is the id of an image."""

    kind = "recorded"

    def __init__(self, artifact: Artifact) -> None:
        super().__init__(artifact, DESCRIPTOR.options)
        self._dump = self._open()
        self._identity = _meta(artifact.model)

    def _open(self) -> dumps.Dump:
        path = self.artifact.model
        found = recognise(path)
        if found.kind == "text":
            return self._coco(path)
        forms = {"directory": dumps.Folder, "savedmodel": dumps.Folder, "npz": dumps.OneArchive}
        if found.kind not in forms:
            raise AdapterError("not-usable", path=path, expected=dumps.EXPECTED, found=found.phrase)
        for name in ("categories", "complete"):
            if name in self.artifact.options:
                raise AdapterError(
                    "bad-option",
                    option=name,
                    expected="only with COCO results",
                    found="an .npz" if found.kind == "npz" else "a folder",
                )
        return forms[found.kind](path)

    def _coco(self, path: str) -> dumps.Dump:
        categories = self.options["categories"]
        if categories is None:
            raise AdapterError(
                "bad-option", option="categories", expected=CATEGORIES, found="nothing"
            )
        return CocoResults(path, self.artifact.dataset, categories, self.options["complete"])

    def inputs(self) -> Tuple[TensorSpec, ...]:
        """The image's id."""
        return (TensorSpec(_INPUT, (), IMAGE_ID),)

    def outputs(self) -> Tuple[TensorSpec, ...]:
        """None are declared: each image has what was written for it."""
        return ()

    def _run(self, feeds: Dict[str, np.ndarray]) -> Mapping[str, Any]:
        image = str(feeds[_INPUT])
        if not self._dump.holds(image):
            others = [one for one in self._dump.images() if one != image]
            raise AdapterError(
                "not-recorded",
                image=image,
                path=self.artifact.model,
                others=others,
                advice=self._dump.advice,
            )
        return self._dump.read(image)

    def identity(self) -> Dict[str, Any]:
        """What the dump says of the program that wrote it; nothing of this machine matters."""
        return {"library": "not said", "version": "not said", **self._identity}

    def notes(self) -> Tuple[str, ...]:
        """The images that were recorded and that the suite does not have."""
        known = self.artifact.dataset.images
        extra = [image for image in self._dump.images() if image not in set(known)]
        if not extra or not known:
            return ()
        images = "1 image" if len(extra) == 1 else f"{len(extra)} images"
        return (f"it also holds {images} that the suite does not have: {_listed(extra)}",)

    def _release(self) -> None:
        self._dump.close()


def _listed(names: List[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _meta(model: str) -> Dict[str, Any]:
    """The JSON object that says what wrote a dump; {} where there is none."""
    inside = os.path.join(model, "meta.json")
    path = inside if os.path.isdir(model) else os.path.splitext(model)[0] + ".meta.json"
    if not os.path.exists(path):
        return {}
    try:
        with open(path, encoding="utf-8-sig") as handle:
            data = json.loads(handle.read(_LARGEST), parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise AdapterError("not-usable", path=path, expected=_META, found=reason(error)) from error
    if not isinstance(data, dict) or not all(map(_plain, data.values())):
        raise AdapterError("not-usable", path=path, expected=_META, found="something else")
    return {str(key): value for key, value in data.items()}


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, (str, int, float)) for one in value)
    return isinstance(value, (str, int, float))
