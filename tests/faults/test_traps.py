"""What other comparators do wrong in silence, one test each."""

from collections.abc import Iterator

import pytest
from planting import Fault, Graph, Planted, codes


def _dynamic(graph: Graph) -> None:
    """An input that declares no size at all."""
    (image,) = graph.model.graph.input
    for edge, name in zip(image.type.tensor_type.shape.dim, "nabc", strict=True):
        edge.ClearField("value")
        edge.dim_param = name


def _four_columns(graph: Graph) -> None:
    """As many classes as a box has numbers: the heads look the same."""
    graph.after("scores", "Slice", [0], [4], [2])


FAULTS = {
    "square": Fault(lambda graph: graph.before("Transpose", perm=[0, 1, 3, 2])),
    "layout_unsaid": Fault(_dynamic),
    "layout_said": Fault(_dynamic, table='layout = "NCHW"'),
    "broadcasting": Fault(impostor="broadcasting"),
    "one_more": Fault(impostor="one_more_output"),
    "one_less": Fault(lambda graph: graph.model.graph.output.pop()),
    "not_installed": Fault(table='python = "3.99"'),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """One suite with all of them."""
    suite = Planted(tmp_path_factory.mktemp("traps"), FAULTS, images=2)
    yield suite
    suite.close()


def _first_failure(planted: Planted, name: str) -> str:
    record = planted.judge(name)
    assert record.verdict == "error"
    failure = record.failure or record.images[0].failure
    assert failure is not None
    assert failure.exit_code == 3
    return failure.message


def test_height_and_width_swapped_on_a_square_map_is_not_zero(planted: Planted) -> None:
    """No layout is searched until the numbers agree."""
    assert planted.judge("square").verdict == "fail"


def test_a_layout_that_nothing_says_is_an_error(planted: Planted) -> None:
    """It is not tried which of the two runs; said, it is used."""
    message = _first_failure(planted, "layout_unsaid")
    assert "expected a shape that tells the layout, found (?, ?, ?, ?)" in message
    assert 'say layout = "NCHW" or layout = "NHWC"' in message
    assert planted.judge("layout_said").verdict == "pass"


def test_heads_that_look_the_same_are_not_paired_by_position(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The choices are listed, and the binding that they ask for."""
    suite = Planted(
        tmp_path_factory.mktemp("four"),
        {"four": Fault()},
        healthy=_four_columns,
        classes=4,
        images=1,
    )
    message = _first_failure(suite, "four")
    assert "more than one output fits the shapes of the heads" in message
    assert "0: 'scores' (1, 2100, 4)" in message
    assert "1: 'boxes' (1, 2100, 4)" in message
    assert 'outputs = { boxes = "...", scores = "..." }' in message


def test_shapes_never_broadcast(planted: Planted) -> None:
    """Heads of one row beside heads of 2100."""
    assert "shape" in codes(planted.judge("broadcasting"))
    assert "expected (1, 2100, 4) as in the reference, found (1, 1, 4)" in planted.message(
        "broadcasting"
    )


@pytest.mark.parametrize(
    ("name", "found"), [("one_more", "found 3"), ("one_less", "found 1")], ids=["more", "less"]
)
def test_no_output_is_dropped_in_silence(planted: Planted, name: str, found: str) -> None:
    """One output too many or too few is an error that lists them."""
    assert f"expected 2 outputs (boxes, scores), {found}" in _first_failure(planted, name)


def test_a_runtime_that_cannot_run_here_is_not_left_out(planted: Planted) -> None:
    """What was asked for and is not there is an error, never a shorter table."""
    assert "there is no Python 3.99 on this machine" in _first_failure(planted, "not_installed")
