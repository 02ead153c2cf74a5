"""TorchScript: a zip archive of pickles and of code in torch's own language."""

import re
from typing import Any, Iterable, Optional, Tuple

from ..archive.zip_file import Archive, ArchiveFile
from ..content import Content
from ..contents import Contents, Tensor
from ..model_file import ModelFile
from ..pickles.values import Made, Name, worded
from ..shapes import counted, elements
from ..source import unpacked
from . import script_calls, stored
from .weights import every

_CODE = 16 * 2**20
_FORWARD = re.compile(r"def forward\(\w+[^,)]*(?:,\s*(.*?))?\)\s*->\s*(.*?):\n", re.S)


class Script(ArchiveFile):
    """A program; its inputs are the arguments of ``forward``."""

    def _calls(self) -> Iterable[str]:
        return script_calls.findings(self.archive.zip)

    def _contents(self) -> Optional[Contents]:
        archive = self.archive
        found = stored.pickled(archive, stored.member(archive, "data.pkl"))
        names = [name for name in archive.names if name.endswith("/constants.pkl")]
        constants = [stored.pickled(archive, one) for one in names]
        code = _code(archive, found.value)
        version = stored.short(archive, "version")
        produced = stored.short(archive, ".data/producer") or None
        weights = list(every([found.value, *(one.value for one in constants)]))
        faults = tuple(stored.storages(archive, found.value))
        inputs, returned = _signature(code, _class_name(found.value))
        facts = {
            "class": worded(found.value.by) if isinstance(found.value, Made) else None,
            "file_version": version,
            "returns": returned or None,
            "dtypes": counted(one.dtype for one in weights),
        }
        return Contents(
            "TorchScript program",
            facts,
            inputs,
            (),
            sum(elements(one.shape) for one in weights),
            produced or f"torch.jit (file version {version})",
            faults=faults,
        )


def of_archive(archive: Archive) -> Optional[ModelFile]:
    """An archive with constants or code."""
    if "constants.pkl" in archive.tails or any(one.startswith("code/") for one in archive.tails):
        phrase = "a zip archive that holds a TorchScript program"
        return Script(archive, Content("torchscript", phrase))
    return None


def _class_name(value: Any) -> str:
    return value.by.name if isinstance(value, Made) and isinstance(value.by, Name) else ""


def _code(archive: Archive, value: Any) -> str:
    """The source of the module that holds the program's own class."""
    module = value.by.module if isinstance(value, Made) and isinstance(value.by, Name) else ""
    tail = "code/" + module.replace(".", "/") + ".py"
    names = [name for name in archive.names if name.endswith(tail)]
    return unpacked(archive.zip, names[0], _CODE).decode("utf-8", "replace") if names else ""


def _signature(code: str, name: str) -> Tuple[Tuple[Tensor, ...], str]:
    """Arguments and return type of the class's ``forward``; a program declares no shapes."""
    at = code.find(f"class {name}(")
    match = _FORWARD.search(code, at) if at >= 0 else None
    if match is None:
        return (), ""
    arguments = re.findall(r"(\w+):\s*([\w.]+)", match.group(1) or "")
    tensors = tuple(Tensor(one) for one, kind in arguments if kind == "Tensor")
    return tensors, " ".join(match.group(2).split())
