"""COCO results: a JSON list of {"image_id", "category_id", "bbox": [x, y, width, height], "score"}.

Source: the COCO data and results formats (cocodataset.org). ``image_id`` is a number, whose file
name the suite's labels say, or the image's path relative to the suite. Other keys are not read.
"""

import json
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Set, Tuple, Union

import numpy as np

from ..contract import AdapterError, Dataset
from .dumps import Dump

_EXPECTED = "COCO results, a list of image_id, category_id, bbox and score"
_SILENT = (
    "COCO results do not tell an image without detections from one that was never run: if the "
    "program ran every image, say options.complete = true"
)


class Entry(NamedTuple):
    """One detection as it stands in the file."""

    image: Union[int, str]
    category: int
    box: Tuple[float, float, float, float]
    score: float


class CocoResults(Dump):
    """Detections of every image: heads ``boxes`` (N, 4), ``scores`` (N,) and ``classes`` (N,).

    Boxes are x1, y1, x2, y2 in pixels of the original image; classes count from 0 in the suite's
    order. ``categories`` is "labels" (a category is the class of the same name) or the id of the
    first class. ``complete``: an image without an entry had no detection.
    """

    def __init__(
        self, path: str, dataset: Dataset, categories: Union[int, str], complete: bool
    ) -> None:
        super().__init__(path)
        entries = _entries(path)
        by_number = any(isinstance(one.image, int) for one in entries)
        labels = _Labels(dataset.labels) if by_number or categories == "labels" else None
        class_of = _by_name(labels, dataset) if labels and categories == "labels" else None
        class_of = class_of or _by_id(int(categories), dataset)
        self._found: Dict[str, List[Tuple[Entry, int]]] = {}
        for index, one in enumerate(entries):
            label = class_of(one.category)
            if isinstance(label, str):
                found = f"category_id = {one.category} in entry {index}"
                raise AdapterError("not-usable", path=path, expected=label, found=found)
            self._found.setdefault(_image(one.image, labels), []).append((one, label))
        self.advice = Dump.advice if complete else _SILENT
        self._silent = _silent(self, dataset, labels if by_number else None) if complete else set()

    def images(self) -> List[str]:
        """The images that have an entry; a number that the labels do not have is "image_id N"."""
        return sorted(self._found)

    def holds(self, image: str) -> bool:
        """Whether it has an entry, or surely had no detection."""
        return image in self._found or image in self._silent

    def read(self, image: str) -> Dict[str, np.ndarray]:
        """Its detections in the order of the file."""
        found = self._found.get(image, [])
        boxes = np.array([one.box for one, _ in found], dtype=np.float64).reshape(-1, 4)
        boxes[:, 2:] += boxes[:, :2]
        return {
            "boxes": boxes,
            "scores": np.array([one.score for one, _ in found], dtype=np.float64),
            "classes": np.array([label for _, label in found], dtype=np.int64),
        }


def _silent(dump: CocoResults, dataset: Dataset, labels: Optional["_Labels"]) -> Set[str]:
    """The images without an entry in a file that is said to be complete."""
    every = set(dataset.images)
    others = [image for image in dump.images() if image not in every]
    if others and len(others) == len(dump.images()):
        found = f"only others, such as {others[0]!r}"
        raise AdapterError(
            "not-usable", path=dump.path, expected="entries of the suite's images", found=found
        )
    return every if labels is None else every & set(labels.files.values())


def _image(found: Union[int, str], labels: Optional["_Labels"]) -> str:
    if isinstance(found, str) or labels is None:
        return str(found)
    return labels.files.get(found, f"image_id {found}")


class _Labels:
    """What COCO annotations say of numbers: files by image id, names by category id."""

    def __init__(self, path: Optional[str]) -> None:
        expected = "detector.labels, COCO annotations that say what the numbers stand for,"
        if path is None:
            raise AdapterError("not-usable", path="parity.toml", expected=expected, found="none")
        try:
            with open(path, encoding="utf-8-sig") as handle:  # some tools begin with a mark
                data = json.load(handle)
            self.path = path
            self.files = _once(path, "image", data["images"], "file_name")
            self.names = _once(path, "category", data["categories"], "name")
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise AdapterError(
                "not-usable", path=path, expected="COCO annotations", found=repr(error)
            ) from error


def _once(path: str, what: str, entries: Any, key: str) -> Dict[int, str]:
    """Texts by id; an id or a text that stands there twice could be the results of either."""
    found: Dict[int, str] = {}
    ids: Dict[str, int] = {}
    for one in entries:
        id_, text = int(one["id"]), str(one[key])
        said = ""
        if id_ in found:
            said = f"the id {id_} for {found[id_]!r} and {text!r}"
        elif text in ids:
            said = f"{text!r} with the ids {ids[text]} and {id_}"
        if said:
            raise AdapterError("not-usable", path=path, expected=f"each {what} once", found=said)
        found[id_], ids[text] = text, id_
    return found


# A class, or what was expected in the place of the category.
_ClassOf = Callable[[int], Union[int, str]]


def _by_name(labels: _Labels, dataset: Dataset) -> _ClassOf:
    classes = {name: index for index, name in enumerate(dataset.classes)}
    known = {id_: classes[name] for id_, name in labels.names.items() if name in classes}
    ids = ", ".join(f"{id_} ({labels.names[id_]})" for id_ in sorted(known)) or "none"
    expected = f"a category of detector.labels that is a class of the suite, {ids},"
    return lambda category: known.get(category, expected)


def _by_id(first: int, dataset: Dataset) -> _ClassOf:
    last = first + len(dataset.classes) - 1
    expected = f"categories {first}..{last}, as options.categories = {first} is the first class,"
    return lambda category: category - first if first <= category <= last else expected


def _entries(path: str) -> List[Entry]:
    try:
        with open(path, encoding="utf-8-sig") as handle:  # some tools begin with a mark
            data = json.load(handle)
    except (OSError, ValueError, RecursionError) as error:
        found = f"a file that is no JSON: {error}"
        raise AdapterError("not-usable", path=path, expected=_EXPECTED, found=found) from error
    if not isinstance(data, list):
        found = "annotations" if isinstance(data, dict) and "annotations" in data else "no list"
        raise AdapterError("not-usable", path=path, expected=_EXPECTED, found=found)
    return [_entry(one, index, path) for index, one in enumerate(data)]


def _entry(data: Any, index: int, path: str) -> Entry:
    if not isinstance(data, Mapping):
        found = f"{_short(data)} as entry {index}"
        raise AdapterError("not-usable", path=path, expected=_EXPECTED, found=found)
    values = []
    for key, what, read in _KEYS:
        value = read(data[key]) if key in data else None
        if value is None:
            found = f"{_short(data[key])}" if key in data else "nothing"
            raise AdapterError(
                "not-usable",
                path=path,
                expected=f"{key} as {what}",
                found=f"{found} in entry {index}",
            )
        values.append(value)
    return Entry(*values)


def _short(value: Any) -> str:
    return repr(value)[:80]


def _whole(value: Any) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _id(value: Any) -> Union[int, str, None]:
    return value if isinstance(value, str) and value else _whole(value)


def _number(value: Any) -> Optional[float]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def _box(value: Any) -> Optional[Tuple[Optional[float], ...]]:
    numbers = tuple(map(_number, value)) if isinstance(value, list) else ()
    return numbers if len(numbers) == 4 and None not in numbers else None


_KEYS: Tuple[Tuple[str, str, Callable[[Any], Any]], ...] = (
    ("image_id", "a number or a file name", _id),
    ("category_id", "a whole number", _whole),
    ("bbox", "four numbers [x, y, width, height]", _box),
    ("score", "a number", _number),
)
