"""Other versions of libraries, each in an environment of its own; ``make test-versions``.

The first run installs them, from wherever pip or uv is set up to; later runs need no network.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import parity
from parity.record import RuntimeRecord

pytestmark = pytest.mark.versions

TFLITE_RUNTIME = """
interpreter = "tflite-runtime"
requires = ["tflite-runtime==2.14.0", "numpy<2"]
python = "3.11"
"""


@pytest.fixture
def judged(golden_suites: Path, tmp_path: Path) -> object:
    """Judges tables of runtimes in the bundled SSD, against a runtime of it."""

    def judge(reference: str, **tables: str) -> dict[str, RuntimeRecord]:
        source = golden_suites / "parts_ssd"
        for one in source.iterdir():
            if one.name not in ("parity.toml", "golden"):
                (tmp_path / one.name).symlink_to(one)
        text = (source / "parity.toml").read_text()
        text = re.sub(r'^reference = "\w+"', f'reference = "{reference}"', text, flags=re.M)
        for name, table in tables.items():
            text += f"\n[runtimes.{name}]\n{table}\n"
        (tmp_path / "parity.toml").write_text(text)
        record = parity.check(tmp_path, tuple(tables))
        return {one.name: one for one in record.runtimes}

    return judge


def test_tflite_runtime_agrees_with_litert_in_float(judged: object) -> None:
    """2.14.0 on numpy 1 against LiteRT: the same kernels, so the strictest tolerance there is."""
    table = 'kind = "tflite"\nmodel = "detector.tflite"\ntolerance = "exact"' + TFLITE_RUNTIME
    found = judged("tflite", old=table)["old"]  # type: ignore[operator]
    assert found.verdict == "pass", found
    assert found.identity["version"] == "2.14.0"
    assert found.identity["numpy"].startswith("1.")


def test_tflite_runtime_agrees_with_litert_in_int8(judged: object) -> None:
    """Its wheel holds no XNNPACK: with LiteRT's own kernels it agrees as strictly as in float."""
    model = 'kind = "tflite"\nmodel = "detector_int8.tflite"\n'
    found = judged(  # type: ignore[operator]
        "plain",
        plain=model + 'options = { delegate = "none" }',
        old=model + 'tolerance = "exact"' + TFLITE_RUNTIME,
    )["old"]
    assert found.verdict == "pass", found
    assert found.identity["delegate"] == "none"


def test_kernels_of_int8_round_otherwise(judged: object) -> None:
    """Against XNNPACK it differs, and agrees as two quantised networks do."""
    model = 'kind = "tflite"\nmodel = "detector_int8.tflite"\n'
    found = judged(  # type: ignore[operator]
        "tflite_int8",
        strict=model + 'tolerance = "exact"' + TFLITE_RUNTIME,
        old=model + 'tolerance = "int8"' + TFLITE_RUNTIME,
    )
    assert (found["strict"].verdict, found["old"].verdict) == ("fail", "pass")


@pytest.mark.parametrize(
    ("version", "python"), [("1.16.3", "3.8"), ("1.19.2", "3.8"), ("1.20.1", "3.10")]
)
def test_onnxruntime_of_years_ago_agrees(judged: object, version: str, python: str) -> None:
    """The oldest Python and numpy that a worker runs on, under a library of that time."""
    table = f'kind = "onnxruntime"\nmodel = "detector.onnx"\npython = "{python}"\n'
    table += f'requires = ["onnxruntime=={version}"]'
    found = judged("onnx", old=table)["old"]  # type: ignore[operator]
    assert found.verdict == "pass", found
    assert found.identity["version"] == version
    assert found.identity["python"].startswith(python)


@pytest.mark.parametrize(
    ("library", "table", "why"),
    [
        (
            "onnxruntime",
            'kind = "onnxruntime"\nmodel = "detector.onnx"\nrequires = ["onnxruntime==1.17.3"]\n'
            'python = "3.11"',
            "does not import: ImportError",
        ),
        (
            "tflite-runtime",
            'kind = "tflite"\nmodel = "detector.tflite"'
            + TFLITE_RUNTIME.replace(', "numpy<2"', ""),
            "set, from ImportError: numpy.core.multiarray failed to import",
        ),
    ],
)
def test_a_numpy_that_is_too_new_is_named(
    judged: object, library: str, table: str, why: str
) -> None:
    """Both were built for NumPy 1, and neither says so to whoever installs it."""
    failure = judged("onnx", old=table)["old"].failure  # type: ignore[operator]
    assert failure.kind == "RuntimeBroken"
    assert f"expected {library} in the environment of this runtime" in failure.message
    assert f"{why}; it was built for NumPy 1 while the environment has 2." in failure.message
    assert failure.message.endswith(': add "numpy<2" to requires under [runtimes.old]')
