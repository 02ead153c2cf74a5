"""The device that a suite asks torch for: there and in use, or refused; the CPU by default."""

from typing import Any, Dict, Optional

from ..contract import AdapterError
from ..shared.reasons import reason

_REMEDY = "Install a torch that has it, with its driver, or take it out of the options."
_EXPECTED = "a device of torch, such as 'cpu' or 'cuda:0'"


def device(torch: Any, asked: Optional[str]) -> Any:
    """The device by its name. Raises ``bad-option`` and, where it is not there, ``not-applied``."""
    try:
        found = torch.device(asked or "cpu")
    except RuntimeError:
        found = None
    if found is None or found.type == "meta":  # its tensors have no numbers
        raise AdapterError("bad-option", option="device", expected=_EXPECTED, found=repr(asked))
    try:
        torch.zeros(1, device=found).cpu()
    except Exception as error:
        what = f"torch {torch.__version__} without it ({reason(error)})"
        raise _unmet(asked, what, _REMEDY) from error
    return found


def check(asked: Optional[str], wanted: Any, module: Any) -> None:
    """Raise where weights stay elsewhere: a program's devices are part of what was exported."""
    tensors = [*module.parameters(), *module.buffers()]
    others = sorted({str(one.device) for one in tensors if one.device.type != wanted.type})
    if others:
        what = "weights on {}".format(", ".join(others))
        raise _unmet(asked or "cpu", what, "Export the program on the device it is to run on.")


def facts(torch: Any, wanted: Any) -> Dict[str, Any]:
    """What of a device changes numbers; of the CPU the rest of the identity tells."""
    if wanted.type == "cpu":
        return {"device": "cpu"}
    found: Dict[str, Any] = {"device": str(wanted)}
    if wanted.type == "cuda":
        found["device_name"] = torch.cuda.get_device_name(wanted)
        found["tf32"] = bool(torch.backends.cudnn.allow_tf32)
    return found


def _unmet(asked: Any, found: str, remedy: str) -> AdapterError:
    return AdapterError("not-applied", option="device", asked=asked, found=found, remedy=remedy)
