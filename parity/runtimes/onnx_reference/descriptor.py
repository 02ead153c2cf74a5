"""ONNX's own evaluator as data."""

from ..contract import Descriptor, library_of

LIBRARY = library_of("reference", "onnx", "onnx")
_SCRIPT = """\
session = ReferenceEvaluator("model.onnx")
found = dict(zip(session.output_names, session.run(None, inputs)))
"""
DESCRIPTOR = Descriptor(
    kind="onnx-reference",
    adapter=".adapter:OnnxReference",
    libraries=(LIBRARY,),
    opens=("onnx",),
    files="ONNX models",
    layout="NCHW",
    inside="onnx",
    script=("from onnx.reference import ReferenceEvaluator", _SCRIPT),
    probe="""
import onnx
found = {"opset": onnx.defs.onnx_opset_version()}
""",
)
