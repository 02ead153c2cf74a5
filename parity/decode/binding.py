"""Which output is which head: as declared, or where the shapes leave exactly one possibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

Shape = tuple[int, ...]
Output = tuple[str, Shape]


class BindingError(ValueError):
    """Heads cannot be bound to outputs without a guess.

    ``fitting``: how many assignments fit the shapes, none or several; None where the shapes are
    not what is wrong.
    """

    def __init__(self, message: str, fitting: int | None = None) -> None:
        super().__init__(message)
        self.fitting = fitting


def _no_hint(_: Shape) -> str | None:
    return None


@dataclass(frozen=True)
class Role:
    """One head of a family: its name, the shapes it can have, and those shapes in words.

    ``hint`` may say what is probably meant by a shape that does not fit.
    """

    name: str
    needs: str
    fits: Callable[[Shape], bool]
    hint: Callable[[Shape], str | None] = _no_hint


def bind(
    outputs: Sequence[Output], declared: Mapping[str, str | int], roles: Sequence[Role]
) -> dict[str, str]:
    """The name of the output for every role.

    ``outputs``: name and shape, in the artifact's order, shapes as they were after a run.
    ``declared``: outputs by name or index, which win whatever their shape. What is not declared is
    bound only where as many outputs are left as roles, and exactly one assignment fits their
    shapes; all else raises ``BindingError``.
    """
    bound = _declared(outputs, declared, roles)
    open_roles = [role for role in roles if role.name not in bound]
    if not open_roles:
        return {role.name: bound[role.name] for role in roles}
    left = [output for output in outputs if output[0] not in bound.values()]
    if len(left) != len(open_roles):
        names = ", ".join(role.name for role in roles)
        raise BindingError(
            _message(
                f"expected {len(roles)} outputs ({names}), found {len(outputs)}", outputs, roles
            )
        )
    found = list(_assignments(left, open_roles))
    if len(found) != 1:
        problem = "no output fits" if not found else "more than one output fits"
        message = _message(f"{problem} the shapes of the heads", outputs, roles)
        raise BindingError(message, len(found))
    bound.update(found[0])
    return {role.name: bound[role.name] for role in roles}


def _assignments(left: Sequence[Output], roles: Sequence[Role]) -> Iterator[dict[str, str]]:
    for order in permutations(left):
        pairs = list(zip(roles, order, strict=True))
        if all(role.fits(shape) for role, (_, shape) in pairs):
            yield {role.name: name for role, (name, _) in pairs}


def _declared(
    outputs: Sequence[Output], declared: Mapping[str, str | int], roles: Sequence[Role]
) -> dict[str, str]:
    known = [role.name for role in roles]
    bound: dict[str, str] = {}
    for role, wanted in declared.items():
        if role not in known:
            raise BindingError(
                _message(f"expected heads {', '.join(known)}, found {role!r}", outputs, roles)
            )
        name = _find(outputs, role, wanted, roles)
        if name in bound.values():
            other = next(one for one, taken in bound.items() if taken == name)
            raise BindingError(
                _message(f"output {name!r} is declared for both {other} and {role}", outputs, roles)
            )
        bound[role] = name
    return bound


def _find(outputs: Sequence[Output], role: str, wanted: str | int, roles: Sequence[Role]) -> str:
    names = [name for name, _ in outputs]
    if isinstance(wanted, int):
        if 0 <= wanted < len(names):
            return names[wanted]
        last = len(names) - 1
        problem = f"{role}: expected an index within 0..{last}, found {wanted}"
    elif wanted in names:
        return wanted
    else:
        problem = f"{role}: expected the name of an output, found {wanted!r}"
    raise BindingError(_message(problem, outputs, roles))


def _message(problem: str, outputs: Sequence[Output], roles: Sequence[Role]) -> str:
    line = ", ".join(f'{role.name} = "..."' for role in roles)
    remedy = f"say which is which, by name or index: outputs = {{ {line} }}"
    return "\n".join([problem, *listed(outputs, roles), remedy])


def listed(outputs: Sequence[Output], roles: Sequence[Role]) -> list[str]:
    """The lines of a message that tell the outputs, the heads, and what may be meant."""
    lines = ["the outputs are"]
    lines += [f"  {index}: {name!r} {shape}" for index, (name, shape) in enumerate(outputs)]
    lines.append("the heads are")
    lines += [f"  {role.name}: {role.needs}" for role in roles]
    hints = {role.hint(shape) for role in roles for _, shape in outputs} - {None}
    return [*lines, *sorted(str(hint) for hint in hints)]
