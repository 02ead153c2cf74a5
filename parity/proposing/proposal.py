"""A whole ``parity.toml`` for several files of one detector."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from parity import runtimes
from parity.decode.families import broken
from parity.proposing.decoding import (
    Reading,
    as_reference,
    decode_entries,
    differing,
    family_entries,
    nms_entries,
    outputs_of,
    read,
    reading_entries,
)
from parity.proposing.lines import Entry, Section, note, rendered
from parity.proposing.looking import Model, Refused
from parity.proposing.recipes import recipe_entries

PRECISE_FIRST = ("float32", "float16", "int8")
GENERIC = ("detector", "model", "saved_model", "best", "last", "export", "output")
POSSIBLE = 0.5  # from here on a family that is not the likeliest is worth a word
NAMES = {"hdf5": "keras"}  # of runtimes, where the content's own word will not do


@dataclass(frozen=True)
class Asked:
    """What the user said: image patterns and the class file, relative to the suite's ``folder``.

    ``fed``: what the networks were run on. ``class_count``: how many the class file lists.
    """

    folder: Path
    fed: str
    images: str | None = None
    classes: str | None = None
    class_count: int | None = None


@dataclass(frozen=True)
class Proposal:
    """The text of the file, and how many of its lines the user must complete."""

    text: str
    todos: int


def propose(looked: Sequence[Model | Refused], asked: Asked) -> Proposal:
    """The proposal for files of which at least one was opened."""
    models = sorted((one for one in looked if isinstance(one, Model)), key=_rank)
    refused = [one for one in looked if isinstance(one, Refused)]
    names = _runtime_names(models)
    reference = models[0]
    listed = next((one.metadata.names for one in models if one.metadata.names), None)
    count = asked.class_count or (len(listed) if listed else None)
    own = read(reference, count)
    sections = [
        _detector(reference, names[0], own, listed, asked),
        Section("preprocess", recipe_entries(reference, own.family)),
        Section("decode", decode_entries(own)),
        *_family(reference, own, asked.folder),
    ]
    for name, model in zip(names, models, strict=True):
        reading = own if model is reference else as_reference(read(model, count), own)
        sections += _runtime(name, model, reading, reference, own, asked.folder)
    text = rendered(_header(models, refused, asked), sections)
    return Proposal(text, sum("TODO: " in line for line in text.splitlines()) - 1)


def _rank(model: Model) -> tuple[int, int]:
    kinds = [one.kind for one in runtimes.descriptors()]  # the nearest to training first
    if model.kind not in kinds or model.tolerance not in PRECISE_FIRST:
        return len(kinds), 0
    precise = PRECISE_FIRST.index(model.tolerance)
    exported = not runtimes.descriptor(model.kind).native
    return (kinds.index(model.kind) + len(kinds) * (precise if exported else 0), precise)


def _runtime_names(models: Sequence[Model]) -> list[str]:
    names: list[str] = []
    for model in models:
        name = NAMES.get(model.form, model.form)
        if model.tolerance != "float32":
            name += f"_{model.tolerance}"
        number = 2
        unique = name
        while unique in names:
            unique, number = f"{name}_{number}", number + 1
        names.append(unique)
    return names


def _header(models: Sequence[Model], refused: Sequence[Refused], asked: Asked) -> list[str]:
    low, high = models[0].values
    lines = [
        "Proposed by `parity init`: read every line before you rely on it.",
        f"Each network was run once, on {asked.fed} (values {low:.4g}..{high:.4g}).",
        "seen: what the file or that run showed. assumed: what is usual, and was not seen.",
        "TODO: what only you can know.",
    ]
    sizes = {model.size for model in models}
    if len(sizes) > 1:
        words = ", ".join(
            f"{model.path.name} {model.size[0]} x {model.size[1]}" for model in models
        )
        lines.append(f"TODO: the models take inputs of different sizes: {words}")
    lines += [f"not asked whether the heads are its own: {why}" for why in broken().values()]
    for one in refused:
        reason = " ".join(one.reason.split())
        lines.append(f"left out, as it did not load or run: {one.path.name}: {reason}")
    return lines


def _detector(
    reference: Model,
    runtime: str,
    reading: Reading,
    listed: Sequence[str] | None,
    asked: Asked,
) -> Section:
    why = "nearest to training, in the highest precision"
    if asked.images is None:
        todo = "TODO: your images; twenty are a start, empty and crowded ones among them"
        images = Entry("images", ["images/*.jpg"], todo)
    else:
        images = Entry("images", [asked.images])
    return Section(
        "detector",
        (
            Entry("name", _name(reference.path)),
            Entry("reference", runtime, f"assumed: {why}"),
            images,
            *_classes(reading, listed, asked),
        ),
    )


def _name(path: Path) -> str:
    """A name for the detector: the file's, or its folder's where the file's says nothing."""
    stem = path.name.split(".")[0]
    plain = re.sub(r"[_-]?(int8|float16|float32|fp16|fp32|savedmodel|saved_model)$", "", stem)
    if plain.lower() in ("", *GENERIC):
        plain = path.resolve().parent.name or plain
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("._-")
    return plain or "detector"


def _classes(reading: Reading, listed: Sequence[str] | None, asked: Asked) -> tuple[Entry, ...]:
    room = reading.first.classes if reading.first else None
    if asked.classes is not None:
        misfit = room is not None and room != asked.class_count
        why = f"TODO: the heads have room for {room}, the file lists {asked.class_count}"
        return (Entry("classes", asked.classes, why if misfit else ""),)
    if listed:
        misfit = room is not None and room != len(listed)
        why = f"TODO: the heads have room for {room}" if misfit else "seen: the file's metadata"
        return (Entry("classes", list(listed), why),)
    if room is not None:
        why = f"TODO: their names; {_room(reading)}"
        return (Entry("classes", [f"class {number}" for number in range(room)], why),)
    why = "TODO: all of them, in order; neither their number nor their names can be seen"
    return (Entry("classes", ["class 0"], why),)


def _room(reading: Reading) -> str:
    """For how many classes there is room, as far as that hangs on the family or a background."""
    first = reading.first
    if first is None:
        return ""
    background = "background" in first.table
    others = {
        one.classes: one.family
        for one in reversed(reading.ranking[1:])
        if one.classes not in (None, first.classes) and one.weight >= POSSIBLE
    }
    if not others and not background:
        return f"seen: the heads have room for {first.classes}"
    beside = " beside a background" if background else ""
    words = [f"room for {first.classes}{beside} if {first.family}"]
    words += [f"for {count} if {family}" for count, family in others.items()]
    return "seen: " + ", ".join(words)


def _family(model: Model, reading: Reading, folder: Path, prefix: str = "") -> list[Section]:
    """The table of the family, where it has keys to fill in."""
    if reading.first is None:
        return []
    entries = family_entries(reading.first, model, folder)
    return [Section(f"{prefix}decode.{reading.family}", entries)] if entries else []


def _runtime(
    name: str, model: Model, reading: Reading, reference: Model, own: Reading, folder: Path
) -> list[Section]:
    first = reading.first
    entries = [
        Entry("kind", model.kind, "seen: the file's content"),
        Entry("model", Path(os.path.relpath(model.path, folder)).as_posix()),
        *_tolerance(model),
    ]
    if not model.layout_said:
        why = f"assumed: usual for {model.kind}, and it ran; the file does not say it"
        entries.append(Entry("layout", model.layout, why))
    bound = outputs_of(first, model) if first is not None else None
    if bound is not None:
        why = "which output is which head: seen in names, shapes and values"
        entries.append(Entry("outputs", bound, why))
    sections = [Section(f"runtimes.{name}", tuple(entries))]
    if own_size := _size(model, reference):
        sections.append(Section(f"runtimes.{name}.preprocess", own_size))
    return (
        sections if model is reference else [*sections, *_other(name, model, reading, own, folder)]
    )


def _size(model: Model, reference: Model) -> tuple[Entry, ...]:
    """The keys of a candidate whose input has a size that the reference's recipe does not give."""
    if model.resizes or (model.size == reference.size and not reference.resizes):
        return ()
    size = Entry("size", list(model.size), model.size_why)
    return (size, Entry("resize", "stretch", "assumed")) if reference.resizes else (size,)


def _other(name: str, model: Model, reading: Reading, own: Reading, folder: Path) -> list[Section]:
    """What a candidate needs otherwise than the reference to be decoded."""
    first, prefix = reading.first, f"runtimes.{name}."
    if first is None or own.first is None:
        return []
    if first.family != own.family:
        entries = (*reading_entries(reading), *nms_entries(reading, own))
        return [Section(f"{prefix}decode", entries), *_family(model, reading, folder, prefix)]
    why = "seen: not as in the reference"
    found = tuple(Entry(key, value, why) for key, value in differing(first, own.first).items())
    return [Section(f"{prefix}decode.{first.family}", found)] if found else []


def _tolerance(model: Model) -> tuple[Entry, ...]:
    if model.tolerance != "float32":
        return (Entry("tolerance", model.tolerance, f"seen: {model.weights}"),)
    if model.weights:
        return ()
    return (note("the default tolerance, float32: the precision of its weights was not looked at"),)
