"""ONNX from PyTorch, by the exporter that goes through ``torch.export``."""

from __future__ import annotations

from pathlib import Path

from parity.export.exporters import onnx_files
from parity.export.job import INPUT, Job


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Export with a batch of one; heads are named as the suite binds them."""
    import onnx
    import torch

    newest = onnx.defs.onnx_opset_version()
    opset = onnx_files.checked_opset(job, newest, "torch.onnx", default=None)
    source = job.open()
    program = torch.onnx.export(
        source.network,
        (torch.from_numpy(source.example.copy()),),
        dynamo=True,
        verbose=False,
        external_data=False,
        input_names=[INPUT],
        output_names=list(source.names),
        opset_version=opset,
    )
    onnx_files.write(job, program.model_proto, target, opset)
    return ()
