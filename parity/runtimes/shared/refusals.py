"""Why a library refused a file: its own words, read as a code and facts.

Each library has a table of rules; the first whose pattern is found in what it raised says the code
(see ``contract.AdapterError``). Words that no rule knows stay ``not-loadable``. The sentences are
those of the versions that were tried, old and new.
"""

import functools
import re
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

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


def compared(what: str, found: str, limit: str) -> Facts:
    """Of ``version``, where both are numbers."""
    return version(what, found, limit, "new" if int(found) > int(limit) else "old")
