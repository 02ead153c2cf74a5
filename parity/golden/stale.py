"""What makes goldens unusable: a manifest that is damaged, or a suite that changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from parity.decode.unread import Unread
from parity.files import digest
from parity.golden import sources
from parity.record.codec import many_from_data
from parity.suite import Decode, Runtime, Suite
from parity.suite.recipe import LATER

FORMAT = 2
_FIRST = 1  # the format that did not hold what the reference is made of
_SHAPES = {
    "format": int,
    "identity": dict,
    "recipe": dict,
    "recipe_digest": str,
    "decode": dict,
    "classes": list,
    "outputs": dict,
    "layout": str,
    "unread": list,
    "reference": dict,
    "files": dict,
    "absent": list,
    "modules": dict,
    "images": dict,
}
_OF_IMAGE = ("sha256", "file", "file_sha256")
_PATHS = ("model", "weights")
_NAMED = 5  # images that a message names; more are counted


def damage(manifest: Any) -> list[str]:
    """What makes the manifest unusable; its file names may not leave its folder."""
    if not isinstance(manifest, dict) or "format" not in manifest:
        return [f"expected a manifest with {', '.join(_SHAPES)}, found something else"]
    if manifest["format"] == _FIRST:
        return [
            f"format: expected {FORMAT}, found {_FIRST}, of an older version of parity: it does "
            f"not say of which model, weights, options and modules it was recorded, so that a "
            f"change since would go unseen"
        ]
    if manifest["format"] != FORMAT:
        return [f"format: expected {FORMAT}, found {manifest['format']!r}"]
    missing = [key for key in _SHAPES if key not in manifest]
    if missing:
        return [
            f"expected a manifest with {', '.join(_SHAPES)}, found none of {', '.join(missing)}"
        ]
    wrong = [
        f"{key}: expected {kind.__name__}, found {manifest[key]!r}"
        for key, kind in _SHAPES.items()
        if type(manifest[key]) is not kind
    ]
    wrong += [
        f"modules.{name}: expected a table of files, found {files!r}"
        for name, files in (manifest["modules"].items() if not wrong else ())
        if not isinstance(files, dict)
    ]
    return wrong or [*_damaged_unread(manifest["unread"]), *_damaged_images(manifest["images"])]


def _damaged_unread(unread: Iterable[Any]) -> list[str]:
    found = []
    for at, one in enumerate(unread):
        try:
            many_from_data(Unread, [one])
        except ValidationError:
            found.append(f"unread.{at}: expected an output that nobody judges, found {one!r}")
    return found


def _damaged_images(images: Mapping[str, Any]) -> list[str]:
    found = []
    for image, entry in images.items():
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
        before, now = LATER | manifest["recipe"], LATER | runtime.recipe.resolved()
        found += _differing("preprocess", before, now)
    found += _differing("decode", _filled(manifest["decode"]), _dumped(runtime.decode))
    if list(manifest["classes"]) != list(suite.classes):
        found.append("the classes are not those that were recorded")
    found += _wiring(runtime, manifest)
    found += _network(suite, manifest) + _modules(suite, manifest)
    return found + _images(suite, manifest["images"])


def _dumped(decode: Decode) -> dict[str, Any]:
    return decode.model_dump(mode="json", by_alias=True, exclude_none=True)


def _filled(recorded: dict[str, Any]) -> dict[str, Any]:
    """With the defaults of keys that came after it was recorded."""
    try:
        return _dumped(Decode.model_validate(recorded))
    except ValidationError:  # a key that is gone since
        return recorded


def _differing(
    where: str, before: Mapping[str, Any], now: Mapping[str, Any], keys: Iterable[str] | None = None
) -> list[str]:
    return [
        f"{where}.{key} was {before.get(key)!r} when recorded, now it is {now.get(key)!r}"
        for key in (sorted(set(before) | set(now)) if keys is None else keys)
        if before.get(key) != now.get(key)
    ]


def _wiring(runtime: Runtime, manifest: Mapping[str, Any]) -> list[str]:
    """Changes of which output is which head, and of the layout of the input.

    A layout that is declared now may be what was found out before: that is no change.
    """
    where = f"runtimes.{runtime.name}"
    found = _differing(where, manifest, {"outputs": dict(runtime.table.outputs)}, ("outputs",))
    before, declared = manifest["layout"], runtime.table.layout
    if before and declared not in (None, before):
        found.append(f"{where}.layout was {before!r} when recorded, now it is {declared!r}")
    return found


def _network(suite: Suite, manifest: Mapping[str, Any]) -> list[str]:
    """Another model, weights, option, or files of another content.

    A file that is not there, as in a release, is no change, and neither is one of the recorded
    content under another name: but another name of what is not there is one.
    """
    before, now = manifest["reference"], sources.reference(suite)
    present, recorded = sources.files(suite), manifest["files"]
    named = {key: sources.name(suite.folder / now[key], suite) for key in _PATHS if now[key]}
    moved = [key for key, path in named.items() if present.get(path) in recorded.values()]
    keys = [key for key in now if key not in moved]
    found = _differing(f"runtimes.{suite.reference}", before, now, keys)
    for path, sha256 in present.items():
        if path in recorded and recorded[path] != sha256:
            found.append(f"the file {path} changed since it was recorded")
        elif path in manifest["absent"]:
            found.append(f"the file {path} is there now, and was not when it was recorded")
        elif path not in (*recorded, *named.values()) and sha256 not in recorded.values():
            found.append(
                f"the file {path} is not one of those that were recorded: {', '.join(recorded)}"
            )
    return found


def _modules(suite: Suite, manifest: Mapping[str, Any]) -> list[str]:
    """Edited modules of each ``module:function``; where its own one is absent it was left out."""
    found = []
    for reference, now in sources.modules(suite).items():
        recorded = manifest["modules"].get(reference, now)
        for path in sorted(set(now) | set(recorded)):
            if path not in now:
                found.append(f"the module {path} was imported when it was recorded, and is not now")
            elif path not in recorded:
                found.append(f"the module {path} is imported now, and was not when it was recorded")
            elif now[path] != recorded[path]:
                found.append(f"the module {path} changed since it was recorded")
    return list(dict.fromkeys(found))


def _images(suite: Suite, recorded: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Recorded images that are lost or of another content."""
    lost = [image for image in recorded if image not in suite.images]
    found = []
    if lost:
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        found.append(
            f"detector.images: expected the {len(recorded)} images that were recorded, found "
            f"{len(recorded) - len(lost)} of them, without {', '.join(lost[:_NAMED])}{more}"
        )
    return found + [
        f"the image {image} changed since it was recorded"
        for image, entry in recorded.items()
        if image in suite.images and digest(suite.image_path(image))[0] != entry["sha256"]
    ]
