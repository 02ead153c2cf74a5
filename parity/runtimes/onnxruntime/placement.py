"""On which execution provider each node of an ONNX Runtime session runs.

A session takes a provider that it cannot load, or that has a kernel for no node, without a word,
and computes on the CPU. Its list of providers shows the first case only.
"""

import os
import re
import sys
import tempfile
from collections import Counter
from typing import Any, Dict, NamedTuple, Optional, Tuple

from ..contract import AdapterError

CPU = "CPUExecutionProvider"
_RECORD = "session.record_ep_graph_assignment_info"
_PLACED = re.compile(r"(?:nodes|Node\(s\)) placed on \[(\w+)\]\. Number of nodes: (\d+)")
_REMEDY = "Install what the provider needs, or take it out of the options of this runtime."


class Placement(NamedTuple):
    """How many nodes each provider has, and of the CPU's the ops by name where that is known."""

    nodes: Dict[str, int]
    on_cpu: Tuple[Tuple[str, int], ...] = ()


def asked(library: Any, wanted: str) -> None:
    """Raise for a provider that this build of ONNX Runtime does not have, or that nobody knows."""
    available = tuple(library.get_available_providers())
    if wanted in available:
        return
    if wanted in getattr(library, "get_all_providers", tuple)():
        found = "an onnxruntime that was built without it, with {}".format(", ".join(available))
        remedy = "Install the package of onnxruntime that has it, or take it out of the options."
        raise _unmet(wanted, found, remedy)
    raise AdapterError("bad-option", option="provider", value=wanted, known=available)


def recorded(settings: Any, wanted: str) -> None:
    """Have a session remember where its nodes go; for the CPU alone there is nothing to know."""
    if wanted != CPU:
        settings.add_session_config_entry(_RECORD, "1")


def placement(library: Any, session: Any, model: str, settings: Any) -> Optional[Placement]:
    """Where the nodes of a session went; None where this version of the library does not say."""
    tell = getattr(session, "get_provider_graph_assignment_info", None)  # from 1.24 on
    if tell is None:
        return _logged(library, model, settings, session.get_providers())
    nodes: Dict[str, int] = Counter()
    on_cpu: Dict[str, int] = Counter()
    for part in tell():
        kinds = [node.op_type for node in part.get_nodes()]
        nodes[part.ep_name] += len(kinds)
        if part.ep_name == CPU:
            on_cpu.update(kinds)
    ordered = sorted(on_cpu.items(), key=lambda item: (-item[1], item[0]))
    return Placement(dict(nodes), tuple(ordered))


def check(wanted: str, providers: Tuple[str, ...], placed: Optional[Placement]) -> None:
    """Raise ``not-applied`` where a provider was asked for and no node runs on it."""
    if wanted not in providers:
        raise _unmet(wanted, "a session on {} alone".format(", ".join(providers)), _REMEDY)
    if placed is None or not placed.nodes or placed.nodes.get(wanted):
        return
    others = ", ".join(f"{count} on {name}" for name, count in placed.nodes.items() if count)
    raise _unmet(wanted, f"a session in which it runs no node, but {others}", _REMEDY)


def note(wanted: str, placed: Placement) -> Tuple[str, ...]:
    """What to say where some nodes run elsewhere than was asked for."""
    elsewhere = sum(count for name, count in placed.nodes.items() if name != wanted)
    if not elsewhere:
        return ()
    kinds = ", ".join(f"{kind} {count}" for kind, count in placed.on_cpu)
    total = sum(placed.nodes.values())
    return (
        "{} of {} nodes do not run on {}{}".format(
            elsewhere, total, wanted, f": on {CPU} are {kinds}" if kinds else ""
        ),
    )


def _unmet(wanted: str, found: str, remedy: str) -> AdapterError:
    return AdapterError("not-applied", option="provider", asked=wanted, found=found, remedy=remedy)


def _logged(library: Any, model: str, settings: Any, providers: Any) -> Optional[Placement]:
    """What an older version only writes to its log, as it makes one more session."""
    severity, settings.log_severity_level = settings.log_severity_level, 0
    try:
        with tempfile.TemporaryFile() as log:
            sys.stderr.flush()
            terminal = os.dup(2)
            os.dup2(log.fileno(), 2)
            try:
                library.InferenceSession(model, settings, providers=providers)
            finally:
                os.dup2(terminal, 2)
                os.close(terminal)
            log.seek(0)
            found = _PLACED.findall(log.read().decode("utf-8", "replace"))
    finally:
        settings.log_severity_level = severity
    return Placement({name: int(count) for name, count in found}) if found else None
