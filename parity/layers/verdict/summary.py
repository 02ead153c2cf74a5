"""What a table of layers says beside its rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from parity.layers.align.regions import main_op
from parity.layers.graph.roles import Role
from parity.layers.graph.semantics import output_axes
from parity.layers.graph.view import View
from parity.layers.numbers import float_formats
from parity.layers.verdict.causes import Judgement, RegionErrors
from parity.layers.verdict.measured import Comparison
from parity.runtimes.contract import Op

_CONVOLUTIONS = (Role.CONV, Role.DEPTHWISE, Role.DECONV)


def summary_of(
    comparison: Comparison,
    errors: Sequence[RegionErrors],
    judgement: Judgement,
    share: float,
    uncompared: Sequence[str],
) -> tuple[str, ...]:
    """What is said of the table as a whole: its input, its rest, how it was looked at."""
    notes = [
        *_about_input(comparison, judgement),
        *_about_rest(comparison, errors, judgement),
        *_about_weights(comparison.matching.candidate.view),
    ]
    for side, error in comparison.observer.items():
        if error is not None and _rounding(comparison, float_formats.ceiling) < error < math.inf:
            notes.append(
                f"Reading intermediate tensors changed the {side}, as its fusions are off then: "
                f"its outputs are {error:.2g} (relative L2) from those of the deployed one."
            )
    if share < 1:
        percent = math.floor(1000 * share) / 10
        notes.append(
            f"{percent:g} % of the ops that compute could be compared, on the side where that is "
            f"less."
        )
    if uncompared:
        names = ", ".join(uncompared[:3]) + (" and more" if len(uncompared) > 3 else "")
        which = f"output {names}" if len(uncompared) == 1 else f"outputs {names}"
        notes.append(f"Nothing could be compared with the candidate's {which}.")
    data = comparison.matching.candidate.view.data
    notes += [
        f"The candidate's output {name} is the same for every image, and the reference's is not."
        for name in uncompared
        if name not in data
    ]
    return tuple(notes)


def _rounding(comparison: Comparison, limit: Callable[[float], float]) -> float:
    """What rounding explains, by the coarsest format of a network."""
    return max((limit(one.format.unit) for one in comparison.measured), default=0.0)


def _about_input(comparison: Comparison, judgement: Judgement) -> list[str]:
    """Whether both networks see the same image."""
    error = comparison.input_rel_l2
    size = f" (relative L2 {error:.2g})" if error is not None else ""
    if judgement.input_differs:
        every = all(verdict == "inherited" for verdict in judgement.verdicts)
        many = "Every layer is" if every else "Layers are"
        return [
            f"{many} far off and none of them by its own doing: the input differs{size}. "
            f"Look at preprocessing."
        ]
    if error is None or error <= _rounding(comparison, float_formats.floor):
        return []
    guilty = set(judgement.verdicts) & {"introduced", "nonfinite"}
    also = "and that adds to what layers introduce" if guilty else "though no first layer shows it"
    return [f"The input differs{size}, {also}: compare both runtimes' preprocessing."]


def _about_rest(
    comparison: Comparison, errors: Sequence[RegionErrors], judgement: Judgement
) -> list[str]:
    """What may still be wrong where no layer that was measured is."""
    names = [name_of(comparison.matching.candidate.view, one.ops) for one in comparison.regions]
    measured = [
        place
        for place, verdict in enumerate(judgement.verdicts)
        if verdict in ("introduced", "nonfinite") and place not in judgement.unmeasured
    ]
    if judgement.unmeasured and not measured:
        first = names[judgement.unmeasured[0]]
        return [
            f"Every layer that could be run alone is fine; {first} could not be, and is the first "
            f"whose result is off."
        ]
    if measured or judgement.input_differs:
        return []
    last = [place for place, one in enumerate(errors) if judgement.verdicts[place] == "unpaired"]
    if last:
        count = f"{len(last)} layers" if len(last) > 1 else "1 layer"
        return [f"{count} could neither be compared nor run alone, {names[last[0]]} first."]
    return []


def _about_weights(view: View) -> list[str]:
    """That convolutions have one scale for all channels: a choice and no fault of a layer, but a
    common cause where accuracy drops (TensorFlow Lite 8-bit quantization specification)."""
    found = [one for op in view.data_ops() if (one := _scales(view, op)) is not None]
    coarse = found.count(1)
    if not coarse:
        return []
    many = f"{len(found)} convolutions" if len(found) > 1 else "1 convolution"
    return [
        f"Weights are quantised per tensor in {coarse} of {many}: one scale for all channels "
        f"leaves few steps to the quiet ones, a common cause of an accuracy drop. Quantise per "
        f"channel."
    ]


def _scales(view: View, op: Op) -> int | None:
    """How many scales a convolution's weight of 8 bits or fewer has; None for others, and where
    there is one channel alone."""
    weight = view.weight(op) if view.roles[op.index] in _CONVOLUTIONS else None
    if weight is None:
        return None
    position, values = weight
    axes = output_axes(view.graph, op, position, values.ndim)
    stored = next((one for one in _behind(view, op.inputs[position]) if view.quantized(one)), "")
    integers = view.graph.constants.get(stored)
    if (
        integers is None
        or integers.dtype.itemsize > 1
        or math.prod(values.shape[i] for i in axes) < 2
    ):
        return None
    return len(view.graph.quantization[stored].scale)


def _behind(view: View, name: str) -> Iterator[str]:
    """A constant, and those that it is unpacked from."""
    while name:
        yield name
        maker = view.producers.get(name)
        name = maker.inputs[0] if maker is not None and maker.inputs else ""


def name_of(view: View, ops: tuple[Op, ...]) -> str:
    """The name of the op that a region is known by; "" where it has none."""
    main = main_op(view, ops)
    return main.name if main else ""
