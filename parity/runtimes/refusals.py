"""Why a library refused a file: its own words, read as a code and facts.

Each library has a table of rules; the first whose pattern is found in what it raised says the code
(see ``contract.AdapterError``). Words that no rule knows stay ``not-loadable``. The sentences are
those of the versions that were tried, old and new.
"""

import functools
import pickle
import platform
import re
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

from . import onnx_ops

Facts = Dict[str, Any]
MEMORY = re.compile(
    r"can't allocate memory|[Cc]annot allocate memory|out of memory|\bOOM\b|std::bad_alloc"
    r"|Failed to allocate memory|overflowed total tensor bytes|Unable to allocate"
)
_LIMIT = 100_000  # characters of a library's message that are searched
_DAMAGED_TYPES = ("EOFError", "BadZipFile", "UnpicklingError", "JSONDecodeError", "DecodeError")


class Rule(NamedTuple):
    """A pattern in a library's words, the code that it means, and the facts made of its groups."""

    pattern: "re.Pattern[str]"
    code: str
    facts: Callable[["re.Match[str]"], Facts]


def read(error: BaseException, rules: Sequence[Rule]) -> Tuple[str, Facts]:
    """The code and facts of what a library raised; ``not-loadable`` where nobody knows."""
    text = str(error)[:_LIMIT]
    if of_memory(error):
        return "out-of-memory", memory_facts("opened the model")
    for rule in rules:
        match = rule.pattern.search(text)
        if match:
            return rule.code, rule.facts(match)
    if type(error).__name__ in _DAMAGED_TYPES:
        return "damaged", {}
    return "not-loadable", {}


def reader(rules: Sequence[Rule]) -> Callable[[BaseException], Tuple[str, Facts]]:
    """``read`` with these rules."""
    return functools.partial(read, rules=rules)


def of_memory(error: BaseException) -> bool:
    """Whether it was raised because there is not enough memory."""
    named = type(error).__name__ == "ResourceExhaustedError"
    return isinstance(error, MemoryError) or named or bool(MEMORY.search(str(error)[:_LIMIT]))


def memory_facts(doing: str) -> Facts:
    """As of a process that took too much, which is here this one."""
    return {"limit": None, "found": None, "doing": doing, "output": ()}


def rule(pattern: str, code: str, facts: Optional[Callable[..., Facts]] = None) -> Rule:
    """A rule; ``facts`` is called with the pattern's groups."""

    def made(match: "re.Match[str]") -> Facts:
        return facts(*match.groups()) if facts else {}

    return Rule(re.compile(pattern, re.DOTALL), code, made)


def version(what: str, found: Any, limit: Any = None, too: str = "new") -> Facts:
    """Of ``version``: what has a version, which, up to which the library reads, "new" or "old"."""
    return {"what": what, "found": str(found), "limit": limit and str(limit), "too": too}


def unknown(what: str, name: str, where: str = "") -> Facts:
    """Of ``not-registered``: "layer", "op" or "class", its name, and what more is known of it."""
    return {"what": what, "name": name, "detail": where}


def pickle_version(protocol: int) -> Facts:
    """Of a pickle that is too new, which is Python's affair and not the library's."""
    python = f"Python {platform.python_version()}"
    return {**version("pickle protocol", protocol, pickle.HIGHEST_PROTOCOL), "library": python}


def _compared(what: str, found: str, limit: str) -> Facts:
    return version(what, found, limit, "new" if int(found) > int(limit) else "old")


ONNX = (
    rule(
        r"Unsupported model IR version: (\d+), max supported IR version: (\d+)",
        "version",
        lambda found, limit: _compared("IR version", found, limit),
    ),
    rule(
        r"Opset (\d+) is under development.*for domain (\S+) is till opset (\d+)",
        "version",
        lambda found, domain, limit: version(f"opset of {domain}", found, limit),
    ),
    rule(
        r"Could not find an implementation for (\w+)\((\d+)\)",
        "not-registered",
        lambda op, since: {
            **unknown("op", op, f"of opset {since}"),
            "lacks": "kernel",
            **onnx_ops.without_kernel(op, int(since)),
        },
    ),
    rule(
        r"No Op registered for (\w+) with domain_version of (\d+)",
        "not-registered",
        lambda op, opset: {
            **unknown("op", op, f"in opset {opset}"),
            "lacks": "opset",
            **onnx_ops.absent(op, int(opset)),
        },
    ),
    rule(
        r"Op registered for (\w+) is deprecated in domain_version of (\d+)",
        "not-registered",
        lambda op, opset: {
            **unknown("op", op, f"in opset {opset}"),
            "lacks": "place",
            **onnx_ops.withdrawn(op),
        },
    ),
    rule(
        r"Fatal error: ([\w.]+):(\w+)\(-?\d+\) is not a registered function/op",
        "not-registered",
        lambda domain, op: unknown("op", op, f"of the domain {domain}"),
    ),
    rule(
        r"Missing opset in the model|does not match expected size|INVALID_PROTOBUF"
        r"|Protobuf parsing failed|out of bounds or can not be read"
        r"|is not a graph input, initializer, or output",
        "damaged",
    ),
)
"""ONNX Runtime."""

TFLITE = (
    rule(
        r"builtin opcode '(\w+)' version '(\d+)'",
        "version",
        lambda op, found: version(f"op {op} of version", found),
    ),
    rule(
        r"builtin_code out of range: (\d+)",
        "version",
        lambda found: version("op code", found),
    ),
    rule(
        r"schema version (\d+) not equal to supported version (\d+)",
        "version",
        lambda found, limit: _compared("schema version", found, limit),
    ),
    rule(
        r"(?:Select TensorFlow op|Regular TensorFlow ops are not supported).*?\((Flex\w+)\)",
        "flex",
        lambda name: {"name": name},
    ),
    rule(
        r"unresolved custom op: ([^\s]+?)\.?(?:\s|$)",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"not a valid Flatbuffer|No subgraph in the model|Invalid tensor index|inconsistent model"
        r"|[Cc]ould not open|buffer index|Model provided has model identifier",
        "damaged",
    ),
)
"""The three interpreters of TFLite."""

SAVEDMODEL = (
    rule(
        r"Op type not registered '(\w+)'",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"NodeDef mentions attr '(\w+)' not in Op<name=(\w+)",
        "version",
        lambda name, op: version(f"op {op} with the attribute", name),
    ),
    rule(
        r"Value for attr '(\w+)' of (.{1,80}?) is not in the list of allowed values",
        "version",
        lambda name, value: version(f"the attribute {name} with the value", value),
    ),
    rule(
        r"Failed to find any matching files for \S*?([^/\s]+)(?=\s|$)",
        "external-data",
        lambda name: {"file": f"variables/{name}.index", "problem": "is not there"},
    ),
    rule(
        r"([^/\s]+\.data-\d+-of-\d+); No such file",
        "external-data",
        lambda name: {"file": f"variables/{name}", "problem": "is not there"},
    ),
    rule(
        r"Read less bytes than requested|not an sstable|Cannot parse file|there are 0 MetaGraphs"
        r"|[Cc]hecksum does not match|Wire format was corrupt|Data loss|corrupted compressed block",
        "damaged",
    ),
)
"""TensorFlow's SavedModels."""

TORCH = (
    rule(
        r"Attempted to read a PyTorch file with version (\d+), but the (?:max|min)imum supported "
        r"version for reading is (\d+)",
        "version",
        lambda found, limit: _compared("file version", found, limit),
    ),
    rule(
        r"schema version SchemaVersion\(major=(\d+), minor=\d+\) does not match our current schema "
        r"version \((\d+),",
        "version",
        lambda found, limit: _compared("schema version", found, limit),
    ),
    rule(
        r"Saved archive version (\d+) does not match our current archive version (\d+)",
        "version",
        lambda found, limit: _compared("archive version", found, limit),
    ),
    rule(
        r"unsupported pickle protocol: (\d+)",
        "version",
        lambda found: pickle_version(int(found)),
    ),
    rule(
        r"Unknown builtin op: ([\w:.]+?)\.",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"failed to resolve torch\.ops\.([\w.]+) to an operator",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"No module named '([\w.]+)'",
        "not-registered",
        lambda name: unknown("module", name),
    ),
    rule(
        r"Can't get attribute '(\w+)' on <module '([\w.]+)'",
        "not-registered",
        lambda name, module: unknown("class", f"{module}.{name}"),
    ),
    rule(
        r"PytorchStreamReader failed|unexpected EOF|might be corrupted|archive is corrupted"
        r"|[Ii]nvalid magic number|is not a ZIP archive|invalid load key|pickle data was truncated",
        "damaged",
    ),
)
"""Torch, for all that it loads."""
