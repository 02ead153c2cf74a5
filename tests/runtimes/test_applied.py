"""A provider, device or delegate that a suite asks for runs, or it is refused: never replaced."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from parity import check, runtimes
from parity.cli import main
from parity.runtimes.contract import Adapter, AdapterError, Artifact
from parity.runtimes.onnxruntime import placement
from parity.runtimes.onnxruntime.placement import CPU, Placement
from parity.runtimes.shared import tf_common
from tests.support.suites import boxes_scores, runtime, small_suite, toml

AZURE = "AzureExecutionProvider"  # part of the plain package; it runs nothing but its own ops
CUDA = "CUDAExecutionProvider"


def opened(kind: str, model: Path, **options: Any) -> Adapter:
    """An adapter whose options have been seen to be applied."""
    adapter = runtimes.load(kind)(Artifact(model=str(model), options=options))
    adapter.check_applied()
    return adapter


def refused(kind: str, model: Path, **options: Any) -> dict[str, Any]:
    """The facts of what was asked for and did not run."""
    with pytest.raises(AdapterError) as caught:
        opened(kind, model, **options)
    assert caught.value.code == "not-applied"
    return caught.value.facts


# --- ONNX Runtime


def _needs(provider: str) -> None:
    ort = pytest.importorskip("onnxruntime")
    if provider not in ort.get_available_providers():
        pytest.skip(f"this build of onnxruntime has no {provider}")


@pytest.mark.parametrize("api", [True, False])
def test_a_provider_that_runs_no_node_is_refused(
    onnx_files: Path, monkeypatch: pytest.MonkeyPatch, api: bool
) -> None:
    """The session lists it all the same; versions before 1.24 say so in their log."""
    _needs(AZURE)
    import onnxruntime as ort

    if not api:
        monkeypatch.setattr(ort.InferenceSession, "get_provider_graph_assignment_info", None)
    facts = refused("onnxruntime", onnx_files / "net.onnx", provider=AZURE)
    assert (facts["option"], facts["asked"]) == ("provider", AZURE)
    assert facts["found"].startswith("a session in which it runs no node, but ")
    assert facts["found"].endswith(CPU)


def test_the_cpu_runs_and_needs_no_words(onnx_files: Path) -> None:
    """Asked for by name or not."""
    for options in ({}, {"provider": CPU}):
        adapter = opened("onnxruntime", onnx_files / "net.onnx", **options)
        assert (adapter.identity()["provider"], adapter.notes()) == (CPU, ())
        assert "nodes" not in adapter.identity()


def test_a_provider_of_another_build_is_refused(onnx_files: Path) -> None:
    """One that ONNX Runtime knows; a name that nobody knows is a slip of the pen."""
    ort = pytest.importorskip("onnxruntime")
    if CUDA in ort.get_available_providers():
        pytest.skip("this build of onnxruntime has CUDA")
    facts = refused("onnxruntime", onnx_files / "net.onnx", provider=CUDA)
    assert facts["found"].startswith("an onnxruntime that was built without it, with ")
    with pytest.raises(AdapterError) as caught:
        opened("onnxruntime", onnx_files / "net.onnx", provider="Cuda")
    assert caught.value.code == "bad-option"


def test_a_provider_that_could_not_be_loaded_is_refused() -> None:
    """onnxruntime-gpu without CUDA: it is available, and the session has the CPU alone."""
    with pytest.raises(AdapterError) as caught:
        placement.check(CUDA, (CPU,), None)
    assert caught.value.facts["found"] == f"a session on {CPU} alone"


def test_a_provider_that_runs_some_nodes_is_told_of_the_others() -> None:
    """A mixed partition is what a deployment has; it is no fallback of the whole."""
    placed = Placement({CUDA: 120, CPU: 4}, (("Shape", 3), ("NonMaxSuppression", 1)))
    placement.check(CUDA, (CUDA, CPU), placed)
    assert placement.note(CUDA, placed) == (
        f"4 of 124 nodes do not run on {CUDA}: on {CPU} are Shape 3, NonMaxSuppression 1",
    )
    whole = Placement({CUDA: 124})
    placement.check(CUDA, (CUDA, CPU), whole)
    assert placement.note(CUDA, whole) == ()


def test_a_graph_without_nodes_needs_no_provider() -> None:
    """All of it was folded into constants."""
    placement.check(CUDA, (CUDA, CPU), Placement({}))


def test_nodes_are_counted_in_the_log_of_older_versions(tmp_path: Path) -> None:
    """Each provider has a line of its own there; a version without them tells nothing."""
    lines = ["Node(s) placed on [CUDAExecutionProvider]. Number of nodes: 7\n"]
    lines += ["Node(s) placed on [CPUExecutionProvider]. Number of nodes: 2\n"]

    def session(model: str, settings: Any, providers: Any) -> None:
        assert settings.log_severity_level == 0
        os.write(2, "".join(lines).encode())

    settings = SimpleNamespace(log_severity_level=4)
    library, old = SimpleNamespace(InferenceSession=session), SimpleNamespace()
    old.get_providers = lambda: [CUDA, CPU]
    assert placement.placement(library, old, "net.onnx", settings) == Placement({CUDA: 7, CPU: 2})
    assert settings.log_severity_level == 4
    lines.clear()
    assert placement.placement(library, old, "net.onnx", settings) is None


# --- TFLite


def _tflite(path: Path, *ops: str) -> Path:
    """A chain of float ops that take two tensors, each reading its own input twice."""
    schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
    flatbuffers = pytest.importorskip("flatbuffers")
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.buffers, model.subgraphs = 3, [schema.BufferT()], [graph]
    graph.tensors, graph.operators, model.operatorCodes = [], [], []
    for at in range(len(ops) + 1):
        tensor = schema.TensorT()
        tensor.name, tensor.shape = f"t{at}".encode(), [1, 4, 4, 3]
        tensor.type, tensor.buffer = schema.TensorType.FLOAT32, 0
        graph.tensors.append(tensor)
    for at, name in enumerate(ops):
        code, op = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        op.opcodeIndex, op.inputs, op.outputs = at, [at, at], [at + 1]
        if name == "ADD":
            op.builtinOptionsType = schema.BuiltinOptions.AddOptions
            op.builtinOptions = schema.AddOptionsT()
        model.operatorCodes.append(code)
        graph.operators.append(op)
    graph.inputs, graph.outputs = [0], [len(ops)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return path


def test_a_delegate_that_runs_no_op_is_refused_where_it_is_asked_for(tmp_path: Path) -> None:
    """XNNPACK has no FLOOR_MOD; as the library's default it may well run nothing."""
    model = _tflite(tmp_path / "net.tflite", "FLOOR_MOD")
    assert refused("tflite", model, delegate="xnnpack")["found"] == (
        "that none of the 1 ops runs on it"
    )
    adapter = opened("tflite", model)
    identity = adapter.identity()
    assert (identity["delegate"], identity["delegate_asked"]) == ("none", "xnnpack")
    assert adapter.notes() == ()


def test_a_delegate_that_runs_some_ops_is_told_of_the_others(tmp_path: Path) -> None:
    """In the identity always, in a note where the suite names the delegate."""
    model = _tflite(tmp_path / "net.tflite", "ADD", "FLOOR_MOD", "ADD")
    adapter = opened("tflite", model, delegate="xnnpack")
    assert adapter.identity()["delegated"] == "2 of 3 ops"
    assert adapter.notes() == (
        "1 of 3 ops do not run on XNNPACK but on TFLite's own kernels: FLOOR_MOD 1",
    )
    assert opened("tflite", model).notes() == ()


def test_a_delegate_that_runs_every_op_needs_no_words(tmp_path: Path) -> None:
    """And none that was not to run runs."""
    model = _tflite(tmp_path / "net.tflite", "ADD", "ADD")
    adapter = opened("tflite", model, delegate="xnnpack")
    assert (adapter.identity()["delegated"], adapter.notes()) == ("2 of 2 ops", ())
    plain = opened("tflite", model, delegate="none")
    assert (plain.identity()["delegate"], plain.notes()) == ("none", ())


# --- torch, TensorFlow, Keras


def test_a_device_that_torch_does_not_have_is_refused(torch_files: Path) -> None:
    """Whatever the form of the network; the CPU may be asked for by name."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    for name in ("script.pt", "program.pt2"):
        facts = refused("torch", torch_files / name, device="cuda")
        assert (facts["option"], facts["asked"]) == ("device", "cuda")
        assert facts["found"].startswith(f"torch {torch.__version__} without it (")
        adapter = opened("torch", torch_files / name, device="cpu")
        assert adapter.identity()["device"] == "cpu"


@pytest.mark.parametrize("name", ["gpu0", "meta"])
def test_a_name_that_is_no_device_of_torch_is_an_option_error(torch_files: Path, name: str) -> None:
    """Tensors of "meta" have no numbers."""
    with pytest.raises(AdapterError) as caught:
        opened("torch", torch_files / "script.pt", device=name)
    assert (caught.value.code, caught.value.facts["found"]) == ("bad-option", repr(name))


def test_weights_that_stay_on_another_device_are_refused(torch_files: Path) -> None:
    """A program that was exported for one device does not move to another."""
    torch = pytest.importorskip("torch")
    from parity.runtimes.torch import devices

    module = torch.nn.Linear(2, 2)
    devices.check("cpu", torch.device("cpu"), module)
    with pytest.raises(AdapterError) as caught:
        devices.check("cuda:0", torch.device("cuda:0"), module)
    assert caught.value.facts["found"] == "weights on cpu"


@pytest.mark.parametrize(("kind", "name"), [("keras", "net.keras"), ("savedmodel", "saved")])
def test_a_gpu_that_tensorflow_does_not_see_is_refused(
    tensorflow_files: Path, kind: str, name: str
) -> None:
    """The CPU may be asked for by name."""
    import tensorflow as tf

    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU here")
    facts = refused(kind, tensorflow_files / name, device="gpu")
    assert (facts["asked"], facts["found"]) == ("gpu", "a TensorFlow that sees no GPU here")
    assert opened(kind, tensorflow_files / name, device="cpu").identity()["device"] == "cpu"
    with pytest.raises(AdapterError) as caught:
        opened(kind, tensorflow_files / name, device="cuda")
    assert caught.value.facts["known"] == ("cpu or gpu",)


class _TensorFlow:
    """TensorFlow on a machine with one GPU, started or not."""

    def __init__(self, started: bool) -> None:
        self.config, self.visible, self.started = self, ["GPU:0"], started

    def list_physical_devices(self, kind: str) -> list[str]:
        return ["GPU:0"]

    def get_visible_devices(self, kind: str) -> list[str]:
        return self.visible

    def set_visible_devices(self, devices: list[str], kind: str) -> None:
        if self.started:
            raise RuntimeError("Visible devices cannot be modified after being initialized")
        self.visible = devices


def test_gpus_are_hidden_from_tensorflow_before_it_starts_and_not_behind() -> None:
    """Whoever asks for the CPU then gets a process of its own, or another word."""
    fresh = _TensorFlow(started=False)
    tf_common.place(fresh, None)
    tf_common.place(fresh, "gpu")
    tf_common.place(fresh, "cpu")
    assert fresh.visible == []
    with pytest.raises(AdapterError) as caught:
        tf_common.place(fresh, "gpu")
    assert "isolated = true" in caught.value.facts["remedy"]
    with pytest.raises(AdapterError) as caught:
        tf_common.place(_TensorFlow(started=True), "cpu")
    assert caught.value.facts["found"] == "a TensorFlow that uses a GPU here"


def test_threads_that_tensorflow_does_not_take_are_told() -> None:
    """It takes a number once a process; where nobody asked for one there is nothing to tell."""
    threading = SimpleNamespace(get_intra_op_parallelism_threads=lambda: 1)
    started = SimpleNamespace(config=SimpleNamespace(threading=threading))
    assert tf_common.note(started, 7) == (
        "threads = 7 was asked for, and TensorFlow had started with 1 in this process: isolated = "
        "true gives this runtime a process of its own",
    )
    assert tf_common.note(started, 1) == tf_common.note(started, None) == ()


# --- the suite


@pytest.mark.parametrize("apart", ["", "isolated = true\n"])
def test_what_did_not_run_is_an_error_with_a_cause(
    onnx_files: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], apart: str
) -> None:
    """In this process and apart; --allow-missing does not lift it."""
    _needs(AZURE)
    (tmp_path / "net.onnx").write_bytes((onnx_files / "net.onnx").read_bytes())
    options = f'options = {{ provider = "{AZURE}" }}\n{apart}'
    plain = toml(runtime("onnxruntime", "net.onnx"))
    small_suite(
        tmp_path,
        {"plain": plain, "fast": plain + options},
        decode=boxes_scores("cxcywh", normalized=True, threshold=0.1),
    )
    (found,) = check(tmp_path, ("fast",), allow_missing=True).runtimes
    assert found.failure is not None
    assert (found.verdict, found.failure.kind) == ("error", "NotApplied")
    assert (found.failure.cause, found.failure.exit_code) == ("not-applied", 3)
    assert found.failure.message.startswith(
        f"fast: options.provider: expected {AZURE}, as was asked for, found a session in which it "
        f"runs no node, but "
    )
    assert main(["check", str(tmp_path), "--allow-missing"]) == 3
    assert "as was asked for, found a session" in capfd.readouterr().out
