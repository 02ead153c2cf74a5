"""TensorFlow's SavedModels as data."""

from ..contract import Descriptor
from ..shared import tf_common
from ..shared.options import text_or_none, threads

DESCRIPTOR = Descriptor(
    kind="savedmodel",
    adapter=".adapter:SavedModel",
    libraries=(tf_common.LIBRARY,),
    opens=("savedmodel",),
    files="SavedModel folders",
    options={"threads": threads, "signature": text_or_none, "device": tf_common.device},
    native=True,
    inside="graph",
    probe="""
import tensorflow
found = {"devices": [one.name for one in tensorflow.config.list_physical_devices()]}
""",
)
