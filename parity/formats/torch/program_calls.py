"""What of a torch exported program (.pt2) would run more than tensor operations on loading.

``torch.export.load`` evaluates text of the file (symbolic shapes, guards) and unpickles parts of
it, so both are judged here, before it is called. Source: the PT2 archive specification.
"""

import io
import json
import re
from typing import Any, Callable, Iterator, List

from ..archive.zip_file import Archive, read
from . import checkpoint, symbolic

_TARGET = re.compile(
    r"torch\.ops\.(aten|prims|prim|quantized|quantized_decomposed|_quantized|mkldnn"
    r"|mkldnn_prepacked|onednn|higher_order|torchvision)\.(?!from_file\b|save\b|call_torchbind\b"
    r"|aoti_call_delegate\b|executorch_call_delegate\b)\w+(\.\w+)?"
    r"|_?operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|pow|pos|abs|eq|ne|lt|le|gt|ge"
    r"|and_|or_|not_|xor|lshift|rshift)"
    r"|math\.(trunc|floor|ceil|sqrt|exp|log|log2|pow|a?(sin|cos|tan)h?)|torch\.sym_\w+"
)
_TREES = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")


def findings(archive: Archive, document: Callable[[str], Any]) -> List[str]:
    """Everything in the archive that is more than tensor operations on its own weights.

    ``document`` gives a JSON document by its name.
    """
    found: List[str] = []
    for name in archive.names:
        low = name.lower()
        if "/data/aotinductor/" in "/" + low or low.endswith((".so", ".dll", ".dylib", ".cubin")):
            found.append(f"it holds native code ({name})")
        elif "custom_obj_" in low or "opaque_obj_" in low:
            found.append(f"it holds a pickled object ({name})")
        elif low.endswith((".pt", ".pkl", ".pth")):
            found += _pickled(name, archive)
        elif low.endswith(".json"):
            found += _walk(document(name))
    return list(dict.fromkeys(found))


def _pickled(name: str, archive: Archive) -> List[str]:
    """Torch reads what is no zip archive as a tar archive, else as a pickle; it writes neither."""
    data = read(archive.zip, name)
    if not data:
        return []
    if data[:4] != b"PK\3\4":
        return [f"{name}: it is no archive of tensors"]
    inner = Archive(name, io.BytesIO(data))
    found = [*inner.faults, *dict.fromkeys(checkpoint.findings(checkpoint.pickles(inner)))]
    tails = [one.split("/", 1)[-1] for one in inner.names]
    if "data.pkl" not in tails or "constants.pkl" in tails:
        found.append("it is no archive of tensors")
    return [f"{name}: {text}" for text in found]


def _walk(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _walk(item)
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in ("target", "as_operator") and isinstance(item, str):
            if not _TARGET.fullmatch(item):
                yield f"it calls {item}"
        elif key == "expr_str" and isinstance(item, str):
            if not symbolic.harmless(item):
                yield f"a symbolic size is code: {item[:120]}"
        elif key == "guards_code" and isinstance(item, list):
            for guard in item:
                if not symbolic.harmless(str(guard)):
                    yield f"a guard is code: {str(guard)[:120]}"
        elif key in ("in_spec", "out_spec", "as_pytree") and isinstance(item, str):
            yield from _tree(item)
        elif key == "use_pickle" and item:
            yield "a weight is stored as a pickle"
        elif key == "as_custom_obj":
            yield "it holds a custom object"
        else:
            yield from _walk(item)


def _tree(text: str) -> Iterator[str]:
    """A tree specification may name a class that would be imported."""
    todo = [json.loads(text)] if text else []
    while todo:
        item = todo.pop()
        if isinstance(item, list):
            todo += item
        elif isinstance(item, dict):
            if item.get("type") not in _TREES:
                yield "its inputs or outputs are of the class {}".format(item.get("type"))
            todo += item.get("children_spec") or []
