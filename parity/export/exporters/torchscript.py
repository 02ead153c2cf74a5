"""TorchScript by tracing: frozen, so that nothing but ``forward`` is left, and not optimised."""

from __future__ import annotations

import io
from pathlib import Path

from parity.export.exporters import torch_archive
from parity.export.job import Job


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Trace the network with the suite's first image."""
    import torch

    source = job.open()
    image = torch.from_numpy(source.example.copy())
    with torch.no_grad():
        script = torch.jit.trace(source.network, image, strict=False, check_trace=False)
    # Without optimize_numerics batch norms stay: folding them is for the runtime to do.
    script = torch.jit.freeze(script, optimize_numerics=False)
    buffer = io.BytesIO()
    torch.jit.save(script, buffer)
    contents = torch_archive.members(buffer.getvalue())
    torch_archive.write(target, torch_archive.one_class(contents))
    return ()
