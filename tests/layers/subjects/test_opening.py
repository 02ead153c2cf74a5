"""Opening any runtime of a suite for looking, and feeding it an image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from parity import suite as suites
from parity.errors import ArtifactError, InputError, RuntimeFailure
from parity.layers.subjects.native_subject import NativeSubject
from parity.layers.subjects.opening import head_tensors, open_runtime, open_subject
from parity.pipeline import Images
from parity.suite import Suite
from tests.support.suites import boxes_scores, noise, small_suite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A suite's folder."""
    return tmp_path


def suite(folder: Path, **runtimes: str) -> Suite:
    """A suite of one image with these runtimes, torch being a fake where it is not among them."""
    runtimes.setdefault("torch", 'kind = "fake"\nmodel = "fakes:heads"')
    small_suite(
        folder,
        runtimes,
        reference="torch",
        images={"a.png": noise(20, 24)},
        size=(16, 16),
        preprocess='kernel = "opencv:linear"\nrange = [-1, 1]',
        decode=boxes_scores(normalized=True, nms_iou=0.5),
    )
    return suites.load(folder)


def looked_at(opened: Suite, name: str) -> None:
    """A runtime opens, takes an image and shows tensors."""
    images = Images(opened)
    found = open_runtime(opened, name, images)
    canvas = images.prepared("a.png", opened.runtimes[name].recipe).canvas
    feeds = found.feeds(canvas)
    assert list(feeds) == list(found.subject.graph.inputs)
    (array,) = feeds.values()
    assert array.dtype == np.float32
    assert sorted(array.shape) == [1, 3, 16, 16]
    pixels = array.transpose(0, 2, 3, 1) if array.shape[1] == 3 else array
    np.testing.assert_array_equal(pixels[0], canvas)
    clean = found.subject.clean(feeds)
    traced = {one: array.copy() for one, array in found.subject.trace(feeds)}
    assert set(clean) <= set(traced)
    found.close()


def test_a_torch_module_is_shown_the_first_image(folder: Path, torch_folder: Path) -> None:
    """It declares no shape; the layout is the suite's."""
    table = 'kind = "torch"\nmodel = "net:Net"\nweights = "net.pth"\nlayout = "NCHW"'
    for name in ("net.py", "net.pth"):
        (folder / name).write_bytes((torch_folder / name).read_bytes())
    looked_at(suite(folder, torch=table), "torch")


@pytest.mark.parametrize("file", ["frozen.pt", "program.pt2"])
def test_a_torch_file_opens(folder: Path, torch_folder: Path, file: str) -> None:
    """TorchScript and exported programs alike."""
    table = f'kind = "torch"\nmodel = "{torch_folder / file}"\nlayout = "NCHW"'
    looked_at(suite(folder, torch=table), "torch")


def test_a_keras_model_opens(folder: Path, keras_folder: Path) -> None:
    """By the adapter of its kind."""
    looked_at(suite(folder, keras=f'kind = "keras"\nmodel = "{keras_folder}/net.keras"'), "keras")


def test_a_saved_model_opens(folder: Path, tensorflow_folder: Path) -> None:
    """By the adapter of its kind."""
    table = f'kind = "savedmodel"\nmodel = "{tensorflow_folder}/saved"'
    looked_at(suite(folder, saved=table), "saved")


def test_an_onnx_file_opens(folder: Path, onnx_folder: Path) -> None:
    """By the reader of its format, with the runtime's options."""
    from parity.layers.subjects.onnx.subject import OnnxSubject

    table = f'kind = "onnxruntime"\nmodel = "{onnx_folder}/net.onnx"\noptions = {{ threads = 2 }}'
    opened = suite(folder, onnx=table)
    looked_at(opened, "onnx")
    subject = open_subject(opened, "onnx")
    assert isinstance(subject, OnnxSubject)
    assert dict(subject.artifact.options) == {"threads": 2}


@pytest.mark.parametrize("file", ["float32", "int8"])
def test_a_tflite_file_opens(folder: Path, tflite_folder: Path, file: str) -> None:
    """Quantised inputs are fed real numbers too: the subject quantises."""
    table = f'kind = "tflite"\nmodel = "{tflite_folder}/{file}.tflite"'
    looked_at(suite(folder, tflite=table), "tflite")


def test_heads_are_tensors_of_the_graph(folder: Path, keras_folder: Path) -> None:
    """In the runtime's own order of outputs."""
    opened = suite(folder, keras=f'kind = "keras"\nmodel = "{keras_folder}/net.keras"')
    subject = open_subject(opened, "keras")
    assert isinstance(subject, NativeSubject)
    tensors = head_tensors(subject, ["scores", "boxes"])
    assert list(tensors.values()) == list(subject.graph.outputs)
    assert tensors["scores"] == "softmax"


def test_a_missing_file_is_an_artifact_error(folder: Path) -> None:
    """The same words as when the runtime is run."""
    with pytest.raises(ArtifactError) as caught:
        open_subject(suite(folder, onnx='kind = "onnxruntime"\nmodel = "no.onnx"'), "onnx")
    assert str(caught.value).startswith("onnx: expected a model file at ")


def test_a_runtime_that_shows_nothing_says_so(folder: Path) -> None:
    """A kind without graph and trace is a failure of that runtime alone."""
    (folder / "fakes.py").write_text("def heads(feeds):\n    return feeds\n")
    table = (
        'kind = "fake"\nmodel = "fakes:heads"\n'
        "options = { inputs = { image = [1, 3, 16, 16] }, outputs = {} }"
    )
    with pytest.raises(RuntimeFailure) as caught:
        open_subject(suite(folder, torch=table), "torch")
    assert "this runtime does not show what is inside a network" in str(caught.value)


def test_an_image_that_does_not_fit_is_an_input_error(folder: Path, onnx_folder: Path) -> None:
    """As when it is run: nothing is resized or turned until it fits."""
    table = f'kind = "onnxruntime"\nmodel = "{onnx_folder}/net.onnx"'
    found = open_runtime(suite(folder, onnx=table), "onnx")
    with pytest.raises(InputError) as caught:
        found.feeds(np.zeros((8, 8, 3), np.float32))
    assert str(caught.value).startswith("onnx: input image: expected ")
    found.close()
