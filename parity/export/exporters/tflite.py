"""TFLite: float32, weights in float16, or full integer with float32 at input and output.

For integers TensorFlow's converter takes two steps: it calibrates, which writes the minimum and
maximum of every activation into a flatbuffer, then it quantises that. Between the two, the ranges
are replaced by those of ``ranges.py``. ``tf.lite.experimental.QuantizationDebugger`` takes the same
two steps.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from parity.export.exporters.savedmodel import save
from parity.export.job import Job
from parity.export.ranges import Ranges

_SATURATING = ("SOFTMAX", "LOGISTIC")
_SAME = ("RESHAPE", "CONCATENATION", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS")  # they copy values
_BORDER = ("QUANTIZE", "DEQUANTIZE")


def make(job: Job, target: Path) -> tuple[str, ...]:
    """Convert by way of a SavedModel, whose signature gives the flatbuffer its names."""
    import tensorflow as tf

    source = job.open()
    with tempfile.TemporaryDirectory() as folder:
        saved = Path(folder) / "saved"
        save(source, 1, saved)
        converter = tf.lite.TFLiteConverter.from_saved_model(
            str(saved), signature_keys=["serving_default"]
        )
        method = job.step.table.method
        if method == "tflite-int8":
            content, notes = _quantised(job, converter)
        else:
            if method == "tflite-float16":
                converter.optimizations = [tf.lite.Optimize.DEFAULT]
                converter.target_spec.supported_types = [tf.float16]
            content, notes = converter.convert(), ()
    target.write_bytes(content)
    return notes


def _quantised(job: Job, converter: Any) -> tuple[bytes, tuple[str, ...]]:
    """The flatbuffer, and what to know about it."""
    import tensorflow as tf
    from tensorflow.lite.python import convert

    source, feeds = job.open(), job.feeds()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: iter([[source.example]])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter._experimental_calibrate_only = True
    calibrated = bytes(converter.convert())
    interpreter = _interpreter(tf, calibrated)
    runner = interpreter.get_signature_runner()
    (name,) = runner.get_input_details()
    model = _unpacked(calibrated)
    tensors = _activations(model)
    ranges = Ranges()
    for array in feeds():
        runner(**{name: array})
        for index in tensors:
            ranges.add(str(index), interpreter.get_tensor(index))
    saturating = _saturating(interpreter)
    for index, tensor in tensors.items():
        low, high = ranges.of(str(index), index in saturating)
        tensor.quantization.min, tensor.quantization.max = [low], [high]
    made = bytes(convert.mlir_quantize(_packed(model)))
    return made, (*job.calibration_notes(), *_float_notes(tf, made))


def _interpreter(tf: Any, content: bytes) -> Any:
    interpreter = tf.lite.Interpreter(
        model_content=content, num_threads=1, experimental_preserve_all_tensors=True
    )
    interpreter.allocate_tensors()
    return interpreter


def _unpacked(content: bytes) -> Any:
    from tensorflow.lite.python import schema_py_generated as schema

    return schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))


def _packed(model: Any) -> bytes:
    import flatbuffers  # type: ignore[import-untyped]

    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _activations(model: Any) -> dict[int, Any]:
    """The tensors that calibration gave one range, by index."""
    found = {}
    for index, tensor in enumerate(model.subgraphs[0].tensors):
        told = tensor.quantization
        if told is None or told.min is None or len(told.min) != 1:
            continue
        if model.buffers[tensor.buffer].data is None:  # else it is a constant
            found[index] = tensor
    return found


def _saturating(interpreter: Any) -> set[int]:
    """The tensors that only a softmax or a sigmoid reads, also through operations that copy."""
    operations = interpreter._get_ops_details()
    readers: dict[int, list[Any]] = {}
    for one in operations:
        for index in one["inputs"]:
            readers.setdefault(int(index), []).append(one)
    found: set[int] = set()
    for one in reversed(operations):
        for index in map(int, one["outputs"]):
            then = [other for other in readers.get(index, ()) if other["op_name"] != "DELEGATE"]
            if then and all(
                other["op_name"] in _SATURATING
                or (other["op_name"] in _SAME and int(other["outputs"][0]) in found)
                for other in then
            ):
                found.add(index)
    return found


def _float_notes(tf: Any, content: bytes) -> tuple[str, ...]:
    """The operations that have no integer kernel and so stay float32."""
    kernels = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = tf.lite.Interpreter(model_content=content, experimental_op_resolver_type=kernels)
    floats = {
        int(one["index"])
        for one in interpreter.get_tensor_details()
        if one["dtype"].__name__ == "float32"
    }
    names = sorted(
        {
            one["op_name"]
            for one in interpreter._get_ops_details()
            if one["op_name"] not in _BORDER and floats.intersection(map(int, one["outputs"]))
        }
    )
    return (f"not all integer: {', '.join(names)} stay float32",) if names else ()
