"""What a TorchScript archive would run: operators that reach outside of tensors, native code."""

import re
import zipfile
from typing import List

from ..archive.zip_file import read

_NAMESPACES = "aten|prim|prims|prepacked|quantized|_quantized|mkldnn|mkldnn_prepacked|torchvision"
_SCRIPT = (
    (re.compile(rf"\bops\.(?!(?:{_NAMESPACES})\.)(\w+\.\w+)"), "it calls {}"),
    # "ops :" declares a child of that name
    (re.compile(r"(?<![\w.])(ops)\b(?!\.\w+\.|\s*:)"), "it calls {} under another name"),
    (re.compile(r"(?<![\w.])(torch)\b(?!\.)"), "it calls {} under another name"),
    (re.compile(r"\bops\.((?:\w+)\.(?:PythonOp|IgnoredPythonOp|rpc_\w+))"), "it calls {}"),
    (re.compile(r"\.(from_file|save|rpc_sync|rpc_async|rpc_remote)\b"), "it calls {}()"),
    (re.compile(r"\b(torch\.classes\b(?:\.\w+){0,2})"), "it uses the native class {}"),
    (
        # a child that is called "0", as those of a Sequential are, cannot be written with a dot
        re.compile(r'\b(getattr)\b(?!\([\w.()]+, "(?![A-Za-z_])[A-Za-z0-9_-]+"\))'),
        "it calls {}() with a name made at run time",
    ),
)
_BRACKETS = re.compile(r"(?<![\w)\]])\((\w+(?:\.\w+)*)\)")
_TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"')
_FOREIGN = re.compile(r"[^\w\s.,:;=()\[\]{}<>+*/%@&|^~!-]")


def findings(archive: zipfile.ZipFile) -> List[str]:
    """Every operator, call and member that is more than tensor operations.

    Torch's printer writes neither comments nor text in single quotes nor lines that are continued:
    a program with any of them was made so that it reads otherwise than it runs.
    """
    found: List[str] = []
    for name in archive.namelist():
        low = name.lower()
        if low.endswith(".py"):
            code = read(archive, name).decode("utf-8", "replace")
            if _FOREIGN.search(_TEXT.sub("", code)):
                found.append(f"{name} is not as torch writes it, so it cannot be scanned")
            code = _bare(re.sub(r"\s*([.()])\s*", r"\1", code))
            for pattern, sentence in _SCRIPT:
                found += [sentence.format(match) for match in pattern.findall(code)]
        elif low == "model.json" or low.endswith("/model.json"):
            found.append("it is of torch 1.0, whose programs cannot be scanned")
        elif low.endswith((".so", ".dll", ".dylib")):
            found.append(f"it holds native code ({name})")
    return sorted(set(found))


def _bare(code: str) -> str:
    """Without brackets around names: ``(torch.save)(x)`` is a call of ``torch.save``."""
    for _ in range(100):
        code, count = _BRACKETS.subn(r"\1", code)
        if not count:
            break
    return code
