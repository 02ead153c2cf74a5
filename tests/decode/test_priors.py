"""Priors from a file and by rule."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parity.decode import grid, load_priors, read_priors
from parity.decode.heads.priors import PriorGrid
from parity.errors import SuiteError

GOOD = np.array([[0.25, 0.5, 0.1, 0.2], [0.75, 0.5, 1.5, 0.2]])


def problem(path: Path) -> str:
    with pytest.raises(SuiteError) as caught:
        read_priors(path, "priors.npy")
    assert caught.value.where == "priors.npy"
    return caught.value.problems[0]


def saved(folder: Path, values: object) -> Path:
    np.save(folder / "priors.npy", np.asarray(values))
    return folder / "priors.npy"


def test_a_file_is_read_as_float64(tmp_path: Path) -> None:
    """Written as float32, it can be larger than the input."""
    saved(tmp_path, GOOD.astype(np.float32))
    found = load_priors("priors.npy", tmp_path, (240, 320))
    assert found.dtype == np.float64
    assert not found.flags.writeable
    np.testing.assert_array_equal(found, GOOD.astype(np.float32))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (np.zeros((3, 5)), "expected priors of shape (A, 4), found (3, 5)"),
        (np.zeros((0, 4)), "expected priors of shape (A, 4), found (0, 4)"),
        (GOOD.astype(int), "expected priors as floating point numbers, found int64"),
        (GOOD * np.nan, "expected finite priors, found NaN or infinity"),
        (GOOD * [1, 1, 1, 0], "expected priors cx, cy, w, h with w and h above 0, found 0"),
        (GOOD * 320, "expected priors relative to the input, found a centre at 240: pixels?"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, values: np.ndarray, line: str) -> None:
    """Shape, dtype, NaN, sizes, pixels."""
    assert problem(saved(tmp_path, values)) == line


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """As the suite names it."""
    expected = "expected a .npy file of priors, found nothing there"
    assert problem(tmp_path / "no.npy") == expected


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    """A .npy file can hold Python objects, which could run code."""
    np.save(tmp_path / "a.npy", np.array([{}], dtype=object), allow_pickle=True)
    assert problem(tmp_path / "a.npy").startswith(
        "expected a .npy file of priors, found another or a damaged file: Object arrays"
    )


def test_an_archive_and_a_text_are_no_priors(tmp_path: Path) -> None:
    """np.load would open the first."""
    np.savez(tmp_path / "a.npz", GOOD)
    expected = "expected a .npy file of priors, found an archive of arrays"
    assert problem(tmp_path / "a.npz") == expected
    (tmp_path / "a.npy").write_text("0.5 0.5 0.1 0.1")
    assert problem(tmp_path / "a.npy").startswith("expected a .npy file of priors, found another")


def test_a_rule_goes_cell_by_cell_then_size_then_ratio() -> None:
    """Rows first; a ratio is width / height; sizes are pixels of the input (100 x 200)."""
    rule = PriorGrid(maps=((1, 2),), sizes=((20.0, 40.0),), ratios=(1.0, 4.0))
    found = grid(rule, (100, 200))
    first = [[0.1, 0.2], [0.2, 0.1], [0.2, 0.4], [0.4, 0.2]]
    expected = [[0.25, 0.5, *shape] for shape in first] + [[0.75, 0.5, *shape] for shape in first]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_rows_come_before_columns() -> None:
    """The second prior of a 2 x 2 map is to the right of the first."""
    found = grid(PriorGrid(maps=((2, 2),), sizes=((10.0,),)), (100, 100))
    assert found[:, :2].tolist() == [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]


def test_priors_can_be_clipped_to_the_input() -> None:
    """Larger than the input becomes as large as the input."""
    rule = {"maps": ((1, 1),), "sizes": ((300.0,),)}
    assert grid(PriorGrid(**rule), (100, 200))[0].tolist() == [0.5, 0.5, 1.5, 3.0]  # type: ignore[arg-type]
    clipped = grid(PriorGrid(**rule, clip=True), (100, 200))  # type: ignore[arg-type]
    assert clipped[0].tolist() == [0.5, 0.5, 1.0, 1.0]


def test_the_rule_of_a_published_detector_gives_its_4420_priors() -> None:
    """Four maps with three, two, two and three sizes."""
    rule = PriorGrid(
        maps=((30, 40), (15, 20), (8, 10), (4, 5)),
        sizes=((10.0, 16.0, 24.0), (32.0, 48.0), (64.0, 96.0), (128.0, 192.0, 256.0)),
        clip=True,
    )
    assert load_priors(rule, Path(), (240, 320)).shape == (4420, 4)
