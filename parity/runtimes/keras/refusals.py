"""Why Keras refused a file: its words, which version wrote the file, and how the weights differ."""

import re
from typing import Any, Dict, Iterator, Mapping, Tuple

from ..shared import refusals
from . import layer_weights
from .saving import configuration, keras_version

_UNKNOWN = (
    r"Could not deserialize '([\w.]+)' because",
    r"Could not locate (?:class|function) '([^']+)'",
    r"Unknown (?:layer|object|(?:activation|loss|metric) function|initializer|regularizer"
    r"|constraint): '?([\w>]+)'?",
    r"[Cc]ould not interpret \w+(?: function)? identifier: ([\w.]+)",
)
_ARGUMENTS = re.compile(
    r"Unrecognized keyword arguments? passed to (\w+): (\{[^}]*\})"
    r"|(?:(\w+)\.)?__init__\(\) got an unexpected keyword argument '(\w+)'"
    r"|Keyword argument not understood:', '(\w+)'"
)
# What the configuration of a layer of another generation (Keras 2 and 3) is refused with.
_GENERATION = re.compile(
    r"are read by Keras|DTypePolicy|[Cc]annot (?:interpret|convert) .{1,300} (?:data ?type|DType)"
    r"|(?:not enough|too many) values to unpack|[Cc]ould not (?:deserialize|interpret)"
    r"|Improper config format|Unknown (?:dtype|policy)"
)
_WEIGHTS = re.compile(
    r"objects could not be loaded|Weight count mismatch|Layer count mismatch|Shape mismatch in"
    r"|but received \d+ variables during loading|must match\. variable\.shape|axes don't match"
)
_CONSTRUCTOR = "the constructor of a custom layer takes what its get_config() gives, and **kwargs"
_DAMAGED = re.compile(
    r"Unable to (?:synchronously )?open|[Ff]ile signature not found|truncated file"
    r"|Expected a model\.weights|instance of `KerasSaveable`|^'model_weights'$|bad object header"
    r"|Can't (?:synchronously )?(?:read|open)|filter returned failure|addr overflow"
)


def explain(error: BaseException, keras: Any, path: str, **settings: Any) -> Tuple[str, Any]:
    """The code and facts of what Keras raised while it loaded ``path`` with these settings."""
    code, facts = refusals.read(error, ())
    text = str(error)
    if code != "not-loadable":
        return code, facts
    wrote, here = keras_version(path), str(getattr(keras, "__version__", ""))
    arguments = _ARGUMENTS.search(text)
    if arguments:
        layer = arguments.group(1) or arguments.group(3)
        listed = re.findall(r"'(\w+)':", arguments.group(2) or "")
        names = listed or [arguments.group(4) or arguments.group(5) or ""]
        detail = f"{layer or 'a layer'} takes no {', '.join(names)} here"
        classes = {layer} if layer else set(_with_argument(_config(path), names[0]))
        custom = settings.get("custom_objects") or {}
        if classes and not any(_is_own(one, keras, custom) for one in classes):
            return "not-loadable", {"reason": f"{detail}: {_CONSTRUCTOR}"}
        return _of_version(wrote, here, detail)
    for pattern in _UNKNOWN:
        match = re.search(pattern, text)
        if match:
            return _unknown(match.group(1), wrote, here)
    if _WEIGHTS.search(text):
        found = layer_weights.differences(keras, path, **settings)
        return "missing-weights", {"missing": (), "unexpected": (), "mismatched": (), **found}
    if _DAMAGED.search(text):
        return "damaged", {}
    cause = text.rpartition("Exception encountered: ")[2]  # it stands behind the configuration
    reason = {} if cause == text else {"reason": cause[:500]}
    if _GENERATION.search(text) and _numbers(wrote)[:1] != _numbers(here)[:1]:
        code, facts = _of_version(wrote, here, cause[:500])
        return code, {**facts, **reason}
    return "not-loadable", reason


def _is_own(name: str, keras: Any, custom: Mapping[str, Any]) -> bool:
    """Whether a class is one of Keras' own."""
    homes = (keras, keras.layers, keras.initializers, keras.regularizers, keras.constraints)
    known = name == "Functional" or any(hasattr(home, name) for home in homes)
    return known and name not in custom


def _config(path: str) -> Any:
    try:
        return configuration(path)
    except Exception:  # as in ``keras_version``
        return None


def _with_argument(config: Any, name: str) -> Iterator[str]:
    """The classes whose configuration holds this argument, where the words name none."""
    if isinstance(config, list):
        for one in config:
            yield from _with_argument(one, name)
    if isinstance(config, dict):
        inner = config.get("config")
        if "class_name" in config and isinstance(inner, dict) and name in inner:
            yield str(config["class_name"])
        for one in config.values():
            yield from _with_argument(one, name)


def _unknown(name: str, wrote: str, here: str) -> Tuple[str, Dict[str, Any]]:
    """A name that this Keras does not know: its own of another version, or the user's."""
    own = name.startswith("keras.")
    if _numbers(wrote)[:1] == (1,) or (own and _numbers(wrote) > _numbers(here)):
        return _of_version(wrote, here, f"{name} is not known here")
    return "not-registered", refusals.unknown("object", name)


def _of_version(wrote: str, here: str, detail: str) -> Tuple[str, Dict[str, Any]]:
    if not _numbers(wrote) or _numbers(wrote)[:2] == _numbers(here)[:2]:
        return "not-loadable", {"reason": detail}
    too = "new" if _numbers(wrote) > _numbers(here) else "old"
    return "version", {**refusals.version("a file of keras", wrote, None, too), "detail": detail}


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
