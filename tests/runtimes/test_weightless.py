"""What importing the adapters costs, and which Python they need."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from contextlib import closing
from importlib import metadata
from pathlib import Path

import pytest

import parity.runtimes as runtimes
from parity.isolation import Launch, Workplace
from parity.runtimes.contract import Adapter, AdapterError, Artifact

FOLDER = Path(runtimes.__file__).parent
FORMATS = FOLDER.parent / "formats"
FILES = sorted([*FOLDER.rglob("*.py"), *FORMATS.rglob("*.py")])
FRAMEWORKS = {"torch", "tensorflow", "keras", "onnxruntime", "onnx", "ai_edge_litert", "h5py"}
PROBE = "import json, sys\n{}\nprint(json.dumps(sorted({{n.split('.')[0] for n in sys.modules}})))"


def imported(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter holds after this statement."""
    code = PROBE.format(statement)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_registry_loads_no_framework() -> None:
    """import parity.runtimes brings numpy, and no framework."""
    loaded = imported("import parity.runtimes")
    assert "numpy" in loaded
    assert not loaded & FRAMEWORKS


def test_loading_and_asking_every_kind_loads_no_framework() -> None:
    """Neither the adapter classes nor missing() import what they would run."""
    statement = (
        "import parity.runtimes as r\n"
        "for kind in r.kinds():\n    r.load(kind)\n    assert r.missing(kind, {}) is None, kind"
    )
    assert not imported(statement) & FRAMEWORKS


def test_the_probe_would_see_a_framework() -> None:
    """The check above can fail: an import of h5py is seen."""
    pytest.importorskip("h5py")
    assert "h5py" in imported("import parity.runtimes, h5py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER.parent)))
def test_every_file_is_python_3_8(path: Path) -> None:
    """The folder is run by foreign interpreters, down to Python 3.8."""
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
            assert node.value.id not in ("dict", "list", "tuple", "set", "type"), node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER.parent)))
def test_every_file_imports_only_its_own_room_and_formats(path: Path) -> None:
    """At import: the standard library, numpy, siblings and formats; they can be copied away."""
    room = FORMATS if FORMATS in path.parents else FOLDER
    allowed = set(sys.stdlib_module_names) | {"numpy"}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names} <= allowed
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0:
                assert str(node.module).split(".")[0] in allowed
                continue
            origin = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            assert {room, FORMATS} & {origin, *origin.parents}, node.lineno


def test_no_folder_of_ours_hides_a_framework(tmp_path: Path) -> None:
    """A folder called torch hides nothing, as no folder above it is on a worker's path."""
    (tmp_path / "probe.py").write_text(
        "import sys\nimport numpy as np\ndef paths(feeds):\n"
        "    return {'paths': np.array([one or '.' for one in sys.path])}\n"
    )
    artifact = Artifact("probe:paths", folder=str(tmp_path))
    with closing(Workplace(Launch(), "fake").open(artifact)) as adapter:
        places = {Path(one).resolve() for one in adapter.run({})["paths"].tolist()}
    assert not places & {FOLDER, FOLDER.parent / "worker"}


def test_the_kinds_of_the_design() -> None:
    """The built-in kinds, in order."""
    expected = (
        *("keras", "savedmodel", "torch", "onnxruntime", "tflite", "onnx-reference"),
        *("recorded", "command", "fake"),
    )
    assert runtimes.kinds() == expected
    assert [runtimes.load(kind).kind for kind in expected] == list(expected)


def test_an_unknown_kind_lists_the_known_ones() -> None:
    """A typing error in a kind shows what there is."""
    with pytest.raises(AdapterError) as caught:
        runtimes.load("onnx")
    assert caught.value.code == "unknown-kind"
    assert caught.value.facts["kind"] == "onnx"
    assert set(runtimes.kinds()) <= set(caught.value.facts["known"])


@pytest.fixture
def entry_point(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two registered kinds, of which one cannot be imported; returns a log of look-ups."""
    asked: list[str] = []
    group = "parity.runtimes"
    points = metadata.EntryPoints(
        [
            metadata.EntryPoint("other", "parity.runtimes.fake.adapter:Fake", group),
            metadata.EntryPoint("broken", "no_such_module_here:Nothing", group),
        ]
    )

    def entry_points() -> metadata.EntryPoints:
        asked.append("asked")
        return points

    monkeypatch.setattr(metadata, "entry_points", entry_points)
    return asked


def test_a_further_kind_comes_from_an_entry_point(entry_point: list[str]) -> None:
    """Another package's adapter is found by the name that it registered."""
    assert issubclass(runtimes.load("other"), Adapter)
    assert runtimes.missing("other", {}) is None
    assert entry_point


def test_a_built_in_kind_asks_no_entry_point(entry_point: list[str]) -> None:
    """A broken plugin cannot disturb the built-in kinds."""
    runtimes.load("torch")
    assert not entry_point


def test_a_broken_entry_point_is_a_missing_library(entry_point: list[str]) -> None:
    """A plugin that cannot be imported is missing, with its own words."""
    expected = "ModuleNotFoundError: No module named 'no_such_module_here'"
    assert runtimes.missing("broken", {}) == expected
    with pytest.raises(AdapterError) as caught:
        runtimes.load("broken")
    assert caught.value.code == "missing-library"


def test_the_interpreter_option_decides_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A TFLite runtime needs the library that its option names, and no other."""
    monkeypatch.setitem(sys.modules, "ai_edge_litert", None)
    monkeypatch.setitem(sys.modules, "tflite_runtime", None)
    assert runtimes.missing("tflite", {}) == (
        "ai-edge-litert is not installed; install it with: pip install 'detector-parity[tflite]'"
    )
    assert runtimes.missing("tflite", {"interpreter": "tflite-runtime"}) == (
        "tflite-runtime is not installed; install it with: pip install tflite-runtime"
    )
    assert runtimes.missing("tflite", {"interpreter": "tensorflow"}) is None
