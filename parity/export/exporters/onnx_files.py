"""What all exporters to ONNX share: the operator set, and files that hold only the network."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parity.errors import ExportError, SuiteError
from parity.export.job import Job

_OLDEST = 7
_NUMBERED = re.compile(r"__\d+")


def checked_opset(job: Job, newest: int, exporter: str, default: int | None) -> int | None:
    """The operator set that the suite asks for; ``SuiteError`` where the exporter has none such."""
    opset = job.step.table.opset
    if opset is None:
        return default
    if not _OLDEST <= opset <= newest:
        raise SuiteError(
            str(job.suite.path),
            [
                f"runtimes.{job.step.name}.export.opset: expected {_OLDEST} to {newest}, which "
                f"{exporter} can write, found {opset}"
            ],
        )
    return opset


def opset_of(model: Any) -> int:
    """The version of ONNX's own operators that a model is written in."""
    return next(int(one.version) for one in model.opset_import if one.domain in ("", "ai.onnx"))


def write(job: Job, model: Any, target: Path, opset: int | None = None) -> None:
    """Strip, name, check and write the model."""
    import onnx

    if opset is not None and opset_of(model) != opset:
        raise ExportError(
            job.step.name,
            f"expected opset {opset} from {job.label}, found {opset_of(model)}: the exporter "
            f"cannot write this network with those operators",
        )
    strip(model)
    rename(model.graph)
    onnx.checker.check_model(model)
    target.write_bytes(model.SerializeToString(deterministic=True))


def strip(model: Any) -> None:
    """Drop documentation and metadata: they hold stack traces and paths of this machine."""
    model.doc_string = ""
    del model.metadata_props[:]
    for graph in [model.graph, *model.functions]:
        graph.doc_string = ""
        del graph.metadata_props[:]
        for one in [*graph.node, *getattr(graph, "initializer", ()), *graph.value_info]:
            one.doc_string = ""
            if hasattr(one, "metadata_props"):
                del one.metadata_props[:]


def rename(graph: Any) -> None:
    """Names that depend on the graph alone, where a converter numbers or picks them by chance.

    A node keeps its name but for numbers such as ``__12``; what it computes is named after it, and
    a constant after the first node that reads it. Inputs and outputs keep theirs. Initializers are
    put in the order in which they are used. A graph with graphs inside is left as it is.
    """
    if any(attribute.HasField("g") or attribute.graphs for attribute in _attributes(graph)):
        return
    fixed = {one.name for one in [*graph.input, *graph.output]}
    names = {name: name for name in fixed} | {"": ""}
    constants = {one.name for one in graph.initializer}
    taken = set(fixed)
    for node in graph.node:
        node.name = _free(_NUMBERED.sub("", node.name) or node.op_type, taken)
        taken.add(node.name)
        for number, name in enumerate(node.input):
            if name in constants and name not in names:
                names[name] = f"{node.name}.{number}"
        for number, name in enumerate(node.output):
            names.setdefault(name, f"{node.name}:{number}")
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names[name] for name in node.output]
    order = {name: place for place, name in enumerate(names)}
    used = sorted(
        (one for one in graph.initializer if one.name in names), key=lambda one: order[one.name]
    )
    kept = [type(one).FromString(one.SerializeToString()) for one in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
    for one in graph.initializer:
        one.name = names[one.name]
    for one in graph.value_info:
        one.name = names.get(one.name, one.name)
    shapes = sorted(one.SerializeToString() for one in graph.value_info)
    kind = type(graph.input[0])
    del graph.value_info[:]
    graph.value_info.extend(kind.FromString(data) for data in shapes)


def _attributes(graph: Any) -> Iterator[Any]:
    for node in graph.node:
        yield from node.attribute


def _free(name: str, taken: set[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"
