"""``.pt2``: the program that ``torch.export`` captures, without what it remembers of its making."""

from __future__ import annotations

import io
from pathlib import Path

from parity.export.exporters import torch_archive
from parity.export.job import Job

_TRACES = ("stack_trace", "nn_module_stack", "source_fn_stack", "torch_fn", "from_node")


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Export the network with a batch of one."""
    import torch

    source = job.open()
    program = torch.export.export(source.network, (torch.from_numpy(source.example.copy()),))
    for module in program.graph_module.modules():
        for node in getattr(getattr(module, "graph", None), "nodes", ()):
            for key in _TRACES:  # stack traces, paths, and names that depend on where the suite is
                node.meta.pop(key, None)
    program.example_inputs = None  # they would be the larger part of the file
    buffer = io.BytesIO()
    torch.export.save(program, buffer)
    torch_archive.write(target, torch_archive.members(buffer.getvalue()))
    return ()
