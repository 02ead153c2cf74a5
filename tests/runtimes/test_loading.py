"""What each adapter says to a file that it cannot open."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import parity.runtimes as runtimes
from parity.runtimes.contract import Adapter, AdapterError, Artifact, Quantization, TensorSpec

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
EXPECTED = {
    "keras": "a Keras model (.keras or .h5)",
    "savedmodel": "a SavedModel directory",
    "torch": "a TorchScript file or a torch exported program (.pt2)",
    "onnxruntime": "an ONNX model",
    "tflite": "a TFLite flatbuffer",
}
FILES = {"keras": "net.keras", "torch": "net.pt", "onnxruntime": "net.onnx", "tflite": "net.tflite"}
IMAGE = {"image": np.random.default_rng(0).random((1, 3, 8, 8), dtype=np.float32)}


def opened(kind: str, model: Path | str, **more: Any) -> Adapter:
    return runtimes.load(kind)(Artifact(model=str(model), **more))


def failure(kind: str, model: Path | str, **more: Any) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        opened(kind, model, **more)
    return caught.value


@pytest.mark.parametrize("kind", EXPECTED)
def test_no_file(kind: str, tmp_path: Path) -> None:
    """A path without a file is missing-file."""
    error = failure(kind, tmp_path / "none")
    assert error.code == "missing-file"
    assert error.facts == {"path": str(tmp_path / "none"), "expected": EXPECTED[kind]}


@pytest.mark.parametrize("kind", EXPECTED)
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "damaged: an empty file"),
        (LFS, "not-downloaded: a Git LFS pointer (the file itself was never fetched)"),
        ("<html><body>Not found</body></html>", "not-downloaded: an HTML page"),
    ],
    ids=["empty", "lfs", "html"],
)
def test_a_file_that_is_no_model(kind: str, text: str, found: str, tmp_path: Path) -> None:
    """An empty file, an LFS pointer and an error page are told as what they are."""
    path = tmp_path / "model"
    path.write_text(text)
    error = failure(kind, path)
    assert error.facts["expected"] == EXPECTED[kind]
    assert f"{error.code}: {error.facts['found']}" == found


@pytest.mark.parametrize("kind", FILES)
def test_a_directory_where_a_file_is_expected(kind: str, tmp_path: Path) -> None:
    """A directory is no model file."""
    error = failure(kind, tmp_path)
    assert error.code == "other-format"
    assert error.facts["found"] == "a directory without saved_model.pb"


@pytest.mark.parametrize("kind", [kind for kind in EXPECTED if kind != "onnxruntime"])
def test_another_kind_of_model(kind: str, onnx_files: Path, tmp_path: Path) -> None:
    """An ONNX model under another kind's name is told as an ONNX model."""
    path = tmp_path / FILES.get(kind, "saved")
    shutil.copy(onnx_files / "net.onnx", path)
    error = failure(kind, path)
    assert (error.code, error.facts["found"]) == ("other-format", "an ONNX model")


def test_a_savedmodel_for_another_kind(tensorflow_files: Path) -> None:
    """A SavedModel directory given to Keras is told as one."""
    assert failure("keras", tensorflow_files / "saved").facts["found"] == "a SavedModel directory"


@pytest.mark.parametrize(
    ("kind", "fixture", "name", "found"),
    [
        ("keras", "tensorflow_files", "net.keras", "a truncated or damaged zip archive"),
        ("keras", "tensorflow_files", "net.h5", "a truncated HDF5 file"),
        ("torch", "torch_files", "script.pt", "a truncated or damaged zip archive"),
        ("torch", "torch_files", "program.pt2", "a truncated or damaged zip archive"),
        (
            "onnxruntime",
            "onnx_files",
            "net.onnx",
            "a truncated protobuf file (an ONNX model cut off?)",
        ),
        ("tflite", "tensorflow_files", "int8.tflite", "a TFLite flatbuffer"),
    ],
)
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_a_truncated_file(
    kind: str,
    fixture: str,
    name: str,
    found: str,
    share: float,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """A download that was cut off never loads, and never crashes the process."""
    data = (request.getfixturevalue(fixture) / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(data[: int(len(data) * share)])
    error = failure(kind, path)
    assert (error.code, error.facts["found"]) == ("damaged", found)
    assert error.facts["reason"]


def test_a_damaged_savedmodel(tensorflow_files: Path, tmp_path: Path) -> None:
    """A SavedModel whose protobuf is cut off cannot be scanned; trust does not mend it."""
    shutil.copytree(tensorflow_files / "saved", tmp_path / "saved")
    graph = tmp_path / "saved" / "saved_model.pb"
    graph.write_bytes(graph.read_bytes()[:1000])
    error = failure("savedmodel", tmp_path / "saved")
    assert error.code == "damaged"
    assert error.facts["reason"] == "it cannot be scanned: truncated"
    error = failure("savedmodel", tmp_path / "saved", trust=True)
    assert error.code == "damaged"


def test_a_savedmodel_without_its_variables(tensorflow_files: Path, tmp_path: Path) -> None:
    """The library's own words are the reason."""
    shutil.copytree(tensorflow_files / "saved", tmp_path / "saved")
    shutil.rmtree(tmp_path / "saved" / "variables")
    error = failure("savedmodel", tmp_path / "saved")
    assert (error.code, error.facts["found"]) == ("external-data", "a SavedModel directory")
    assert "variables" in error.facts["reason"]


def test_an_unknown_signature_lists_the_known_ones(tensorflow_files: Path) -> None:
    """A signature is chosen by name."""
    error = failure("savedmodel", tensorflow_files / "saved", options={"signature": "detect"})
    assert error.code == "bad-option"
    assert error.facts == {
        "option": "signature",
        "value": "detect",
        "known": ("serve", "serving_default"),
    }


def test_weights_without_a_model(tensorflow_files: Path) -> None:
    """A .weights.h5 holds no model."""
    error = failure("keras", tensorflow_files / "net.weights.h5")
    assert (error.code, error.facts["found"]) == (
        "weights-alone",
        "an HDF5 file of weights only",
    )


def test_keras_outputs_in_a_list_are_named_by_their_layers(tensorflow_files: Path) -> None:
    """A model with a list of outputs keeps their order and their layers' names."""
    adapter = opened("keras", tensorflow_files / "list.keras")
    assert adapter.outputs() == (
        TensorSpec("scores", (None, 64, 2), "float32"),
        TensorSpec("boxes", (None, 64, 4), "float32"),
    )


def test_a_renamed_keras_file_says_what_its_name_must_be(
    tensorflow_files: Path, tmp_path: Path
) -> None:
    """Keras tells the format by the extension, so a renamed file gets a reason."""
    shutil.copy(tensorflow_files / "net.keras", tmp_path / "net.h5")
    error = failure("keras", tmp_path / "net.h5")
    assert error.code == "other-format"
    assert error.facts["reason"] == "a Keras model archive must be named with .keras"


def test_tensorflow_says_which_threads_are_in_force(tensorflow_files: Path) -> None:
    """Threads asked for after TensorFlow has started do not count, and identity() says so."""
    opened("keras", tensorflow_files / "net.keras").run(
        {"image": np.zeros((1, 8, 8, 3), np.float32)}
    )
    identity = opened("keras", tensorflow_files / "net.keras", options={"threads": 2}).identity()
    assert (identity["threads"], identity["threads_asked"]) == (1, 2)


def test_keras_runs_on_another_backend(tensorflow_files: Path, torch_files: Path) -> None:
    """KERAS_BACKEND=torch runs without TensorFlow, and identity() names the backend."""
    code = (
        "import sys, numpy, parity.runtimes as r\n"
        "from parity.runtimes.contract import Artifact\n"
        "assert r.missing('keras') is None\n"
        "adapter = r.load('keras')(Artifact(sys.argv[1]))\n"
        "heads = adapter.run({'image': numpy.zeros((1, 8, 8, 3), 'float32')})\n"
        "print(adapter.identity()['backend'], heads['boxes'].shape, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tensorflow_files / "net.keras")],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
    )
    assert done.stdout == "torch (1, 64, 4) False\n", done.stderr


def test_external_weights_are_read(onnx_files: Path) -> None:
    """An ONNX model with its weights beside it gives the same as the one that holds them."""
    first = opened("onnxruntime", onnx_files / "net.onnx").run(IMAGE)
    second = opened("onnxruntime", onnx_files / "external.onnx").run(IMAGE)
    np.testing.assert_array_equal(first["boxes"], second["boxes"])


def test_missing_external_weights_are_named(onnx_files: Path, tmp_path: Path) -> None:
    """An ONNX model without its external weights says which file is missing."""
    shutil.copy(onnx_files / "external.onnx", tmp_path)
    error = failure("onnxruntime", tmp_path / "external.onnx")
    assert (error.code, error.facts["file"]) == ("external-data", "weights.bin")
    assert "weights.bin" in error.facts["reason"]


def test_an_unavailable_provider_lists_the_available_ones(onnx_files: Path) -> None:
    """A provider is never replaced in silence."""
    error = failure("onnxruntime", onnx_files / "net.onnx", options={"provider": "CUDA"})
    assert (error.code, error.facts["option"]) == ("bad-option", "provider")
    assert "CPUExecutionProvider" in error.facts["known"]


@pytest.mark.parametrize("level", ["all", "extended", "basic", "disabled"])
def test_every_optimisation_level_runs(level: str, onnx_files: Path) -> None:
    """The level is taken, and recorded."""
    adapter = opened("onnxruntime", onnx_files / "net.onnx", options={"optimization": level})
    assert adapter.identity()["optimization"] == level
    assert adapter.run(IMAGE)["boxes"].shape == (1, 64, 4)


def test_an_unknown_option_value_lists_the_known_ones(onnx_files: Path) -> None:
    """Values are checked as names are."""
    error = failure("onnxruntime", onnx_files / "net.onnx", options={"optimization": "fast"})
    assert error.facts["known"] == ("all", "extended", "basic", "disabled")


def test_onnx_dynamic_sizes_are_none(onnx_files: Path) -> None:
    """A symbolic dimension is None."""
    adapter = opened("onnxruntime", onnx_files / "net.onnx")
    assert adapter.inputs() == (TensorSpec("image", (None, 3, 8, 8), "float32"),)


def test_int8_tensors_carry_their_quantisation(tensorflow_files: Path) -> None:
    """Scale and zero point come from the file; float tensors have none."""
    adapter = opened("tflite", tensorflow_files / "int8.tflite")
    (image,) = adapter.inputs()
    scores = {spec.name: spec for spec in adapter.outputs()}["scores"]
    assert (image.shape, image.dtype) == ((None, 8, 8, 3), "int8")
    assert scores.quantization == Quantization((1 / 256,), (-128,), 0)
    assert image.quantization is not None
    assert image.quantization.scale[0] == pytest.approx(1 / 255, rel=0.01)
    floats = opened("tflite", tensorflow_files / "float.tflite")
    assert [spec.quantization for spec in (*floats.inputs(), *floats.outputs())] == [None] * 3


def test_a_dynamic_batch_is_resized(tensorflow_files: Path) -> None:
    """A batch of two gives what two batches of one give, and one can be fed again."""
    adapter = opened("tflite", tensorflow_files / "float.tflite")
    two = np.random.default_rng(0).random((2, 8, 8, 3), dtype=np.float32)
    both = adapter.run({"image": two})
    for index in range(2):
        alone = adapter.run({"image": two[index : index + 1]})
        np.testing.assert_allclose(both["boxes"][index], alone["boxes"][0], atol=1e-6)


def test_the_two_kernels_of_tflite_are_both_there(tensorflow_files: Path) -> None:
    """delegate = "none" runs the library's own kernels: close to XNNPACK's, and recorded."""
    image = {"image": np.random.default_rng(0).random((1, 8, 8, 3), dtype=np.float32)}
    heads = {}
    for delegate in ("xnnpack", "none"):
        adapter = opened(
            "tflite", tensorflow_files / "float.tflite", options={"delegate": delegate}
        )
        assert adapter.identity()["delegate"] == delegate
        heads[delegate] = adapter.run(image)["boxes"]
    np.testing.assert_allclose(heads["xnnpack"], heads["none"], atol=1e-5)


def test_torch_threads_are_put_back(torch_files: Path) -> None:
    """Torch's thread count belongs to the process: pinned while running, and only then."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        adapter = opened("torch", torch_files / "script.pt")
        adapter.run(IMAGE)
        assert adapter.identity()["threads"] == 1
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def net(folder: Path, weights: str | None, factory: str = "net:Net", **more: Any) -> Artifact:
    path = str(folder / weights) if weights else None
    return Artifact(model=factory, weights=path, folder=str(folder), **more)


def torch_failure(artifact: Artifact) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        runtimes.load("torch")(artifact)
    return caught.value


@pytest.mark.parametrize("weights", ["legacy.pth", "nested.pth"])
def test_other_forms_of_a_state_dict(weights: str, torch_files: Path) -> None:
    """The older file format and {"state_dict": ...} give the same heads."""
    adapter = runtimes.load("torch")
    first = adapter(net(torch_files, "net.pth")).run(IMAGE)
    second = adapter(net(torch_files, weights)).run(IMAGE)
    np.testing.assert_array_equal(first["boxes"], second["boxes"])


@pytest.mark.parametrize("name", ["script.pt", "program.pt2"])
def test_every_form_of_a_torch_model_agrees(name: str, torch_files: Path) -> None:
    """The module, its TorchScript and its exported program give the same heads."""
    first = runtimes.load("torch")(net(torch_files, "net.pth")).run(IMAGE)
    second = opened("torch", torch_files / name).run(IMAGE)
    np.testing.assert_allclose(first["boxes"], second["boxes"], atol=1e-6)


def test_a_file_is_told_by_its_content(torch_files: Path, tmp_path: Path) -> None:
    """An exported program called .pt is one, and a TorchScript file called .pt2 is one."""
    shutil.copy(torch_files / "program.pt2", tmp_path / "net.pt")
    shutil.copy(torch_files / "script.pt", tmp_path / "net.pt2")
    assert opened("torch", tmp_path / "net.pt").identity()["form"] == "pt2"
    assert opened("torch", tmp_path / "net.pt2").identity()["form"] == "torchscript"


def test_an_ambiguous_checkpoint_is_never_guessed(torch_files: Path) -> None:
    """Two state dicts in one file: the error lists both."""
    error = torch_failure(net(torch_files, "two.pth"))
    assert error.code == "missing-weights"
    assert error.facts["reason"] == (
        "more than one state dict in the file: 'ema', 'raw'; save the one that is meant alone"
    )


def test_a_factory_without_weights(torch_files: Path) -> None:
    """A module with random weights is never compared."""
    error = torch_failure(net(torch_files, None))
    assert (error.code, error.facts["path"]) == ("missing-weights", None)


def test_a_module_without_weights_needs_none(tmp_path: Path) -> None:
    """Pre- and postprocessing may be torch modules that have nothing to save."""
    source = "import torch\ndef net():\n    return torch.nn.ReLU()\n"
    (tmp_path / "bare.py").write_text(source)
    adapter = runtimes.load("torch")(Artifact("bare:net", folder=str(tmp_path)))
    (head,) = adapter.run({"input": np.full((1, 2), -1.0, np.float32)}).values()
    assert head.tolist() == [[0.0, 0.0]]


def test_weights_that_do_not_fit_are_all_listed(torch_files: Path, tmp_path: Path) -> None:
    """Missing, unexpected and misshapen tensors are found at once."""
    import torch

    state = torch.load(torch_files / "net.pth", weights_only=True)
    del state["norm.weight"]
    state["extra"] = torch.zeros(2)
    state["head.bias"] = torch.zeros(5)
    torch.save(state, tmp_path / "bad.pth")
    error = torch_failure(net(torch_files, str(tmp_path / "bad.pth")))
    assert error.code == "missing-weights"
    assert error.facts == {
        "path": str(tmp_path / "bad.pth"),
        "missing": ("norm.weight",),
        "unexpected": ("extra",),
        "mismatched": (("head.bias", (6,), (5,)),),
        "entry": "",
        "reason": "the weights do not fit the module: 1 missing, 1 unexpected, 1 of another shape",
    }


def test_a_state_dict_is_no_model(torch_files: Path) -> None:
    """A state dict named as the model is told as one."""
    error = failure("torch", torch_files / "net.pth")
    assert (error.code, error.facts["found"]) == (
        "weights-alone",
        "a zip archive that holds a torch state dict",
    )


@pytest.mark.parametrize("name", ["script.pt", "program.pt2"])
def test_a_program_is_no_state_dict(name: str, torch_files: Path) -> None:
    """A program named as the weights is told as one."""
    error = torch_failure(net(torch_files, name))
    assert (error.code, error.facts["expected"]) == ("model-as-weights", "a torch state dict")
    assert error.facts["found"].startswith("a zip archive that holds a")


def test_a_factory_that_raises(torch_files: Path) -> None:
    """The factory's own words are the reason."""
    error = torch_failure(net(torch_files, "net.pth", "net:broken"))
    assert error.code == "factory-failed"
    assert error.facts["reason"] == "it raised RuntimeError: no such backbone"


def test_a_factory_that_builds_no_module(torch_files: Path) -> None:
    """What is no torch module is refused."""
    error = torch_failure(net(torch_files, "net.pth", "net:not_a_module"))
    assert error.facts["reason"] == "it returned a int, not a torch.nn.Module"


def test_a_factory_may_import_its_siblings_late(torch_files: Path) -> None:
    """A factory that imports a neighbour when it is called works."""
    adapter = runtimes.load("torch")(net(torch_files, "net.pth", "net:late_import"))
    assert sorted(adapter.run(IMAGE)) == ["boxes", "scores"]


def test_outputs_in_a_tuple_are_numbered(torch_files: Path) -> None:
    """Where the module gives no names, the outputs are "0", "1", in order."""
    adapter = runtimes.load("torch")(net(torch_files, "net.pth", "net:Pair"))
    assert list(adapter.run(IMAGE)) == ["0", "1"]
    program = opened("torch", torch_files / "pair.pt2")
    assert [spec.name for spec in program.outputs()] == list(program.run(IMAGE)) == ["0", "1"]


def test_nested_outputs_are_refused(torch_files: Path) -> None:
    """A list inside of the outputs cannot be bound, and says so."""
    adapter = runtimes.load("torch")(net(torch_files, "net.pth", "net:Nested"))
    with pytest.raises(AdapterError) as caught:
        adapter.run(IMAGE)
    assert caught.value.facts == {"reason": "ValueError: output 'heads' is a list, not a tensor"}


def test_a_program_declares_its_shapes(torch_files: Path) -> None:
    """An exported program knows its inputs and outputs, with dynamic sizes."""
    adapter = opened("torch", torch_files / "program.pt2")
    assert adapter.inputs() == (TensorSpec("image", (None, 3, 8, 8), "float32"),)
    assert adapter.outputs() == (
        TensorSpec("boxes", (None, 64, 4), "float32"),
        TensorSpec("scores", (None, 64, 2), "float32"),
    )


def test_a_program_keeps_its_guards(torch_files: Path) -> None:
    """A batch beyond the exported range fails with the program's own guard."""
    adapter = opened("torch", torch_files / "program.pt2")
    with pytest.raises(AdapterError) as caught:
        adapter.run({"image": np.zeros((9, 3, 8, 8), np.float32)})
    assert "<= 8" in caught.value.facts["reason"]


def test_a_fake_that_raises(suite_folder: Path) -> None:
    """A fake's exception is a failed run with its words."""
    adapter = opened("fake", "fakes:fails", folder=str(suite_folder))
    with pytest.raises(AdapterError) as caught:
        adapter.run({})
    assert caught.value.facts == {"reason": "RuntimeError: the fake is broken"}


def test_a_fake_may_return_nan(suite_folder: Path) -> None:
    """Adapters pass NaN on as it is: judging is done above."""
    adapter = opened("fake", "fakes:not_finite", folder=str(suite_folder))
    assert np.isnan(adapter.run({})["boxes"]).all()


def test_a_fake_claims_what_it_is_told(suite_folder: Path) -> None:
    """Library, version, and specs come from the options."""
    options = {
        "library": "acme",
        "version": "1.2",
        "outputs": {"boxes": {"shape": [-1, 4], "dtype": "int8"}},
    }
    adapter = opened("fake", "fakes:heads", folder=str(suite_folder), options=options)
    assert adapter.outputs() == (TensorSpec("boxes", (None, 4), "int8"),)
    assert (adapter.identity()["library"], adapter.identity()["version"]) == ("acme", "1.2")
