"""What is done to sound models so that their own library refuses them."""

from __future__ import annotations

import io
import json
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import breaking as b
import numpy as np

Change = Callable[[Any], Any]

NETS = """
import torch


def net():
    return torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4))


def backbone():
    whole = torch.nn.Module()
    whole.backbone = net()
    return whole


def huge():
    return torch.nn.Linear(2**24, 2**24)


def number():
    return 3


def broken():
    raise LookupError("no such backbone")
"""

KERAS_NET = """
import keras


def net():
    return keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 1)])
"""
LAYERS = """
import keras


class Strict(keras.layers.Layer):
    def __init__(self, filters):
        super().__init__()


class Table(keras.layers.Layer):
    def __init__(self, **settings):
        super().__init__()
        open("/nowhere/table.npy")


def objects():
    return {"Strict": Strict, "Table": Table}


def nothing():
    return []
"""


def sound(name: str) -> b.Make:
    """A file as it is."""

    def make(models: Path, folder: Path) -> Path:
        source = models / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / name)
        return folder / name

    return make


def nothing(name: str) -> b.Make:
    """A path without a file."""
    return lambda models, folder: folder / name


def folder(name: str) -> b.Make:
    """A folder without a model."""

    def make(models: Path, folder: Path) -> Path:
        (folder / name).mkdir()
        return folder / name

    return make


def inside(name: str, inner: str) -> b.Make:
    """A folder in which a SavedModel is, as TensorFlow Serving numbers them."""

    def make(models: Path, folder: Path) -> Path:
        shutil.copytree(models / "saved", folder / name / inner)
        return folder / name

    return make


def archived(change: Change, source: str = "net.keras") -> b.Make:
    """A Keras archive whose configuration was changed."""

    def edit(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config).encode()

    return b.rezipped(source, edit)


def archived_weights(change: Change) -> b.Make:
    """A Keras archive whose inner HDF5 file was changed."""

    def edit(members: dict[str, bytes]) -> None:
        import io

        import h5py

        inner = io.BytesIO(members["model.weights.h5"])
        with h5py.File(inner, "r+") as handle:
            change(handle)
        members["model.weights.h5"] = inner.getvalue()

    return b.rezipped("net.keras", edit)


def saved_by(version: str, change: Change) -> b.Make:
    """A Keras archive of another version of Keras, with another configuration."""

    def edit(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        change(config)
        members["config.json"] = json.dumps(config).encode()
        members["metadata.json"] = json.dumps({"keras_version": version}).encode()

    return b.rezipped("net.keras", edit)


def hdf5(change: Change, version: str | None = None) -> b.Make:
    """A Keras HDF5 file in which something was changed; ``version`` is who says it wrote it."""

    def make(models: Path, folder: Path) -> Path:
        import h5py

        path = folder / "net.h5"
        shutil.copy(models / "net.h5", path)
        with h5py.File(path, "r+") as handle:
            change(handle)
            if version is not None:
                handle.attrs["keras_version"] = version
        return path

    return make


def configured(change: Change) -> Change:
    """The configuration of an HDF5 file, as Keras 2 wrote it, with a change."""

    def edit(handle: Any) -> None:
        config = json.loads(handle.attrs["model_config"])
        for one in config["config"]["layers"]:
            for key in ("module", "registered_name", "build_config"):
                one.pop(key, None)
        change(config)
        handle.attrs["model_config"] = json.dumps(config)

    return edit


def first_conv(config: Any) -> Any:
    """The table of the layer "body"."""
    return next(one for one in config["config"]["layers"] if one["class_name"] == "Conv2D")


def of_class(
    name: str, module: str | None = "keras.layers", registered: str | None = None
) -> Change:
    """The layer "body" becomes one of another class."""

    def change(config: Any) -> None:
        first_conv(config).update(class_name=name, module=module, registered_name=registered)

    return change


def with_argument(name: str, value: Any) -> Change:
    """The layer "body" is built with one more argument."""
    return lambda config: first_conv(config)["config"].update({name: value})


def convolution_2d(config: Any) -> None:
    """The layer "body" as Keras 1 wrote it."""
    layer = first_conv(config)
    layer["class_name"] = "Convolution2D"
    layer["config"] = {"name": "body", "nb_filter": 4, "nb_row": 3, "nb_col": 3}


def other_shape(name: str) -> Change:
    """A dataset of another shape."""

    def change(handle: Any) -> None:
        del handle[name]
        handle[name] = np.zeros((2, 2, 3, 4), np.float32)

    return change


def first_weight_only(handle: Any) -> None:
    """An HDF5 file that lists one of the two weights of "body"."""
    layer = handle["model_weights/body"]
    layer.attrs["weight_names"] = list(layer.attrs["weight_names"])[:1]


def dropped(*names: str) -> Change:
    """Without these members."""

    def change(handle: Any) -> None:
        for name in names:
            del handle[name]

    return change


def op(name: str, domain: str = "", element: int = 1) -> b.Make:
    """An ONNX model of one op that takes the image alone, whose type is ``element``."""

    def change(model: Any) -> None:
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.elem_type = element
        node = model.graph.node[0]
        node.op_type, node.domain = name, domain
        del node.input[1:], node.attribute[:], model.graph.initializer[:]

    return b.onnx("net.onnx", change)


def old_upsample(model: Any) -> None:
    """An op that was replaced in opset 7."""
    import onnx

    model.opset_import[0].version = 5
    scales = {"width_scale": 2.0, "height_scale": 2.0}
    model.graph.node.append(onnx.helper.make_node("Upsample", ["heads"], ["up"], **scales))


def opset(version: int, domain: str = "") -> b.Make:
    """An ONNX model that imports this opset."""

    def change(model: Any) -> None:
        if domain:
            model.opset_import.add(domain=domain, version=version)
        else:
            model.opset_import[0].version = version

    return b.onnx("net.onnx", change)


def typed_input(element: int) -> b.Make:
    """An ONNX model whose input is of another type: it is cast inside."""

    def change(model: Any) -> None:
        import onnx

        model.graph.input[0].type.tensor_type.elem_type = element
        model.graph.node[0].input[0] = "floats"
        cast = onnx.helper.make_node("Cast", ["image"], ["floats"], to=1)
        nodes = [cast, *model.graph.node]
        del model.graph.node[:]
        model.graph.node.extend(nodes)

    return b.onnx("net.onnx", change)


def sized_input(*sizes: int) -> b.Make:
    """An ONNX model of one op that changes nothing, whose input is of these sizes."""

    def change(model: Any) -> None:
        model.graph.node[0].op_type = "Identity"
        del model.graph.node[0].input[1:], model.graph.node[0].attribute[:]
        del model.graph.initializer[:]
        shape = model.graph.input[0].type.tensor_type.shape
        del shape.dim[:], model.graph.output[0].type.tensor_type.shape.dim[:]
        for size in sizes:
            shape.dim.add(dim_value=size)
        for _ in sizes:
            model.graph.output[0].type.tensor_type.shape.dim.add(dim_param="n")

    return b.onnx("net.onnx", change)


def two_inputs(model: Any) -> None:
    """An ONNX model that takes a second input."""
    second = model.graph.input.add()
    second.CopyFrom(model.graph.input[0])
    second.name = "mask"


def operator(**changes: Any) -> b.Make:
    """A TFLite model whose first op code was changed."""

    def change(model: Any) -> None:
        for name, value in changes.items():
            setattr(model.operatorCodes[0], name, value)

    return b.tflite("float.tflite", change)


def graph(change: Change) -> b.Make:
    """A SavedModel whose protobuf message was changed."""

    def edit(path: Path) -> None:
        from tensorflow.core.protobuf import saved_model_pb2

        file = path / "saved_model.pb"
        model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
        change(model)
        file.write_bytes(model.SerializeToString())

    return b.saved(edit)


def _convolutions(model: Any) -> Any:
    for function in model.meta_graphs[0].graph_def.library.function:
        yield from (node for node in function.node_def if node.op == "Conv2D")


def unknown_op(model: Any) -> None:
    """Convolutions of an op that nobody has."""
    for node in _convolutions(model):
        node.op = "MyConv"


def unknown_value(model: Any) -> None:
    """Convolutions that pad as no TensorFlow does so far."""
    for node in _convolutions(model):
        node.attr["padding"].s = b"REFLECT"


def immense(model: Any) -> None:
    """An op that makes a tensor of 64 TiB."""
    import onnx

    sizes = onnx.numpy_helper.from_array(np.array([1 << 20, 1 << 20, 16], np.int64), "sizes")
    model.graph.initializer.append(sizes)
    model.graph.node.append(onnx.helper.make_node("ConstantOfShape", ["sizes"], ["tensor"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("tensor", 1, None))


def program(change: Change) -> b.Make:
    """An exported program whose JSON was changed."""

    def edit(members: dict[str, bytes]) -> None:
        (name,) = [name for name in members if name.endswith("model.json")]
        content = json.loads(members[name])
        change(content)
        members[name] = json.dumps(content).encode()

    return b.rezipped("program.pt2", edit)


def called(target: str) -> Change:
    """An exported program whose convolution calls another op."""

    def change(content: Any) -> None:
        for node in content["graph_module"]["graph"]["nodes"]:
            if "conv" in node["target"]:
                node["target"] = target

    return change


def scripted(old: bytes, new: bytes) -> b.Make:
    """A TorchScript program of other code."""

    def edit(members: dict[str, bytes]) -> None:
        for name in [name for name in members if name.endswith(".py")]:
            members[name] = members[name].replace(old, new)

    return b.rezipped("script.pt", edit)


def pickled(old: bytes, new: bytes, source: str = "whole.pth") -> b.Make:
    """A torch archive of another pickle."""

    def edit(members: dict[str, bytes]) -> None:
        (name,) = [name for name in members if name.endswith("data.pkl")]
        assert old in members[name]
        members[name] = members[name].replace(old, new)

    return b.rezipped(source, edit)


def state(change: Callable[[dict[str, Any]], Any]) -> b.Make:
    """A state dict in which something was changed; what ``change`` returns is saved."""

    def make(models: Path, folder: Path) -> Path:
        import torch

        tensors = dict(torch.load(models / "net.pth", weights_only=True))
        torch.save(change(tensors), folder / "net.pth")
        return folder / "net.pth"

    return make


def without_numbers(tensors: dict[str, Any]) -> dict[str, Any]:
    """Tensors that have a shape alone."""
    return {name: tensor.to("meta") for name, tensor in tensors.items()}


def renamed(old: str, new: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A layer of another name."""
    return lambda tensors: {name.replace(old, new): one for name, one in tensors.items()}


def quantised(tensors: dict[str, Any]) -> dict[str, Any]:
    """As torch's own quantisation stores them."""
    import torch

    scale, zero = torch.ones(4), torch.zeros(4, dtype=torch.int64)
    return {
        "0.weight": torch.quantize_per_tensor(tensors["0.weight"], 0.1, 0, torch.qint8),
        "0.bias": torch.quantize_per_channel(tensors["0.bias"], scale, zero, 0, torch.qint8),
    }


def dumped(make: Callable[[dict[str, Any]], Any]) -> b.Make:
    """A state dict that pickle has written, not torch."""

    def write(models: Path, folder: Path) -> Path:
        import torch

        tensors = torch.load(models / "net.pth", weights_only=True)
        (folder / "net.pkl").write_bytes(pickle.dumps(make(dict(tensors))))
        return folder / "net.pkl"

    return write


def flipped(source: str) -> b.Make:
    """Other bytes in a member of an archive, whose table of contents stays as it is."""

    def edit(data: bytes) -> bytes:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            (name,) = [one for one in archive.namelist() if one.endswith("data/0")]
            content = archive.read(name)
        assert data.count(content) == 1
        return data.replace(content, b"\xff" * 4 + content[4:])

    return b.edited(source, edit)


def behind(prefix: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """All names behind a prefix."""
    return lambda tensors: {prefix + name: tensor for name, tensor in tensors.items()}


def misfitting(tensors: dict[str, Any]) -> dict[str, Any]:
    """One renamed, one dropped, one added, one of another shape."""
    import torch

    tensors["1.wieght"] = tensors.pop("1.weight")
    del tensors["0.bias"]
    tensors["anchors"] = torch.zeros(2)
    tensors["1.running_mean"] = torch.zeros(5)
    return tensors
