"""An inspection as lines of text; every string that came from the file is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from parity.formats.contents import Contents, Tensor
from parity.inspecting.findings import Inspection, RuntimeView
from parity.report.table import table
from parity.report.text import clipped, padded, printable

_WIDE = 15
_LONGEST = 400
_MANY = 12
_SIZES = ("B", "KiB", "MiB", "GiB", "TiB")


def text(found: Iterable[Inspection]) -> str:
    """What ``parity inspect`` prints for several files."""
    return "\n".join("\n".join(_lines(one)) + "\n" for one in found)


def _lines(one: Inspection) -> Iterator[str]:
    contents = one.contents
    form = contents.form if contents is not None else ""
    said = f"{one.phrase}: {form}" if form and form not in one.phrase else one.phrase
    yield f"{_safe(one.path)}: {_safe(said)}"
    for fault in one.faults:
        yield _row("fault", fault, clip=False)
    for note in one.notes:
        yield _row("note", note, clip=False)
    for finding in one.code:
        yield _row("code", finding)
    if one.size is not None:
        yield _row("size", f"{_size(one.size)} ({one.size} bytes)")
        yield _row("sha256", one.sha256 or "")
    if contents is not None:
        yield from _contents(contents)
    yield from _runtimes(one.runtimes)


def _contents(contents: Contents) -> Iterator[str]:
    if contents.written_by:
        yield _row("written by", contents.written_by)
    if contents.parameters is not None:
        yield _row("parameters", str(contents.parameters))
    for name, ends in (("input", contents.inputs), ("output", contents.outputs)):
        for tensor in ends[:_MANY]:
            yield _row(name, _tensor(tensor))
        if len(ends) > _MANY:
            yield _row(name, f"and {len(ends) - _MANY} more")
    for key, value in contents.facts.items():
        shown = _value(value)
        if shown:
            yield _row(key.replace("_", " "), shown)


def _tensor(tensor: Tensor) -> str:
    sizes = ""
    if tensor.shape is not None:
        inner = ", ".join("?" if size is None else str(size) for size in tensor.shape)
        sizes = f"({inner})"
    return " ".join(filter(None, (tensor.name, tensor.dtype, sizes)))


def _value(value: Any) -> str:
    """A fact in one line: "a 3, b 1" for counts, "yes" for truth, "" for nothing."""
    if isinstance(value, Mapping):
        nested = any(isinstance(one, Mapping) for one in value.values())
        parts = [
            f"{key} ({shown})" if isinstance(one, Mapping) else f"{key} {shown}"
            for key, one in value.items()
            if (shown := _value(one))
        ]
        return _few(parts, "; " if nested else ", ")
    if isinstance(value, list | tuple):
        return _few([_value(one) for one in value])
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def _few(parts: list[str], between: str = ", ") -> str:
    more = [f"and {len(parts) - _MANY} more"] if len(parts) > _MANY else []
    return between.join([*parts[:_MANY], *more])


def _runtimes(views: tuple[RuntimeView, ...]) -> list[str]:
    told = [one for one in views if one.verdict != "other-kind"]
    rows = [(f"  {one.kind}", _verdict(one), _safe(one.reason)) for one in told]
    others = ", ".join(one.kind for one in views if one.verdict == "other-kind")
    if views and not told:
        return [_row("runtimes", "no runtime here opens a file of this kind")]
    if others and told:
        rows.append(("  others", "no", f"{others} open files of other kinds"))
    return table(("  runtime", "loads", "why"), rows).lines() if rows else []


def _verdict(one: RuntimeView) -> str:
    words = {"loads": "yes", "not-tried": "not tried", "not-installed": "not installed"}
    word = words.get(one.verdict, "no")
    return f"{word} ({one.version})" if one.verdict == "loads" and one.version else word


def _row(label: str, value: str, clip: bool = True) -> str:
    shown = printable(value)
    return f"  {padded(printable(label), _WIDE)}  {clipped(shown, _LONGEST) if clip else shown}"


def _safe(value: str) -> str:
    return printable(value)


def _size(count: int) -> str:
    value, unit = float(count), 0
    while value >= 1024 and unit < len(_SIZES) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {_SIZES[unit]}" if unit else f"{count} B"
