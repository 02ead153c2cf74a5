"""Small networks as files, built once per test session (see ``file_nets.py``)."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def onnx_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.onnx, silu.onnx and silu_int8.onnx."""
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    import file_nets

    folder = tmp_path_factory.mktemp("onnx_nets")
    onnx.save(file_nets.onnx_net(), folder / "net.onnx")
    file_nets.onnx_int8(folder)
    return folder


@pytest.fixture(scope="session")
def tflite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """float32.tflite, float16.tflite, dynamic.tflite and int8.tflite of one network."""
    pytest.importorskip("tensorflow")
    pytest.importorskip("ai_edge_litert")
    import file_nets

    return file_nets.tflite_files(tmp_path_factory.mktemp("tflite_nets"))


@pytest.fixture(scope="session")
def torch_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network as a factory with weights, as TorchScript and as an exported program."""
    pytest.importorskip("torch")
    import native_nets

    return native_nets.torch_files(tmp_path_factory.mktemp("torch_nets"))


@pytest.fixture(scope="session")
def keras_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """net.keras and net_saved."""
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")
    import native_nets

    return native_nets.keras_files(tmp_path_factory.mktemp("keras_nets"))


@pytest.fixture(scope="session")
def tensorflow_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SavedModels of plain TensorFlow functions."""
    pytest.importorskip("tensorflow")
    import native_nets

    return native_nets.tensorflow_files(tmp_path_factory.mktemp("tensorflow_nets"))
