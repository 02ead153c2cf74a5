"""PyTorch as data."""

from ..contract import Descriptor, library_of
from ..shared.options import text_or_none, threads

LIBRARY = library_of("torch", "torch", "torch")
DESCRIPTOR = Descriptor(
    kind="torch",
    adapter=".adapter:Torch",
    libraries=(LIBRARY,),
    opens=("torchscript", "pt2"),
    weights=("state-dict", "pickle"),
    files="TorchScript, .pt2 and state dicts",
    options={"threads": threads, "device": text_or_none},
    layout="NCHW",
    native=True,
    inside="graph",
    probe="""
import torch
found = {
    "threads": torch.get_num_threads(),
    "capability": torch.backends.cpu.get_cpu_capability(),
    "onednn": torch.backends.mkldnn.is_available(),
    "engines": torch.backends.quantized.supported_engines,
    "devices": ["cpu"] + (["cuda"] if torch.cuda.is_available() else []),
}
""",
    unregistered="The package that registers it is not imported for a file: load the network by a "
    "factory that imports it (model = 'module:factory'), or export the model without it, or run "
    "it by a program that knows it (kind = 'command').",
)
