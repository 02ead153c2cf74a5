"""TensorFlow Lite as data."""

from ..contract import Descriptor, Library, library_of
from ..shared import tf_common
from ..shared.options import threads

LITERT = library_of(
    "tflite", "ai_edge_litert.interpreter", "ai-edge-litert", "ai-edge-litert-nightly"
)
TFLITE_RUNTIME = Library(
    "tflite_runtime.interpreter", "tflite-runtime", "pip install tflite-runtime"
)
LIBRARIES = {
    "litert": LITERT,
    "tensorflow": tf_common.LIBRARY,
    "tflite-runtime": TFLITE_RUNTIME,
}
DESCRIPTOR = Descriptor(
    kind="tflite",
    adapter=".adapter:TFLite",
    libraries=(LITERT,),
    instead=(tf_common.LIBRARY, TFLITE_RUNTIME),
    opens=("tflite",),
    files="TFLite models",
    options={
        "threads": threads,
        "interpreter": tuple(LIBRARIES),
        "delegate": ("xnnpack", "none"),
        "preserve": (False, True),
    },
    inside="tflite",
    probe="""
from ai_edge_litert import interpreter
names = [name for name in dir(interpreter.OpResolverType) if name.isupper()]
found = {"delegates": ["xnnpack", "none"], "resolvers": names}
""",
)
