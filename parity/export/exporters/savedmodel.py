"""SavedModel: one signature, ``image`` → heads by name, with the weights as constants."""

from __future__ import annotations

from pathlib import Path

from parity.export.exporters.tensorflow_function import frozen
from parity.export.job import Job, Source


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Write the SavedModel; its batch is as free as the source's."""
    source = job.open()
    shape = source.input.shape or source.example.shape
    save(source, shape[0], target)
    return ()


def save(source: Source, batch: int | None, target: Path) -> None:
    """Write a SavedModel without its fingerprint, which is made up anew every time."""
    import tensorflow as tf

    module = tf.Module()
    module.serve = frozen(source, batch)
    tf.saved_model.save(module, str(target), signatures=module.serve)
    (target / "fingerprint.pb").unlink(missing_ok=True)
    for folder in ("assets", "variables"):  # version control does not keep an empty folder
        if not any((target / folder).iterdir()):
            (target / folder).rmdir()
