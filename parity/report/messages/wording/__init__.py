"""Findings in words: what was expected, what was found, where, and where to look.

One function a code, by subject: pairs and what is left over, groups of them, heads. A code that is
not known here is still told, with its facts as they are.
"""

from __future__ import annotations

from collections.abc import Iterable

from parity.agreement import Finding
from parity.report.messages.scene import Scene
from parity.report.messages.wording import groups, heads, pairs
from parity.report.messages.wording.phrases import Facts, Words
from parity.report.text import printable

_WORDS: dict[str, Words] = {**pairs.WORDS, **groups.WORDS, **heads.WORDS}


def sentence(finding: Finding, scene: Scene) -> str:
    """One finding in one line, its code first."""
    words = _WORDS.get(finding.code)
    try:
        text = _unknown(finding.facts) if words is None else words.say(finding.facts, scene)
    except (KeyError, TypeError, ValueError):  # the facts of another version of parity
        text = _unknown(finding.facts)
    return f"{printable(finding.code)}: {text}"


def advice(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Where to look; what several codes say, once."""
    codes = dict.fromkeys(finding.code for finding in findings)
    looks = [_WORDS[code].look for code in codes if code in _WORDS]
    return tuple(dict.fromkeys(look for look in looks if look))


def _unknown(facts: Facts) -> str:
    listed = ", ".join(f"{key} = {value}" for key, value in facts.items())
    return printable(listed) or "no further facts"
