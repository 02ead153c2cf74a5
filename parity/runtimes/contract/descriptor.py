"""A kind of runtime as data: what it opens, with what, and how the rest of parity treats it.

Each runtime's folder has one in ``descriptor.py``; a package of somebody else registers its own
under the entry-point group ``parity.runtimes``. Nothing else anywhere lists kinds.
"""

from dataclasses import dataclass, field
from typing import Any, Mapping, Tuple

from .data import Library


@dataclass(frozen=True)
class Descriptor:
    """One kind of runtime. All but ``kind`` and ``adapter`` may be left out.

    What it is: ``kind`` is its name in a suite; ``adapter`` is "module:Class" of its ``Adapter``,
    in the runtime's own folder where it begins with a dot; ``libraries`` are those that it needs
    by default, ``instead`` those that an option puts in their place.

    What it opens: ``opens`` are contents of files or folders that are whole models, as
    ``content.recognise`` names them; ``weights`` those that it takes beside code that builds the
    network; ``suffixes`` are endings (".toy") of files whose content nobody here recognises;
    ``files`` is what a message calls them ("ONNX models"). ``inert``: opening one of ``suffixes``
    runs no code of the file. ``whole_folders``: a folder of any content may be its model.

    How it runs: ``options`` maps the name of each option to its rule (see
    ``shared.options.take_options``); ``layout`` is that of an image where neither file nor suite
    says it; ``tolerances`` maps the precision of a file's weights ("float32", "float16", "int8") to
    the tolerance that is proposed, which is that of the same name where it is left out.
    ``native``: networks are trained in it, so it is a reference before others. ``runs``: False for
    what only reads what was recorded. ``ends_itself``: it keeps to a timeout without a process of
    its own. ``own_environment``: it can run in one (``requires``, ``python``).

    What it shows: ``inside`` is "" for nothing, "graph" for an adapter that has ``graph``,
    ``trace`` and ``replay``, or the format ("onnx", "tflite") of its files, which the layers read
    and cut themselves; its adapter then has ``abilities.Streaming``, and of its ``options`` those
    for looking are used: "optimization" ("disabled") of ONNX, "preserve" (True) of TFLite.
    ``script`` runs such a file where nothing of ``parity`` is installed, if the format's usual
    library is not what does: the line that imports the library, and lines that run ``model.onnx``
    (or ``model.tflite``) on the arrays ``inputs`` by name and leave the outputs in ``found``.

    What is said of it: ``probe`` are lines of Python that import its library and leave in ``found``
    a dict of what that offers, for doctor; ``unregistered`` is what helps where a file needs a
    layer or op that nobody has registered ({runtime} stands for the runtime's name). ``hidden``:
    for tests, listed nowhere.
    """

    kind: str
    adapter: str
    libraries: Tuple[Library, ...] = ()
    instead: Tuple[Library, ...] = ()
    opens: Tuple[str, ...] = ()
    weights: Tuple[str, ...] = ()
    suffixes: Tuple[str, ...] = ()
    files: str = ""
    inert: bool = False
    whole_folders: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    layout: str = "NHWC"
    tolerances: Mapping[str, str] = field(default_factory=dict)
    native: bool = False
    runs: bool = True
    ends_itself: bool = False
    own_environment: bool = True
    inside: str = ""
    script: Tuple[str, str] = ("", "")
    probe: str = ""
    unregistered: str = ""
    hidden: bool = False
