"""What starting costs: no framework, no pandas, no scipy before there is something to judge."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {
    "ai_edge_litert",
    "cv2",
    "keras",
    "onnx",
    "onnxruntime",
    "pandas",
    "scipy",
    "tensorflow",
    "tf2onnx",
    "torch",
}
PLUGIN_MAY_ADD = {"parity"}
PROBE = """
import json, sys
try:
{body}
except SystemExit:
    pass
print("\\nLOADED", json.dumps(sorted({{name.split(".")[0] for name in sys.modules}})))
"""


def loaded(body: str, cwd: Path | None = None) -> set[str]:
    """The top-level modules that a fresh interpreter holds after running ``body``."""
    code = PROBE.format(body="\n".join(f"    {line}" for line in body.splitlines()))
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("LOADED "))
    return set(json.loads(line.removeprefix("LOADED ")))


def test_importing_parity_is_light() -> None:
    """``import parity`` loads nothing heavy, numpy and pydantic included."""
    assert not loaded("import parity") & (HEAVY | {"numpy", "pydantic"})


def test_help_is_light() -> None:
    """``parity --help`` loads nothing heavy."""
    found = loaded("from parity.cli import main\nmain(['--help'])")
    assert not found & (HEAVY | {"numpy", "pydantic", "rich"})


def test_pytest_without_suites_is_light(tmp_path: Path) -> None:
    """pytest's own start in a project without suites loads the plugin and nothing else of ours."""
    (tmp_path / "test_one.py").write_text("def test_one(): pass\n")
    body = "import pytest\npytest.main(['-q', '-p', 'no:hypothesispytest'{}])"
    without = loaded(body.format(", '-p', 'no:parity'"), tmp_path)
    with_plugin = loaded(body.format(""), tmp_path)
    assert with_plugin - without <= PLUGIN_MAY_ADD


def test_collecting_a_suite_is_light(golden_suites: Path) -> None:
    """``pytest --collect-only`` of the bundled suites loads no framework, no pandas, no scipy."""
    body = f"import pytest\npytest.main(['--collect-only', '-q', {str(golden_suites)!r}])"
    found = loaded(body, golden_suites)
    assert "pydantic" in found
    assert not found & HEAVY


def test_preparing_an_image_opens_only_the_library_that_is_named() -> None:
    """Kernels and decoders of four libraries are known, and one is loaded."""
    body = (
        "import numpy as np\n"
        "from parity.preprocess import prepare\n"
        "from parity.suite.recipe import Recipe\n"
        "prepare(np.zeros((4, 4, 3), np.uint8), Recipe(size=(2, 2), kernel='{}'))"
    )
    frameworks = HEAVY - {"pandas", "scipy"}
    assert not loaded(body.format("pillow:box")) & frameworks
    assert loaded(body.format("opencv:area")) & frameworks == {"cv2"}
    assert "torch" not in loaded(body.format("tensorflow:area"))
    assert "tensorflow" not in loaded(body.format("torch:area"))


@pytest.mark.parametrize("module", ["scipy", "pandas", "cv2"])
def test_the_probe_sees_what_is_loaded(module: str) -> None:
    """The checks above can fail: a heavy import is seen."""
    assert loaded(f"import parity, {module}") & HEAVY >= {module}
