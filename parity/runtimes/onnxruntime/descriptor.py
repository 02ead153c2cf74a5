"""ONNX Runtime as data."""

from ..contract import Descriptor, library_of
from ..shared.options import text_or_none, threads

LIBRARY = library_of(
    "onnx",
    "onnxruntime",
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-openvino",
    "onnxruntime-directml",
)
LEVELS = {
    "all": "ORT_ENABLE_ALL",
    "extended": "ORT_ENABLE_EXTENDED",
    "basic": "ORT_ENABLE_BASIC",
    "disabled": "ORT_DISABLE_ALL",
}
DESCRIPTOR = Descriptor(
    kind="onnxruntime",
    adapter=".adapter:OnnxRuntime",
    libraries=(LIBRARY,),
    opens=("onnx",),
    files="ONNX models",
    options={"threads": threads, "optimization": tuple(LEVELS), "provider": text_or_none},
    layout="NCHW",
    inside="onnx",
    probe="""
import onnxruntime
found = {"providers": onnxruntime.get_available_providers()}
""",
)
