"""Goldens: a reference's recorded inputs, heads and detections, and whether they still hold.

A suite's goldens lie in ``golden/`` beside its ``parity.toml``: one ``.npz`` an image and
``manifest.json``::

    {"format": 2, "detector": ..., "runtime": ..., "parity_version": ...,
     "identity": {library versions, threads, CPU features ...},
     "recipe": {...}, "recipe_digest": ..., "decode": {...}, "classes": [...],
     "outputs": {role: name or index, as declared}, "layout": of the reference's input,
     "unread": [what of its outputs the family does not read],
     "reference": {"kind", "model", "weights", "interpreter", "options": as declared},
     "files": {path: sha256}, "absent": [paths that were named and not there],
     "modules": {"module:function": {path of a module of the suite's folder: sha256}},
     "images": {image id: {"sha256": of the image, "file": name, "file_sha256": ...}}}

An ``.npz`` holds ``pixels`` (the resized image, uint8 (H, W, 3), or the whole tensor where a
function made it or the resize kernel gives floats), ``head:ROLE`` for every head, and ``boxes``,
``scores``, ``classes`` as seen down to ``floor``.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from parity.decode import Unread
from parity.errors import GoldenError
from parity.files import Unreadable, digest
from parity.files import text as read_text
from parity.golden import placing, sources, stale
from parity.golden.placing import MANIFEST
from parity.pipeline import Images, Network, Stages
from parity.preprocess import Prepared
from parity.record.codec import many_from_data, to_data
from parity.suite import Recipe, Suite
from parity.version import __version__

FOLDER = "golden"
_HEAD = "head:"
_RECORDED = ("pixels", "boxes", "scores", "classes", "floor")
AGAIN = "record it anew: parity record SUITE"
REMEDY = "record it where the reference runtime is installed: parity record SUITE"


@dataclass(frozen=True, eq=False)
class Golden:
    """The recorded results of one suite."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def identity(self) -> dict[str, Any]:
        """What the reference ran on when it was recorded."""
        return dict(self.manifest["identity"])

    def unseen(self, suite: Suite) -> tuple[str, ...]:
        """What may have changed since without being seen, in sentences for notes."""
        return tuple(
            f"{path} imports code that can only be told as it runs (sys.path, exec, a name made "
            f"up): whether that changed since the golden was recorded is not seen"
            for path in sources.unread(suite)
        )

    def covers(self, recipe: Recipe) -> bool:
        """Whether the recorded inputs are those of a recipe; a function's code is not recorded."""
        same = self.manifest["recipe_digest"] == recipe.digest()
        return bool(same) and recipe.function is None

    def pixels(self, image: str) -> np.ndarray[Any, Any]:
        """The recorded input of one image, as ``preprocess.restored`` takes it."""
        return self._arrays(image)["pixels"]

    def network(self, image: str) -> Network:
        """The recorded heads of one image. Raises ``GoldenError``."""
        arrays = self._arrays(image)
        names = [name for name in arrays if name.startswith(_HEAD)]
        heads = {name.removeprefix(_HEAD): arrays[name] for name in names}
        unread = many_from_data(Unread, self.manifest["unread"])
        return Network(heads=heads, specs={}, layout="", milliseconds=0.0, unread=unread)

    def input_change(self, image: str, prepared: Prepared) -> str | None:
        """How the prepared image differs from the recorded one, in words; None where equal."""
        recorded = self.pixels(image)
        found = _pixels(prepared)
        if recorded.shape != found.shape:
            return f"{image}: the input was {recorded.shape}, now it is {found.shape}"
        delta = np.abs(recorded.astype(np.float64) - found.astype(np.float64))
        changed = int((delta > 0).sum())
        if not changed:
            return None
        return (
            f"{image}: {changed} of {delta.size} values of the prepared image differ from the "
            f"recorded ones, the largest by {delta.max():g}"
        )

    def decoded_alike(self, stages: Stages) -> bool:
        """Whether decoding the recorded heads still gives the recorded detections."""
        arrays = self._arrays(stages.image)
        boxes, scores, classes = arrays["boxes"], arrays["scores"], arrays["classes"]
        floor = float(arrays["floor"])
        assert stages.side is not None
        seen = stages.side.narrowed(max(floor, stages.side.floor)).seen
        kept = scores >= max(floor, stages.side.floor)
        return (
            len(seen) == int(kept.sum())
            and bool(np.array_equal(seen.classes, classes[kept]))
            and bool(np.allclose(seen.scores, scores[kept], rtol=0, atol=1e-9))
            and bool(np.allclose(seen.boxes, boxes[kept], rtol=0, atol=1e-6))
        )

    def _arrays(self, image: str) -> dict[str, np.ndarray[Any, Any]]:
        """What was recorded of one image, whole. Raises ``GoldenError``."""
        entry = self.manifest["images"].get(image)
        if entry is None:
            raise GoldenError(image, [f"expected a golden of this image, found none: {REMEDY}"])
        path = self.folder / entry["file"]
        try:
            content = path.read_bytes()
        except OSError:
            raise GoldenError(
                str(path), [f"expected a recorded result, found none: {REMEDY}"]
            ) from None
        if _sha256(content) != entry["file_sha256"]:
            raise GoldenError(
                str(path), [f"expected the file that the manifest names, found another: {REMEDY}"]
            )
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except (OSError, ValueError, AttributeError, BadZipFile, zlib.error) as error:
            problem = f"expected a whole .npz, found a damaged one ({error}): {REMEDY}"
            raise GoldenError(str(path), [problem]) from None
        missing = [name for name in _RECORDED if name not in arrays]
        if missing or not any(name.startswith(_HEAD) for name in arrays):
            found = f"none of {', '.join(missing or ['a head'])}"
            problem = f"expected {', '.join(_RECORDED)} and heads, found {found}: {REMEDY}"
            raise GoldenError(str(path), [problem])
        return arrays


def exists(suite: Suite) -> bool:
    """Whether the suite has recorded results."""
    return (suite.folder / FOLDER / MANIFEST).is_file()


def load(suite: Suite) -> Golden:
    """Read a suite's goldens and check that they still stand for it.

    Raises ``GoldenError`` that names every change: image, model, recipe, decoding, classes.
    """
    folder = suite.folder / FOLDER
    path = folder / MANIFEST
    if not path.exists():
        raise GoldenError(str(path), [f"expected recorded results, found none: {REMEDY}"])
    try:
        manifest = json.loads(read_text(path))
    except (Unreadable, ValueError, RecursionError) as error:
        problem = f"expected a manifest (JSON), found {error}; {AGAIN}"
        raise GoldenError(str(path), [problem]) from None
    problems = stale.damage(manifest) or stale.changes(suite, manifest)
    if problems:
        raise GoldenError(str(path), problems, REMEDY)
    return Golden(folder, manifest)


def images(suite: Suite) -> Images:
    """The suite's images, with the recorded inputs where a recipe's library is not installed."""
    return Images(suite, recorded=cache(lambda: _inputs(suite)))


def _inputs(suite: Suite) -> Golden | None:
    """The suite's goldens for their inputs; None where there are none that still hold."""
    if not exists(suite):
        return None
    try:
        return load(suite)
    except GoldenError:
        return None


def library_changes(golden: Golden, identity: Mapping[str, Any]) -> tuple[str, ...]:
    """What another library, version or CPU ran when the golden was recorded, in words."""
    before = golden.identity
    identity = json.loads(json.dumps(dict(identity), default=str))  # as the manifest holds it
    return tuple(
        f"{key} was {before[key]} when the golden was recorded, now it is {identity[key]}"
        for key in sorted(set(before) & set(identity))
        if before[key] != identity[key]
    )


def need_place(suite: Suite) -> None:
    """Raise ``GoldenError``, before anything runs, where goldens cannot be recorded."""
    placing.need_place(suite.folder / FOLDER)


def writing(suite: Suite) -> AbstractContextManager[None]:
    """Inside, a folder or a disk that takes no goldens is a ``GoldenError``."""
    return placing.writing(suite.folder / FOLDER)


def record(suite: Suite, stages: Mapping[str, Stages], identity: Mapping[str, Any]) -> Path:
    """Write the goldens of a suite anew, all of them or none, and return their folder."""
    runtime = suite.runtimes[suite.reference]
    network = next(iter(stages.values())).network
    target = suite.folder / FOLDER
    aside = Path(tempfile.mkdtemp(dir=suite.folder, prefix=".golden."))
    try:
        images, names = {}, _names(stages)
        for image, one in stages.items():
            content, name = _archive(one), names[image]
            (aside / name).write_bytes(content)
            images[image] = {
                "sha256": digest(suite.image_path(image))[0],
                "file": name,
                "file_sha256": _sha256(content),
            }
        manifest = {
            "format": stale.FORMAT,
            "detector": suite.name,
            "runtime": suite.reference,
            "parity_version": __version__,
            "identity": dict(identity),
            "recipe": runtime.recipe.resolved(),
            "recipe_digest": runtime.recipe.digest(),
            "decode": runtime.decode.model_dump(mode="json", by_alias=True, exclude_none=True),
            "classes": list(suite.classes),
            "outputs": dict(runtime.table.outputs),
            "layout": network.layout,
            "unread": [to_data(one) for one in network.unread],
            "reference": sources.reference(suite),
            "files": sources.files(suite),
            "absent": sources.absent(suite),
            "modules": sources.modules(suite),
            "images": images,
        }
        text = json.dumps(manifest, indent=1, ensure_ascii=False)
        # A name that is no UTF-8 becomes an escape of JSON, which reads back as that name.
        (aside / MANIFEST).write_bytes(f"{text}\n".encode("utf-8", "backslashreplace"))
        aside.chmod(0o755)
        placing.swap(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _names(images: Iterable[str]) -> dict[str, str]:
    """A file's name for each image; some file systems take ``A`` and ``a`` for the same."""
    names = {image: image.replace("/", "__") for image in images}
    counts = Counter(name.casefold() for name in names.values())
    return {
        image: f"{name}-{_sha256(image.encode('utf-8', 'surrogateescape'))[:8]}.npz"
        if counts[name.casefold()] > 1
        else f"{name}.npz"
        for image, name in names.items()
    }


def _archive(stages: Stages) -> bytes:
    assert stages.side is not None
    buffer = io.BytesIO()
    arrays: dict[str, Any] = {
        "pixels": _pixels(stages.prepared),
        "boxes": stages.side.seen.boxes,
        "scores": stages.side.seen.scores,
        "classes": stages.side.seen.classes,
        "floor": np.float64(stages.side.floor),
    }
    arrays |= {f"{_HEAD}{role}": array for role, array in stages.network.heads.items()}
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _pixels(prepared: Prepared) -> np.ndarray[Any, Any]:
    return prepared.canvas if prepared.pixels is None else prepared.pixels


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()
