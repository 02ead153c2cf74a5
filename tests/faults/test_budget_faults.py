"""Faults that a budget made for quantisation would cover, and must not."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from planting import Fault, Planted, assert_told_apart, codes

from parity.agreement import ImageAgreement

ROOMY = 'tolerance = "roomy"'  # 20 % may be lost, 20 % extra, half beyond every limit


def _rare(suite: Planted) -> int:
    """The class with fewest detections, of those with so many that chance does not lose them."""
    total: Counter[int | None] = Counter()
    for image in suite.judge("healthy_too").images:
        assert isinstance(image.agreement, ImageAgreement)
        total.update(row.reference_class for row in image.agreement.select("pair"))
    rare = min((label for label in total if total[label] >= 8), key=lambda label: total[label])
    assert rare is not None
    return rare


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """One suite; what vanishes depends on what there is."""
    faults = {
        "healthy_too": Fault(table=ROOMY),
        "vanished": Fault(table=ROOMY),
        "shifted": Fault(
            lambda graph: graph.after("boxes", "Add", [3.0, 0.0, 0.0, 0.0]),
            table=ROOMY,
            says=("bias: x1 of the boxes is off by +3.00 px", "no budget covers a shift"),
        ),
        "wider": Fault(
            lambda graph: graph.after("boxes", "Add", [0.0, 0.0, 4.0, 0.0]),
            table=ROOMY,
            says=("bias: x1 of the boxes is off by -2.00 px", "bias: x2 of the boxes is off by +2"),
        ),
        "blind": Fault(
            lambda graph: graph.after("scores", "Mul", 0.1),
            table=ROOMY,
            says=("empty: the candidate sees nothing at all where the reference has",),
        ),
        "nan": Fault(
            lambda graph: graph.after("boxes", "Add", np.full((1, 1, 4), np.nan)),
            table=ROOMY,
            says=("head boxes of the candidate: expected finite numbers, found 8400 NaN",),
        ),
    }
    suite = Planted(tmp_path_factory.mktemp("budget"), faults)
    yield suite
    suite.close()


def test_the_healthy_file_uses_nothing_of_the_budget(planted: Planted) -> None:
    """The control: the same tolerance, no fault, no hint, and no note but that it is the same."""
    record = planted.judge("healthy_too")
    assert (record.verdict, record.hints) == ("pass", ())
    (note,) = record.notes
    assert "is byte for byte healthy.onnx" in note
    assert record.budget is not None
    assert all(share.count == 0 for share in record.budget.shares)


@pytest.mark.parametrize("name", ["shifted", "wider", "blind", "nan"])
def test_what_no_budget_covers_fails_and_is_named(planted: Planted, name: str) -> None:
    """A shared shift, a runtime that is blind, numbers that are not finite."""
    assert_told_apart(planted, name)


def test_a_class_that_vanishes_within_the_budget_fails_and_is_named(planted: Planted) -> None:
    """Its column is zero; two of ten detections might be lost, but not most of one class."""
    label = _rare(planted)
    mask = np.ones(5, np.float32)
    mask[label] = 0
    planted.faults["vanished"] = Fault(
        lambda graph: graph.after("scores", "Mul", mask), table=ROOMY
    )
    record = planted.judge("vanished")
    assert record.verdict == "fail"
    assert codes(record) == {"vanished"}
    assert f"vanished: class {planted.suite.classes[label]}: " in planted.message("vanished")
