"""Small networks in their own frameworks, saved as files, for the tests of what looks into them."""

from __future__ import annotations

import warnings
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np

from parity import runtimes
from parity.runtimes.contract import Adapter, Artifact
from parity.runtimes.shared import tf_common

Arrays = dict[str, Any]

TORCH = dedent(
    """
    import numpy
    import torch
    from torch import nn
    from torch.nn import functional


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(3, 8, 3, stride=2, bias=False)
            self.norm = nn.BatchNorm2d(8)
            self.act = nn.ReLU6(inplace=True)
            self.deep = nn.Conv2d(8, 8, 3, padding=1, groups=8)
            self.swish = nn.SiLU(inplace=True)
            self.head = nn.Conv2d(16, 6, 1)
            self.up = nn.Upsample(scale_factor=2, mode="nearest")
            self.register_buffer("scale", torch.tensor([0.5, 2.0, 0.5, 2.0]))

        def features(self, image):
            x = self.act(self.norm(self.body(functional.pad(image, (0, 1, 0, 1)))))
            return x + self.swish(self.deep(x)), x

        def forward(self, image):
            y, x = self.features(image)
            y = self.up(functional.max_pool2d(y, 2))
            y = self.head(torch.cat([x, y], dim=1))
            y = y.permute(0, 2, 3, 1).reshape(y.shape[0], -1, 6)
            boxes, scores = y.split([4, 2], dim=-1)
            return boxes * self.scale, scores.softmax(-1)


    class Named(Net):
        def forward(self, image):
            boxes, scores = super().forward(image)
            return {"scores": scores, "boxes": boxes}


    class Overwriting(Net):  # as older YOLO heads do
        def forward(self, image):
            x = self.body(image)
            x[:, :2] *= 3.0
            return torch.relu(x), x.sum()


    class Dense(nn.Module):  # in-place ReLU of one tensor that is read under both names
        def __init__(self):
            super().__init__()
            self.body = nn.Conv2d(3, 4, 1)

        def forward(self, image):
            x = self.body(image)
            y = functional.relu(x, inplace=True)
            return x + y


    class Deciding(Net):
        def forward(self, image):
            x = self.body(image)
            if image.sum() > 0:
                x = torch.relu(x)
            return x


    class Counting(Net):
        def forward(self, image):
            return self.body(image) * image.max().item()


    class Escaping(Net):
        def forward(self, image):
            mean = torch.from_numpy(numpy.asarray(image.numpy().mean(keepdims=True)))
            return self.body(image) * mean


    class Leaving(Net):
        def forward(self, image):
            return torch.from_numpy(self.body(image).numpy() + 1)


    class Rounding(Net):
        def forward(self, image):
            x = torch.quantize_per_tensor(self.body(image), 0.05, 10, torch.quint8)
            return torch.relu(x.dequantize())


    class Packed(Net):
        def forward(self, image):
            weight = torch.quantize_per_channel(
                self.body.weight.data, torch.full((8,), 0.01), torch.zeros(8).long(), 0, torch.qint8
            )
            pack = torch.ops.quantized.conv2d_prepack(weight, None, [2, 2], [0, 0], [1, 1], 1)
            x = torch.quantize_per_tensor(image, 0.05, 100, torch.quint8)
            return torch.ops.quantized.conv2d.new(x, pack, 0.1, 120).dequantize()


    class Opaque(Net):
        def forward(self, image):
            return self.body(image).to_mkldnn().relu().to_dense()


    class Selecting(Net):
        def forward(self, image):
            x = self.body(image)
            return x[x > 0].sum()
    """
)


def torch_files(folder: Path) -> Path:
    """net.py with net.pth; script.pt, frozen.pt and program.pt2 of Net; deciding.pt."""
    import torch

    (folder / "net.py").write_text(TORCH)
    torch.manual_seed(0)
    from parity.runtimes.shared.resolve import resolve

    net = resolve("net:Net", str(folder))().eval()
    with torch.no_grad():
        net.norm.running_mean.normal_()
        net.norm.running_var.uniform_(0.5, 2)
    torch.save(net.state_dict(), folder / "net.pth")
    example = torch.from_numpy(image())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = torch.jit.trace(net, example)
        torch.jit.save(script, folder / "script.pt")
        frozen = torch.jit.freeze(script, optimize_numerics=False)
        torch.jit.save(frozen, folder / "frozen.pt")
        scripted = torch.jit.script(resolve("net:Deciding", str(folder))().eval())
        torch.jit.save(scripted, folder / "deciding.pt")
        torch.export.save(torch.export.export(net, (example,)), folder / "program.pt2")
    dense = resolve("net:Dense", str(folder))()
    torch.save(dense.state_dict(), folder / "dense.pth")
    return folder


def torch_module(folder: Path, name: str = "Net", weights: str = "net.pth") -> Artifact:
    """A module of net.py with its state dict."""
    return Artifact(f"net:{name}", weights=str(folder / weights), folder=str(folder))


def image(seed: int = 0, shape: tuple[int, ...] = (1, 3, 16, 16)) -> Any:
    """A network's input."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def keras_model() -> Any:
    """Convolutions, a nested model, a shared layer, ops and an array, of (16, 16, 3)."""
    tf_common.start(1)
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(0)
    inside = keras.Input((8, 8, 8), name="inside")
    y = layers.DepthwiseConv2D(3, padding="same", name="deep")(inside)
    y = layers.ReLU(6.0, name="deep_relu")(layers.BatchNormalization(name="deep_norm")(y))
    block = keras.Model(inside, y, name="block")

    data = keras.Input((16, 16, 3), name="image")
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name="pad")(data)
    x = layers.Conv2D(8, 3, strides=2, activation="relu", name="body")(x)
    x = layers.Add(name="sum")([x, block(x)])
    shared = layers.Conv2D(8, 1, name="shared")
    y = layers.UpSampling2D(2, name="up")(layers.MaxPooling2D(2, name="pool")(shared(x)))
    x = layers.Concatenate(name="join")([shared(x), y])
    x = keras.ops.multiply(x, np.linspace(0.5, 2, 16, dtype=np.float32))
    tail = keras.Sequential([layers.Conv2D(6, 1, name="last")], name="tail")
    x = layers.Reshape((-1, 6), name="rows")(tail(x))
    boxes, scores = keras.ops.split(x, [4], axis=-1)
    outputs = {"scores": layers.Softmax(name="softmax")(scores), "boxes": boxes}
    model = keras.Model(data, outputs, name="net")
    rng = np.random.default_rng(0)
    norm = model.get_layer("block").get_layer("deep_norm")
    norm.set_weights([rng.uniform(0.5, 2, weight.shape) for weight in norm.get_weights()])
    return model


def keras_files(folder: Path) -> Path:
    """net.keras, and net_saved by it."""
    model = keras_model()
    model.save(folder / "net.keras")
    model.export(folder / "net_saved", verbose=False)
    return folder


def tensorflow_files(folder: Path) -> Path:
    """saved, branching, writing and calling: SavedModels of plain TensorFlow functions."""
    tf = tf_common.start(1)
    rng = np.random.default_rng(0)

    class Net(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.kernel = tf.Variable(rng.normal(size=(3, 3, 3, 8)).astype("f4"), name="kernel")
            self.deep = tf.Variable(rng.normal(size=(3, 3, 8, 1)).astype("f4"), name="deep")
            self.norm = tf.Variable(rng.uniform(0.5, 2, (4, 8)).astype("f4"), name="norm")

        def features(self, image: Any) -> Any:
            x = tf.pad(image, [[0, 0], [0, 1], [0, 1], [0, 0]])
            x = tf.nn.conv2d(x, self.kernel, 2, "VALID")
            scale, offset, mean, variance = tf.unstack(self.norm)
            x = tf.compat.v1.nn.fused_batch_norm(
                x, scale, offset, mean, variance, is_training=False
            )[0]
            return tf.nn.relu6(x)

        def heads(self, image: Any) -> Any:
            x = self.features(image)
            y = tf.nn.depthwise_conv2d(x, self.deep, (1, 1, 1, 1), "SAME") + x
            y = tf.image.resize(y, (16, 16), "bilinear")
            x = tf.concat([tf.image.resize(x, (16, 16), "nearest"), y], -1)
            x = tf.reshape(x, (tf.shape(x)[0], -1, 8))
            boxes, scores = tf.split(x, [4, 4], -1)
            return {"scores": tf.nn.softmax(scores), "boxes": tf.identity(boxes)}

        def branching(self, image: Any) -> Any:
            x = self.features(image)
            x = tf.cond(tf.reduce_sum(x) > 0, lambda: x * 2.0, lambda: x - 1.0)
            x = tf.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y + 1.0), (0, x))[1]
            return {"out": tf.nn.relu(x)}

        def writing(self, image: Any) -> Any:
            x = self.features(image)
            return {"out": tf.nn.relu(x), "text": tf.strings.as_string(tf.reduce_sum(x))}

    net = Net()
    spec = tf.TensorSpec((None, 16, 16, 3), tf.float32, name="image")
    for name, call in {
        "saved": net.heads, "branching": net.branching, "writing": net.writing
    }.items():  # fmt: skip
        signature = tf.function(call, input_signature=[spec])
        tf.saved_model.save(net, str(folder / name), signatures=signature)
    return folder


def opened(kind: str, artifact: Artifact) -> Adapter:
    """An adapter."""
    return runtimes.load(kind)(artifact)


def traced(adapter: Any, feeds: Arrays) -> Arrays:
    """Every tensor of one run, copied, and the inputs."""
    return {**feeds, **{name: np.array(array) for name, array in adapter.trace(feeds)}}


# On the longest way from the image to a head: 27 products of the first convolution, 9 of the
# depthwise one, 8 and 16 of those of 1 × 1, and 12 of biases, norms, sums and resizing.
ROUNDINGS = 72


def assert_same_sums(made: Any, head: Any, values: Arrays) -> None:
    """A head of two runs that add the same numbers in orders of their own.

    Each rounds by half a unit in the last place of what is added, however little is left of it
    where summands cancel: so the limit goes by the largest number of the run. Roundings have either
    sign and grow as the root of their count; the count leaves room for layers that amplify them.
    """
    floats = [array for array in values.values() if array.dtype == np.float32]
    largest = max(float(np.abs(array).max()) for array in floats)
    np.testing.assert_allclose(made, head, rtol=0, atol=ROUNDINGS * 2.0**-24 * largest)


def operands(subject: Any, values: Arrays) -> dict[int, Arrays]:
    """What every op of a graph reads, by op index."""
    graph = subject.graph() if callable(subject.graph) else subject.graph
    return {
        op.index: {name: values[name] for name in op.inputs if name and name not in graph.constants}
        for op in graph.ops
    }


def assert_replays_to_the_bit(subject: Any, values: Arrays) -> None:
    """Every op that makes a tensor, run alone on what it read, makes what it made."""
    answers = subject.replay(operands(subject, values))
    graph = subject.graph() if callable(subject.graph) else subject.graph
    for op in graph.ops:
        if any(name in values for name in op.outputs):
            answer = answers[op.index]
            assert isinstance(answer, dict), f"{op.name}: {answer}"
            assert set(answer) == {name for name in op.outputs if name in values}
            for name, array in answer.items():
                np.testing.assert_array_equal(array, values[name], err_msg=f"{op.kind} {name}")
