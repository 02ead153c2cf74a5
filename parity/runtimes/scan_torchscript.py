"""What a TorchScript archive would run: operators that reach outside of tensors, native code."""

import re
import zipfile
from typing import List

from . import scan_pt2

_NAMESPACES = "aten|prim|prims|prepacked|quantized|_quantized|mkldnn|mkldnn_prepacked|torchvision"
_SCRIPT = (
    (re.compile(rf"\bops\.(?!(?:{_NAMESPACES})\.)(\w+\.\w+)"), "it calls {}"),
    (re.compile(r"\bops\.((?:\w+)\.(?:PythonOp|IgnoredPythonOp|rpc_\w+))"), "it calls {}"),
    (re.compile(r"\.(from_file|save|rpc_sync|rpc_async|rpc_remote)\("), "it calls {}()"),
    (re.compile(r"\b(torch\.classes\.\w+(?:\.\w+)?)"), "it uses the native class {}"),
    (
        # a child that is called "0", as those of a Sequential are, cannot be written with a dot
        re.compile(r'\b(getattr)\((?![\w.()]+, "(?![A-Za-z_])[A-Za-z0-9_-]+"\))'),
        "it calls {}() with a name made at run time",
    ),
)


def findings(archive: zipfile.ZipFile) -> List[str]:
    """Every operator, call and member that is more than tensor operations."""
    found: List[str] = []
    for name in archive.namelist():
        low = name.lower()
        if low.endswith(".py"):
            code = scan_pt2.read(archive, name).decode("utf-8", "replace")
            code = re.sub(r"\s*([.(])\s*", r"\1", code)
            for pattern, sentence in _SCRIPT:
                found += [sentence.format(match) for match in pattern.findall(code)]
        elif low.endswith((".so", ".dll", ".dylib")):
            found.append(f"it holds native code ({name})")
    return sorted(set(found))
