"""A runtime's own options: which there are, what they may be, what they are by default."""

from typing import Any, Dict, Mapping, Optional

from ..contract import AdapterError

MOST_THREADS = 512  # processors of a machine of two sockets with 128 cores of two threads each


def take_options(options: Mapping[str, Any], known: Mapping[str, Any]) -> Dict[str, Any]:
    """The options with defaults filled in.

    ``known`` maps each name to a tuple (default, *further allowed values), or to a function that
    returns the checked value (None stands for "not given") and raises ValueError.
    """
    for name in options:
        if name not in known:
            raise AdapterError(
                "bad-option", option=name, value=options[name], known=tuple(sorted(known))
            )
    taken: Dict[str, Any] = {}
    for name, rule in known.items():
        value = options.get(name)
        if callable(rule):
            try:
                taken[name] = rule(value)
            except ValueError as error:
                raise AdapterError(
                    "bad-option", option=name, value=value, known=(str(error),)
                ) from None
        elif name in options and value not in rule:
            raise AdapterError("bad-option", option=name, value=value, known=tuple(rule))
        else:
            taken[name] = rule[0] if name not in options else value
    return taken


def threads(value: Any) -> int:
    """The rule for ``threads``: a whole number, by default 1.

    Libraries start all of them at once: 4096 hold a small machine for minutes, 100,000 end the
    process.
    """
    if value is None:
        return 1
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_THREADS:
        raise ValueError(f"a whole number from 1 to {MOST_THREADS}")
    return value


def text_or_none(value: Any) -> Optional[str]:
    """The rule for an optional name."""
    if value is not None and not isinstance(value, str):
        raise ValueError("a name")
    return value
