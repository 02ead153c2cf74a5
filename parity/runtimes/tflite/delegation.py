"""Which ops of a TFLite interpreter a delegate runs, told from the interpreter's own list.

A delegate stands in the list as one more op, with the tensors that it reads and makes, behind the
ops that it took: those are the ones between these tensors.
"""

from collections import Counter
from typing import Any, Dict, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..contract import AdapterError

DELEGATE = "DELEGATE"
XNNPACK = "xnnpack"


class Delegation(NamedTuple):
    """How many ops a delegate runs, and those that it left, by name, the most frequent first."""

    taken: int
    left: Tuple[Tuple[str, int], ...]

    @property
    def ops(self) -> int:
        """All ops of the model."""
        return self.taken + sum(count for _, count in self.left)


def delegation(interpreter: Any) -> Optional[Delegation]:
    """What delegates run of an interpreter that is ready to run; None where it does not tell."""
    listing = getattr(interpreter, "_get_ops_details", None)
    return None if listing is None else _of(listing())


def _of(listed: Sequence[Mapping[str, Any]]) -> Delegation:
    ops = [one for one in listed if one["op_name"] != DELEGATE]
    makers = {int(tensor): at for at, op in enumerate(ops) for tensor in op["outputs"]}
    taken: Set[int] = set()
    for delegate in listed:
        if delegate["op_name"] != DELEGATE:
            continue
        reads = {int(tensor) for tensor in delegate["inputs"]}
        open_ = [int(tensor) for tensor in delegate["outputs"]]
        while open_:
            tensor = open_.pop()
            at = makers.get(tensor)
            if at is None or at in taken or tensor in reads:
                continue
            taken.add(at)
            open_ += [int(one) for one in ops[at]["inputs"]]
    left: Dict[str, int] = Counter(op["op_name"] for at, op in enumerate(ops) if at not in taken)
    return Delegation(len(taken), tuple(sorted(left.items(), key=lambda one: (-one[1], one[0]))))


def check(asked: Optional[str], found: Optional[Delegation]) -> None:
    """Raise ``not-applied`` where XNNPACK was asked for by name and took no op, or the reverse."""
    if found is None or not found.ops or asked is None:
        return
    if asked == XNNPACK and not found.taken:
        what = f"that none of the {found.ops} ops runs on it"
        remedy = "Use a build of the interpreter that has it, or take it out of the options."
    elif asked != XNNPACK and found.taken:
        what = f"that a delegate runs {found.taken} of the {found.ops} ops"
        remedy = "Use a version of the interpreter that can run without its default delegate."
    else:
        return
    raise AdapterError("not-applied", option="delegate", asked=asked, found=what, remedy=remedy)


def note(asked: Optional[str], found: Optional[Delegation]) -> Tuple[str, ...]:
    """What to say where XNNPACK was asked for by name and left ops to TFLite's own kernels."""
    if asked != XNNPACK or found is None or not found.left:
        return ()
    kinds = ", ".join(f"{kind} {count}" for kind, count in found.left)
    left = sum(count for _, count in found.left)
    return (
        f"{left} of {found.ops} ops do not run on XNNPACK but on TFLite's own kernels: {kinds}",
    )
