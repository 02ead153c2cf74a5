"""Whether a symbolic size of a torch exported program is arithmetic that ends, and nothing else.

``torch.export.load`` gives the sizes to sympy's ``sympify`` and the guards to ``exec``, so both
evaluate Python. What torch writes is a small language: sympy's ``srepr`` of integers and symbols
(``Add(Symbol('s0', integer=True), Integer(1))``), and in guards Python's own arithmetic on the
sizes of inputs (``L['x'].size()[2] // 2 <= 64``). Whatever is not in this closed list is code.
"""

import ast
import re
from typing import Any, Callable, Dict, Optional, Sequence, Type

_LONGEST = 20_000  # letters
_POWER = 16  # the highest exponent, also of powers of powers: sizes are multiplied a few times
_SHIFT = 64  # the most bits or digits that a number is moved by
_FUNCTIONS = re.compile(
    # sympy: numbers, arithmetic, relations and logic
    r"Integer|Rational|Add|Mul|Max|Min|Abs|floor|ceiling|sqrt|log|sign|Equality|Unequality|Eq|Ne"
    r"|(Strict)?(Greater|Less)Than|[GL][et]|And|Or|Not|Xor|ITE|Piecewise|ExprCondPair|Tuple"
    # torch.utils._sympy.functions
    r"|FloorDiv|CeilDiv|CleanDiv|FloatTrueDiv|IntTrueDiv|Mod|PythonMod|ModularIndexing|Where"
    r"|(Ceil|Floor|Trunc|Round)ToInt|TruncToFloat|ToFloat|Identity"
    r"|IsNonOverlappingAndDenseIndicator|OpaqueUnaryFn_(sqrt|log2?)|BitwiseFn_bitwise_(and|x?or)"
    # guards
    r"|ceil|trunc|max|min|abs|int|float|cast_symbool_to_symint_guardless"
)
_POWERS = ("Pow", "PowByNatural", "FloatPow", "pow")
_SHIFTS = ("LShift", "RShift", "RoundDecimal", "round")
_MEMBERS = {
    "math": ("floor", "ceil", "trunc", "sqrt", "log", "log2"),
    "torch": ("sym_float", "sym_int", "sym_max", "sym_min", "sym_not", "sym_ite", "sym_sum",
              "sym_sqrt", "_sym_sqrt"),
}  # fmt: skip
_NAME = re.compile(r"[a-z]{1,4}\d+|oo|zoo|int_oo|inf|nan|true|false")
_WORD = re.compile(r"\w+")
_KEY = re.compile(r"[\w.]*")
# An exponent of more digits is a number whose digits nobody waits for.
_NUMBER = re.compile(r"-?(\d{1,20}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?")


def harmless(text: str) -> bool:
    """Whether a symbolic size or a guard is arithmetic on names, with no number out of bounds."""
    if len(text) > _LONGEST or not (text.isascii() and text.isprintable()):
        return False
    try:
        return _is_sum(ast.parse(text, mode="eval").body, text, _POWER)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _is_sum(node: ast.AST, text: str, room: float) -> bool:
    """``room``: how high a power this may still be raised to."""
    rule = _RULES.get(type(node))
    return rule is not None and rule(node, text, room)


def _constant(node: Any, text: str, _: float) -> bool:
    if node.value is None or isinstance(node.value, bool):
        return True
    return type(node.value) in (int, float) and bool(
        _NUMBER.fullmatch(text[node.col_offset : node.end_col_offset])
    )


def _name(node: Any, _: str, __: float) -> bool:
    return bool(_NAME.fullmatch(node.id))


def _unary(node: Any, text: str, room: float) -> bool:
    return _is_sum(node.operand, text, room)


def _binary(node: Any, text: str, room: float) -> bool:
    if isinstance(node.op, (ast.Pow, ast.BitXor)):  # sympy reads ^ as a power
        return _is_power(node.left, node.right, text, room)
    if isinstance(node.op, (ast.LShift, ast.RShift)):
        return _is_shift(node.left, [node.right], text, room)
    return _is_sum(node.left, text, room) and _is_sum(node.right, text, room)


def _several(node: Any, text: str, room: float) -> bool:
    items = node.values if isinstance(node, ast.BoolOp) else node.elts
    return all(_is_sum(item, text, room) for item in items)


def _compare(node: Any, text: str, room: float) -> bool:
    if any(isinstance(op, (ast.In, ast.NotIn)) for op in node.ops):
        return False
    return all(_is_sum(item, text, room) for item in (node.left, *node.comparators))


def _call(node: Any, text: str, room: float) -> bool:
    if not all(_is_assumption(one) for one in node.keywords):
        return False
    function, arguments = node.func, node.args
    if isinstance(function, ast.Attribute):
        if not _is_member(function) and not (
            function.attr in ("size", "stride", "storage_offset") and _is_input(function.value)
        ):
            return False
    elif not isinstance(function, ast.Name):
        return False
    elif function.id in ("Symbol", "Dummy", "Float"):
        return len(arguments) == 1 and _is_text(arguments[0], function.id == "Float")
    elif function.id in _POWERS:
        return len(arguments) == 2 and _is_power(arguments[0], arguments[1], text, room)
    elif function.id in _SHIFTS:
        return len(arguments) > 0 and _is_shift(arguments[0], arguments[1:], text, room)
    elif not _FUNCTIONS.fullmatch(function.id):
        return False
    return all(_is_sum(one, text, room) for one in arguments)


def _subscript(node: Any, _: str, __: float) -> bool:
    """One size of an input: ``L['x'].size()[2]``."""
    value = node.value
    if isinstance(value, ast.Call) and not value.args and not value.keywords:
        value = value.func
    sizes = isinstance(value, ast.Attribute) and value.attr in ("size", "stride", "shape")
    return _is_key(node) and _is_input(value.value if sizes else node)


def _is_assumption(keyword: ast.keyword) -> bool:
    """``positive=True``; ``precision=53``, whose value bounds the work of each operation."""
    value = getattr(keyword.value, "value", None)
    known = value is None or isinstance(value, bool) or (isinstance(value, int) and value <= 1000)
    return isinstance(keyword.value, ast.Constant) and keyword.arg is not None and known


def _is_member(function: ast.Attribute) -> bool:
    owner = getattr(function.value, "id", "")
    return function.attr in _MEMBERS.get(owner, ())


def _is_input(node: ast.AST) -> bool:
    """``L['x'][0]``: an input, or what is in it."""
    while isinstance(node, ast.Subscript) and _is_key(node):
        node = node.value
    return isinstance(node, ast.Name) and node.id == "L"


def _is_key(node: ast.Subscript) -> bool:
    key: Any = node.slice
    if type(key).__name__ == "Index":  # it wraps a subscript in Python 3.8
        key = key.value
    value = getattr(key, "value", None) if isinstance(key, ast.Constant) else None
    return type(value) is int or (isinstance(value, str) and bool(_KEY.fullmatch(value)))


def _is_text(node: ast.AST, number: bool) -> bool:
    """The one text that a symbol is named by, or that a number of many digits is written as."""
    value = getattr(node, "value", None) if isinstance(node, ast.Constant) else None
    pattern = _NUMBER if number else _WORD
    return isinstance(value, str) and bool(pattern.fullmatch(value))


def _is_power(base: ast.AST, exponent: ast.AST, text: str, room: float) -> bool:
    value = _literal(exponent, text)
    if value is None or abs(value) > room:
        return False
    return _is_sum(base, text, room / max(1.0, abs(value)))


def _is_shift(base: ast.AST, counts: Sequence[ast.AST], text: str, room: float) -> bool:
    values = [_literal(count, text) for count in counts]
    known = all(value is not None and abs(value) <= _SHIFT for value in values)
    return known and _is_sum(base, text, room)


def _literal(node: Any, text: str) -> Optional[float]:
    """The size of a number that is written out; None where it is computed."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        return _literal(node.operand, text)
    if isinstance(node, ast.Constant):
        number = type(node.value) in (int, float) and _constant(node, text, 0)
        return float(ast.literal_eval(node)) if number else None
    if not isinstance(node, ast.Call) or not all(_is_assumption(one) for one in node.keywords):
        return None
    name, arguments = getattr(node.func, "id", ""), node.args
    if name == "Float" and len(arguments) == 1 and _is_text(arguments[0], True):
        return float(ast.literal_eval(arguments[0]))
    if name == "Integer" and len(arguments) == 1:
        return _literal(arguments[0], text)
    if name == "Rational" and len(arguments) == 2:
        top, bottom = _literal(arguments[0], text), _literal(arguments[1], text)
        return top / bottom if top is not None and bottom else None
    return None


_RULES: Dict[Type[ast.AST], Callable[[Any, str, float], bool]] = {
    ast.Constant: _constant,
    ast.Name: _name,
    ast.UnaryOp: _unary,
    ast.BinOp: _binary,
    ast.BoolOp: _several,
    ast.Tuple: _several,
    ast.List: _several,
    ast.Compare: _compare,
    ast.Call: _call,
    ast.Subscript: _subscript,
}
