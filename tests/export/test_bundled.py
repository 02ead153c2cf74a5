"""The artifacts of the bundled suites are what their ``parity.toml`` makes of the sources."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import parity
from parity.export import Exported, export
from parity.suite import Suite
from parity.suite.tolerance import BUILT_IN

GOLDEN = Path(__file__).parents[2] / "golden"
IMAGES = 8


def declared() -> list[tuple[str, str]]:
    """(suite, runtime) of every ``export`` table in the bundled suites."""
    found = []
    for path in sorted(GOLDEN.glob("*/parity.toml")):
        runtimes = tomllib.loads(path.read_text())["runtimes"]
        found += [(path.parent.name, name) for name, table in runtimes.items() if "export" in table]
    return found


@pytest.fixture(scope="session")
def regenerated(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Exported]:
    """Every artifact of every bundled suite, made anew in a temporary folder."""
    for module in ("tensorflow", "keras", "torch", "onnxruntime", "tf2onnx", "onnxscript"):
        pytest.importorskip(module)
    return {
        (suite, one.runtime): one
        for suite in sorted({suite for suite, _ in declared()})
        for one in export(GOLDEN / suite, out=tmp_path_factory.mktemp(suite))
    }


def against_committed(suite: Suite, made: Exported) -> Suite:
    """The committed artifact as the reference, the regenerated one as its candidate."""
    runtime = suite.runtimes[made.runtime]
    # Another processor folds batch norm into weights that differ by 1e-5; a few of them (19 of
    # 675,220 when it was counted) then round to the neighbouring half.
    stored = runtime.tolerance.name if runtime.tolerance.name in ("int8", "float16") else "exact"
    key = "model" if runtime.table.weights is None else "weights"
    table = runtime.table.model_copy(update={key: str(made.path)})
    return replace(
        suite,
        images=suite.images[:IMAGES],
        labels=None,
        reference="committed",
        runtimes={
            "committed": replace(runtime, name="committed"),
            "regenerated": replace(
                runtime,
                name="regenerated",
                table=table,
                tolerance=BUILT_IN[stored],
            ),
        },
    )


@pytest.mark.parametrize(("name", "runtime"), declared())
def test_an_artifact_can_be_regenerated(
    name: str, runtime: str, regenerated: dict[tuple[str, str], Exported]
) -> None:
    """Float artifacts find exactly the same, others the same within what their storage rounds."""
    suite = against_committed(parity.load_suite(GOLDEN / name), regenerated[name, runtime])
    record = parity.check(suite, ("regenerated",))
    (judged,) = record.runtimes
    assert judged.verdict == "pass", judged.reason or judged.failed_images() or judged.budget
    assert judged.statistics is not None
    assert judged.statistics.pairs > 0
