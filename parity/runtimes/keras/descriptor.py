"""Keras as data."""

from ..contract import Descriptor, library_of
from ..shared import tf_common
from ..shared.options import text_or_none, threads

LIBRARY = library_of("tensorflow", "keras", "keras", "keras-nightly")
DESCRIPTOR = Descriptor(
    kind="keras",
    adapter=".adapter:Keras",
    libraries=(LIBRARY, tf_common.LIBRARY),
    opens=("keras", "hdf5"),
    files="Keras models (.keras or .h5)",
    options={"threads": threads, "device": tf_common.device, "custom_objects": text_or_none},
    native=True,
    inside="graph",
    probe="""
import keras
found = {"backend": keras.backend.backend()}
""",
    unregistered="Name its class in options = {{ custom_objects = 'module:function' }} under "
    "[runtimes.{runtime}] with trust = true, or install the version of keras that knows it.",
)
