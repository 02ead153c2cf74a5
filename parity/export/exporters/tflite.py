"""TFLite: float32, weights in float16, or full integer with float32 at input and output."""

from __future__ import annotations

import tempfile
from pathlib import Path

from parity.export.exporters import tflite_int8
from parity.export.exporters.savedmodel import save
from parity.export.job import Job


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Convert by way of a SavedModel, whose signature gives the flatbuffer its names."""
    import tensorflow as tf

    source = job.open()
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "saved"
        save(source, 1, saved)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(saved), signature_keys=["serving_default"]
        )
        method = job.step.table.method
        if method == "tflite-int8":
            content, notes = tflite_int8.quantised(job, converter)
        else:
            if method == "tflite-float16":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.target_spec.supported_types = [tf.float16]
            content, notes = converter.convert(), ()
    target.write_bytes(content)
    return notes
