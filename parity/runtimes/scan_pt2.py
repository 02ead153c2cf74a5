"""What of a torch exported program (.pt2) would run more than tensor operations on loading.

``torch.export.load`` evaluates text of the file (symbolic shapes, guards) and unpickles parts of
it, so both are judged here, before it is called. Source: the PT2 archive specification.
"""

import ast
import io
import json
import re
import zipfile
from typing import Any, Callable, Iterator, List, Optional

from . import scan_archive, scan_pickle

_TARGET = re.compile(
    r"torch\.ops\.(aten|prims|prim|quantized|quantized_decomposed|_quantized|mkldnn"
    r"|mkldnn_prepacked|onednn|higher_order|torchvision)\.(?!from_file\b|save\b|call_torchbind\b"
    r"|aoti_call_delegate\b|executorch_call_delegate\b)\w+(\.\w+)?"
    r"|_?operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|pow|pos|abs|eq|ne|lt|le|gt|ge"
    r"|and_|or_|not_|xor|lshift|rshift)"
    r"|math\.\w+|torch\.sym_\w+"
)
_TREES = (None, "builtins.tuple", "builtins.list", "builtins.dict", "collections.OrderedDict")
_EXPRESSION = (
    ast.Expression, ast.Call, ast.Name, ast.expr_context, ast.Constant, ast.keyword, ast.BinOp,
    ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Tuple, ast.List, ast.Subscript, ast.Attribute,
    ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip
_FUNCTION = re.compile(  # sympy's and torch's own of torch/utils/_sympy/functions.py
    r"Symbol|Dummy|Integer|Rational|Float|Add|Mul|Pow|Max|Min|Abs|And|Or|Not|Xor|ITE|Piecewise"
    r"|ExprCondPair|Tuple|Eq|Ne|Lt|Le|Gt|Ge|Equality|Unequality|(Strict)?(Less|Greater)Than"
    r"|(Floor|Ceil|Clean|IntTrue|FloatTrue)Div|ModularIndexing|Where|(Python)?Mod"
    r"|(Ceil|Floor|Trunc|Round)ToInt|(Trunc)?ToFloat|RoundDecimal|[LR]Shift|PowByNatural|FloatPow"
    r"|IsNonOverlappingAndDenseIndicator|Identity|OpaqueUnaryFn_\w+|BitwiseFn_\w+"
    r"|floor|ceiling|ceil|trunc|sqrt|log|exp|size|stride|storage_offset"
)
_POWERS = ("Pow", "PowByNatural", "FloatPow", "LShift")
_NESTED = 2  # powers of powers
_EXPONENT = 64
_LARGEST = 1 << 64
_ATTRIBUTE = ("size", "stride", "storage_offset", "shape", "floor", "ceil", "trunc", "sqrt")


def findings(archive: zipfile.ZipFile) -> List[str]:
    """Everything in the archive that is more than tensor operations on its own weights."""
    found: List[str] = []
    for name in archive.namelist():
        low = name.lower()
        if "/data/aotinductor/" in "/" + low or low.endswith((".so", ".dll", ".dylib", ".cubin")):
            found.append(f"it holds native code ({name})")
        elif "custom_obj_" in low or "opaque_obj_" in low:
            found.append(f"it holds a pickled object ({name})")
        elif low.endswith((".pt", ".pkl", ".pth")):
            found += _pickled(name, archive)
        elif low.endswith(".json"):
            found += _document(name, archive)
    return list(dict.fromkeys(found))


def _pickled(name: str, archive: zipfile.ZipFile) -> List[str]:
    """Torch reads what is no zip archive as a tar archive, else as a pickle; it writes neither."""
    data = read(archive, name)
    if not data:
        return []
    if data[:4] != b"PK\3\4":
        return [f"{name}: it is no archive of tensors"]
    with zipfile.ZipFile(io.BytesIO(data)) as inner:
        found = scan_archive.findings(inner) + list(scan_pickle.archive_findings(inner))
        tails = [one.split("/", 1)[-1] for one in inner.namelist()]
    if "data.pkl" not in tails or "constants.pkl" in tails:
        found.append("it is no archive of tensors")
    return [f"{name}: {text}" for text in found]


def _document(name: str, archive: zipfile.ZipFile) -> List[str]:
    return list(_walk(json.loads(read(archive, name).decode("utf-8"))))


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
            if not harmless(item):
                yield f"a symbolic size is code: {item[:120]}"
        elif key == "guards_code" and isinstance(item, list):
            for guard in item:
                if not harmless(str(guard)):
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


def harmless(text: str) -> bool:
    """Whether a symbolic size or a guard is arithmetic on names and nothing else, and a short one.

    Sympy evaluates it: it takes any name for a function, and text in most places for an expression.
    """
    try:
        tree = ast.parse(text, mode="eval")
        return all(_is_arithmetic(node) for node in ast.walk(tree)) and _powers(tree) <= _NESTED
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_arithmetic(node: ast.AST) -> bool:
    # ast.Index wraps a subscript in Python 3.8
    if not isinstance(node, _EXPRESSION) and type(node).__name__ != "Index":
        return False
    if isinstance(node, ast.Attribute):
        return node.attr in _ATTRIBUTE
    if isinstance(node, ast.Call):
        name = _called(node)
        texts = {"Symbol": r"\w+", "Dummy": r"\w+", "Float": r"-?[\d.]+(e[+-]?\d+)?"}.get(name)
        return bool(_FUNCTION.fullmatch(name)) and all(map(_of_text(texts), _values(node)))
    if isinstance(node, ast.Subscript):
        inner = getattr(node.slice, "value", None) if _is_index(node.slice) else node.slice
        return _of_text(r"[\w.]*")(inner)
    if isinstance(node, ast.Constant) and isinstance(node.value, (int, float, complex)):
        return abs(node.value) < _LARGEST
    return all(not _is_text(one) for one in ast.iter_child_nodes(node) if not _is_index(node))


def _is_index(node: ast.AST) -> bool:
    return type(node).__name__ == "Index"


def _called(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _values(call: ast.Call) -> List[ast.AST]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_text(node: Any) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes))


def _of_text(pattern: Optional[str]) -> Callable[[Any], bool]:
    """Whether a part is no text, or one of this pattern."""

    def judged(node: Any) -> bool:
        return not _is_text(node) or bool(pattern and re.fullmatch(pattern, str(node.value)))

    return judged


def _powers(node: ast.AST) -> int:
    """How deep powers and shifts are nested; one by more than a small number is endless."""
    exponent: Any = None
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Pow, ast.LShift)):
        exponent = node.right
    elif isinstance(node, ast.Call) and _called(node) in _POWERS and len(node.args) > 1:
        exponent = node.args[1]
    if exponent is not None and not _is_small(exponent):
        return _NESTED + 1
    inner = max(map(_powers, ast.iter_child_nodes(node)), default=0)
    return inner + (exponent is not None)


def _is_small(node: Any) -> bool:
    """Whether an exponent is a small number or a symbol."""
    while isinstance(node, ast.UnaryOp):
        node = node.operand
    if isinstance(node, ast.Call):
        name = _called(node)
        return name == "Symbol" or (
            name in ("Integer", "Rational", "Float") and all(map(_is_small, node.args[:2]))
        )
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (int, float)) and abs(node.value) <= _EXPONENT
    return isinstance(node, ast.Name)


def read(archive: zipfile.ZipFile, name: str, limit: int = scan_pickle.LIMIT) -> bytes:
    """One member, bounded: a small archive can hold a huge one."""
    with archive.open(name) as handle:
        data = handle.read(limit + 1)
    if len(data) > limit:
        raise ValueError(f"{name} is larger than {limit} bytes")
    return data
