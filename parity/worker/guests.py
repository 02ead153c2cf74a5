"""Packages of somebody else that bring adapters: they import ``parity.runtimes`` by its own name.

Here the contract lives under a private name, and a second copy of it, were there one, would have
classes of its own: what such an adapter answers would be data of unknown types.
"""

import importlib
import importlib.util
import sys

_OFFERED = ("", ".contract")


def welcome() -> None:
    """Let ``parity.runtimes`` be this copy of it; ``parity`` too where no other is installed."""
    here = __name__.rpartition(".worker.")[0]
    if here == "parity":
        return
    if importlib.util.find_spec("parity") is None:
        sys.modules["parity"] = sys.modules[here]
    ours = here + ".runtimes"
    for name in _OFFERED:
        importlib.import_module(ours + name)
    for name, module in list(sys.modules.items()):  # also the modules inside of the contract
        if name == ours or name.startswith(ours + ".contract"):
            sys.modules["parity.runtimes" + name[len(ours) :]] = module
