"""The floor: the same frameworks, images, models and inferences as a suite's check; no comparing.

``python benchmarks/bare.py SUITE``: imports what the suite's runtimes need, opens every model by
its framework's own calls with one thread, prepares every image once, runs every model on it.
"""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

Run = Callable[[np.ndarray[Any, Any]], Any]


def keras(folder: Path, table: dict[str, Any]) -> Run:
    import keras
    import tensorflow as tf

    model = keras.saving.load_model(folder / table["model"], compile=False)
    call = tf.function(lambda x: model(x, training=False))
    return lambda x: [np.asarray(head) for head in tf.nest.flatten(call(tf.constant(x)))]


def savedmodel(folder: Path, table: dict[str, Any]) -> Run:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / table["model"]))
    call = loaded.signatures["serving_default"]
    (name,) = call.structured_input_signature[1]
    return lambda x, _keep=loaded: {
        key: head.numpy() for key, head in call(**{name: tf.constant(x)}).items()
    }


def torch(folder: Path, table: dict[str, Any]) -> Run:
    import torch

    torch.set_num_threads(1)
    model = table["model"]
    if ":" in model:
        module, factory = model.split(":")
        spec = importlib.util.spec_from_file_location(module, folder / f"{module}.py")
        assert spec is not None
        assert spec.loader is not None
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        net = getattr(loaded, factory)()
        net.load_state_dict(torch.load(folder / table["weights"], weights_only=True))
        net.eval()
    elif model.endswith(".pt2"):
        net = torch.export.load(folder / model).module()
    else:
        net = torch.jit.load(folder / model).eval()

    def run(x: np.ndarray[Any, Any]) -> Any:
        with torch.inference_mode():
            return [head.numpy() for head in net(torch.from_numpy(_nchw(x)))]

    return run


def onnxruntime(folder: Path, table: dict[str, Any]) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        folder / table["model"], options, providers=["CPUExecutionProvider"]
    )
    (spec,) = session.get_inputs()
    nchw = spec.shape[1] == 3
    return lambda x: session.run(None, {spec.name: _nchw(x) if nchw else x})


def tflite(folder: Path, table: dict[str, Any]) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(folder / table["model"]), num_threads=1)
    interpreter.allocate_tensors()
    (spec,) = interpreter.get_input_details()
    outputs = interpreter.get_output_details()

    def run(x: np.ndarray[Any, Any]) -> Any:
        interpreter.set_tensor(spec["index"], x)
        interpreter.invoke()
        return [interpreter.get_tensor(output["index"]) for output in outputs]

    return run


OPEN = {
    "keras": keras,
    "savedmodel": savedmodel,
    "torch": torch,
    "onnxruntime": onnxruntime,
    "tflite": tflite,
}


def _nchw(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def main() -> None:
    path = Path(sys.argv[1])
    suite = tomllib.loads(path.read_text())
    if any(table["kind"] in ("keras", "savedmodel") for table in suite["runtimes"].values()):
        import tensorflow as tf

        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    runs = [OPEN[table["kind"]](path.parent, table) for table in suite["runtimes"].values()]
    height, width = suite["preprocess"]["size"]
    for pattern in suite["detector"]["images"]:
        for file in sorted(path.parent.glob(pattern)):
            image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
            x = cv2.resize(image, (width, height)).astype(np.float32)[None]
            x = (x - 127) / 128
            for run in runs:
                run(x)


if __name__ == "__main__":
    main()
