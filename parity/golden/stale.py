"""What makes goldens unusable: a manifest that is damaged, or a suite that changed since.

Keys that came later than the first goldens are compared only where the manifest has them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parity.files import digest
from parity.session import artifact_files
from parity.suite import Runtime, Suite
from parity.suite.recipe import LATER

FORMAT = 1


_SHAPES = {
    "format": int,
    "identity": dict,
    "recipe": dict,
    "recipe_digest": str,
    "decode": dict,
    "classes": list,
    "artifacts": dict,
    "images": dict,
}
_OF_IMAGE = ("sha256", "file", "file_sha256")


def damage(manifest: Any) -> list[str]:
    """What makes the manifest unusable; its file names may not leave its folder."""
    if not isinstance(manifest, dict) or any(key not in manifest for key in _SHAPES):
        return [f"expected a manifest with {', '.join(_SHAPES)}, found something else"]
    wrong = [key for key, kind in _SHAPES.items() if type(manifest[key]) is not kind]
    if wrong:
        return [
            f"{key}: expected {_SHAPES[key].__name__}, found {manifest[key]!r}" for key in wrong
        ]
    if manifest["format"] != FORMAT:
        return [f"format: expected {FORMAT}, found {manifest['format']!r}"]
    found = []
    for image, entry in manifest["images"].items():
        if not isinstance(entry, dict) or not all(type(entry.get(key)) is str for key in _OF_IMAGE):
            found.append(f"images.{image}: expected {', '.join(_OF_IMAGE)}, found {entry!r}")
            continue
        name = entry["file"]
        if not name or Path(name).name != name or name in (".", "..") or "\0" in name:
            found.append(f"images.{image}.file: expected a name without a folder, found {name!r}")
    return found


def changes(suite: Suite, manifest: Mapping[str, Any]) -> list[str]:
    """Everything in the suite that is no longer what was recorded, each in words."""
    runtime = suite.runtimes[suite.reference]
    found = []
    if manifest["recipe_digest"] != runtime.recipe.digest():
        before = LATER | manifest["recipe"]
        now = LATER | runtime.recipe.resolved()
        found += [
            f"preprocess.{key} was {before.get(key)!r} when recorded, now it is {now.get(key)!r}"
            for key in sorted(set(before) | set(now))
            if before.get(key) != now.get(key)
        ]
    decode_now = runtime.decode.model_dump(mode="json", by_alias=True, exclude_none=True)
    found += [
        f"decode.{key} was {manifest['decode'].get(key)!r} when recorded, now it is "
        f"{decode_now.get(key)!r}"
        for key in sorted(set(manifest["decode"]) | set(decode_now))
        if manifest["decode"].get(key) != decode_now.get(key)
    ]
    if list(manifest["classes"]) != list(suite.classes):
        found.append("the classes are not those that were recorded")
    found += _wiring(runtime, manifest) + _models(suite, manifest)
    for image, entry in manifest["images"].items():
        file = suite.image_path(image)
        if image in suite.images and digest(file)[0] != entry["sha256"]:
            found.append(f"the image {image} changed since it was recorded")
    return found


def _wiring(runtime: Runtime, manifest: Mapping[str, Any]) -> list[str]:
    """Changes of which output is which head, and of the layout of the input.

    A layout that is declared now may be what was found out before: that is no change.
    """
    found, where = [], f"runtimes.{runtime.name}"
    before, now = manifest.get("outputs"), dict(runtime.table.outputs)
    if before is not None and before != now:
        found.append(f"{where}.outputs was {before!r} when recorded, now it is {now!r}")
    before, declared = manifest.get("layout"), runtime.table.layout
    if before and declared not in (None, before):
        found.append(f"{where}.layout was {before!r} when recorded, now it is {declared!r}")
    return found


def _models(suite: Suite, manifest: Mapping[str, Any]) -> list[str]:
    """Model files of another content; a file that is not there, as in a release, is no change."""
    present, recorded = artifacts(suite), manifest["artifacts"]
    found = [
        f"the model file {path} changed since it was recorded"
        for path, sha256 in recorded.items()
        if path in present and present[path] != sha256
    ]
    if not recorded:
        return found
    found += [
        f"the model file {path} is not one of those that were recorded: {', '.join(recorded)}"
        for path, sha256 in present.items()
        if path not in recorded and sha256 not in recorded.values()
    ]
    return found


def artifacts(suite: Suite) -> dict[str, str]:
    """SHA-256 of the reference's model files that are there, by path as the suite names them."""
    runtime = suite.runtimes[suite.reference]
    paths = artifact_files(runtime, suite.folder)
    return {_name(path, suite.folder): digest(path)[0] for path in paths}


def _name(path: Path, folder: Path) -> str:
    inside = path.is_relative_to(folder)
    return (path.relative_to(folder) if inside else path).as_posix()
