"""Pydantic's findings in this project's words: key path, what was expected, what was found."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from parity.fields import Table

_LONGEST = 1000  # characters of one problem
_EXPECTED = {
    "string_type": "a string",
    "float_type": "a number",
    "float_parsing": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
    "too_short": "at least one entry",
    "string_too_short": "a text that is not empty",
}
_BOUNDS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}


def describe(error: ValidationError, model: type[BaseModel], prefix: str = "") -> list[str]:
    """Each finding of a validation as "KEY.PATH: expected ..., found ...", sorted by path."""
    found = error.errors(include_url=False)
    # A list of which every entry was refused is too short as well, which is not worth a line.
    left = [one for one in found if one["type"] != "too_short" or not one["input"]]
    lines = [_line(detail, model, prefix) for detail in left]
    return sorted(dict.fromkeys(lines))


def bounded(lines: Iterable[str]) -> list[str]:
    """Each line once, without the middle of what nobody reads to its end."""
    kept = _LONGEST // 2
    return [
        line if len(line) <= _LONGEST else f"{line[:kept]} … {line[-kept:]}"
        for line in dict.fromkeys(lines)
    ]


def nul_characters(value: Any, path: str = "") -> Iterator[str]:
    """The line of every text in which a NUL character stands: no file, class or option has one."""
    if isinstance(value, str) and "\0" in value:
        yield f"{path}: expected text without NUL characters, found {value!r}"
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from nul_characters(key, f"{path} (a key)" if path else "a key")
            yield from nul_characters(one, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from nul_characters(one, f"{path}.{index}")


def unknown_name(path: str, found: str, known: Iterable[str]) -> str:
    """The line for a name that is none of the known ones, with the nearest of them."""
    names = sorted(known)
    near = difflib.get_close_matches(found, names, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"{path}: expected one of {', '.join(names)}, found {found!r}{hint}"


def _line(detail: Any, model: type[BaseModel], prefix: str) -> str:
    path = ".".join([*([prefix] if prefix else []), *map(str, detail["loc"])])
    kind, found = detail["type"], detail["input"]
    context = detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _keys_at(model, detail["loc"][:-1])
        return unknown_name(path, str(detail["loc"][-1]), known).replace(
            "expected one of", "unknown key; expected one of", 1
        )
    if kind == "missing":
        what = f"a table [{path}]" if _is_table(model, detail["loc"]) else "a value"
        return f"{path}: expected {what}, found nothing"
    if kind == "value_error":
        text = str(context["error"])
        return f"{path}.{text}" if _starts_with_key(text) else f"{path}: {text}".lstrip(": ")
    if kind == "literal_error":
        return f"{path}: expected {context['expected']}, found {found!r}"
    if kind == "string_pattern_mismatch":
        return f"{path}: expected text like {context['pattern']}, found {found!r}"
    if kind in _BOUNDS:
        key, words = _BOUNDS[kind]
        return f"{path}: expected {words} {context[key]:g}, found {found!r}"
    if kind in _EXPECTED:
        return f"{path}: expected {_EXPECTED[kind]}, found {found!r}"
    return f"{path}: {detail['msg']}, found {found!r}"


def _starts_with_key(text: str) -> bool:
    return text.split(":", 1)[0].replace("-", "_").isidentifier() and ": " in text


def _is_table(model: type[BaseModel], location: Sequence[Any]) -> bool:
    return bool(_keys_at(model, location)) or get_origin(_type_at(model, location)) is dict


def _keys_at(model: type[BaseModel], location: Sequence[Any]) -> list[str]:
    """The keys of the table at a location of the file."""
    current = _type_at(model, location)
    return current.keys() if isinstance(current, type) and issubclass(current, Table) else []


def _type_at(model: type[BaseModel], location: Sequence[Any]) -> Any:
    """The type of what stands at a location of the file."""
    current: Any = model
    for step in location:
        if isinstance(current, type) and issubclass(current, Table):
            current = _inner(current.part(step))
        elif isinstance(current, types.GenericAlias):
            *_, inner = (one for one in get_args(current) if one is not Ellipsis)
            current = inner
    return current


def _inner(annotation: Any) -> Any:
    if isinstance(annotation, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation
