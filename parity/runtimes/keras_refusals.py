"""Why Keras refused a file: its words, which version wrote the file, and how the weights differ."""

import json
import re
import zipfile
from typing import Any, Dict, Tuple

from . import keras_weights, refusals

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
_WEIGHTS = re.compile(
    r"objects could not be loaded|Weight count mismatch|Layer count mismatch|Shape mismatch in"
    r"|but received \d+ variables during loading|must match\. variable\.shape|axes don't match"
)
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
    wrote, here = saved_by(path), str(getattr(keras, "__version__", ""))
    arguments = _ARGUMENTS.search(text)
    if arguments:
        layer = arguments.group(1) or arguments.group(3) or "a layer"
        listed = ", ".join(re.findall(r"'(\w+)':", arguments.group(2) or ""))
        names = listed or arguments.group(4) or arguments.group(5)
        return _of_version(wrote, here, f"{layer} takes no {names} here")
    for pattern in _UNKNOWN:
        match = re.search(pattern, text)
        if match:
            return _unknown(match.group(1), wrote, here)
    if _WEIGHTS.search(text):
        found = keras_weights.differences(keras, path, **settings)
        return "missing-weights", {"missing": (), "unexpected": (), "mismatched": (), **found}
    if _DAMAGED.search(text):
        return "damaged", {}
    cause = text.rpartition("Exception encountered: ")[2]  # it stands behind the configuration
    return "not-loadable", {} if cause == text else {"reason": cause[:500]}


def saved_by(path: str) -> str:
    """The version of Keras that wrote a ``.keras`` or ``.h5`` file; "" where it does not say."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                return str(json.loads(archive.read("metadata.json"))["keras_version"])
        import h5py

        with h5py.File(path, "r") as handle:
            found = handle.attrs["keras_version"]
            return found.decode() if isinstance(found, bytes) else str(found)
    except Exception:  # a damaged file may raise whatever it likes; it then says no version
        return ""


def _unknown(name: str, wrote: str, here: str) -> Tuple[str, Dict[str, Any]]:
    """A name that this Keras does not know: its own of another version, or the user's."""
    own = name.startswith("keras.")
    if _numbers(wrote)[:1] == (1,) or (own and _numbers(wrote) > _numbers(here)):
        return _of_version(wrote, here, f"{name} is not known here")
    return "not-registered", refusals.unknown("object", name)


def _of_version(wrote: str, here: str, detail: str) -> Tuple[str, Dict[str, Any]]:
    if not _numbers(wrote) or _numbers(wrote) == _numbers(here):
        return "not-loadable", {"reason": detail}
    too = "new" if _numbers(wrote) > _numbers(here) else "old"
    return "version", {**refusals.version("a file of keras", wrote, None, too), "detail": detail}


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
