"""ONNX from TensorFlow, by tf2onnx."""

from __future__ import annotations

from pathlib import Path

from parity.export.exporters import onnx_files
from parity.export.exporters.savedmodel import frozen, signature
from parity.export.job import Job

_OPSET = 17


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Convert with a batch of one; heads keep their names."""
    import tf2onnx
    from tf2onnx import constants

    opset = onnx_files.checked_opset(
        job, max(constants.OPSET_TO_IR_VERSION), "tf2onnx", default=_OPSET
    )
    source = job.open()
    model, _ = tf2onnx.convert.from_function(frozen(source, 1), [signature(source, 1)], opset=opset)
    onnx_files.write(job, model, target, opset)
    return ()
