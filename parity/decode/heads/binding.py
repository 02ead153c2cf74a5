"""Which output is which head: as declared, or where the shapes leave exactly one possibility."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

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

    ``hint`` may say what is probably meant by a shape that does not fit. ``names`` are those by
    which exporters are known to call the output.
    """

    name: str
    needs: str
    fits: Callable[[Shape], bool]
    hint: Callable[[Shape], str | None] = _no_hint
    names: tuple[str, ...] = ()


def bind(
    outputs: Sequence[Output],
    declared: Mapping[str, str | int],
    roles: Sequence[Role],
    sources: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The name of the output for every role.

    ``outputs``: name and shape, in the artifact's order, shapes as they were after a run.
    ``declared``: outputs by name or index, which win whatever their shape. Then come outputs that
    fit a role in shape and are made by what it is known for (``sources``: "op:position" by output)
    or called so. What is left is bound only where as many outputs are left as roles, and exactly
    one assignment fits their shapes; all else raises ``BindingError``.
    """
    bound = _declared(outputs, declared, roles)
    for known in (sources or {}, {name: name for name, _ in outputs}):
        bound |= _well_known(outputs, known, bound, roles)
    open_roles = [role for role in roles if role.name not in bound]
    if not open_roles:
        return {role.name: bound[role.name] for role in roles}
    left = [output for output in outputs if output[0] not in bound.values()]
    called = {name: role.name for role in roles for name in role.names}
    if len(left) != len(open_roles):
        names = ", ".join(role.name for role in roles)
        raise BindingError(
            _message(
                f"expected {len(roles)} outputs ({names}), found {len(outputs)}", outputs, roles
            )
        )
    found = list(islice(_assignments(left, open_roles, called), 2))
    if len(found) != 1:
        problem = "no output fits" if not found else "more than one output fits"
        message = _message(f"{problem} the shapes of the heads", outputs, roles)
        raise BindingError(message, len(found))
    bound.update(found[0])
    return {role.name: bound[role.name] for role in roles}


def _well_known(
    outputs: Sequence[Output],
    known: Mapping[str, str],
    bound: Mapping[str, str],
    roles: Sequence[Role],
) -> dict[str, str]:
    """Outputs that fit an open role and are known for it; none where two are."""
    found = {}
    for role in roles:
        fitting = [
            name
            for name, shape in outputs
            if known.get(name) in role.names and name not in bound.values() and role.fits(shape)
        ]
        if role.name not in bound and len(fitting) == 1:
            found[role.name] = fitting[0]
    return found


def _assignments(
    left: Sequence[Output], roles: Sequence[Role], called: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    """Every way to give each role an output of its own that fits it and is not ``called`` another.

    ``called``: role by well-known name.
    """
    if not roles:
        yield {}
        return
    role, *others = roles
    for name, shape in left:
        if role.fits(shape) and called.get(name, role.name) == role.name:
            rest = [output for output in left if output[0] != name]
            for assigned in _assignments(rest, others, called):
                yield {role.name: name, **assigned}


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
