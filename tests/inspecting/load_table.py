"""Files that do not load: how each is made, what it is given to, which error says what.

Messages begin with an abbreviation of their first words and may end with one of the remedy, see
``WORDS``. A runtime is a kind, or one of torch whose factory stands in ``spoiled_models.NETS``.
"""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

import breaking as b
import spoiled_models as s

from parity.errors import (
    ArtifactError,
    DamagedFile,
    ExternalDataError,
    FlexMissing,
    InputError,
    MissingFile,
    ModelAsWeights,
    NotDownloaded,
    NotRegistered,
    OptionError,
    OtherFormat,
    OutOfMemory,
    RuntimeFailure,
    UnsupportedVersion,
    UntrustedError,
    WeightsAlone,
    WeightsMismatch,
)

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
INDEX = "variables/variables.index"
DATA = "variables/variables.data-00000-of-00001"


class Row(NamedTuple):
    """One file that does not load."""

    id: str
    runtime: str
    make: b.Make
    error: type[RuntimeFailure]
    message: str


def of_keras(saved: str, reason: str) -> str:
    """What is said of a file that another Keras has saved."""
    here, older, ours = version("keras"), saved.rpartition(".")[0], version("keras").split(".")
    return (
        f"bad: expected a Keras model (.keras or .h5) that Keras {here} (TensorFlow "
        f"{_version('tensorflow')}, Python {platform.python_version()}) can "
        f"load at <path>, found one that Keras {saved} saved: {reason}. What helps: load it with "
        f"Keras {older} (requires and python of a runtime give it an environment of its own); or "
        f"save it with Keras {'.'.join(ours[:2])}; or save it as a SavedModel, which holds "
        f"operations and no settings of layers."
    )


EXPECTED = {
    "onnx": "an ONNX model",
    "tflite": "a TFLite flatbuffer",
    "keras": "a Keras model (.keras or .h5)",
    "built": "weights of a Keras model (.weights.h5, .h5 or .keras)",
    "saved": "a SavedModel directory",
    "torch": "a TorchScript file or a torch exported program (.pt2)",
    "state": "a torch state dict",
    "file": "a model file",
    "weights": "weights that fit the network",
    "code": "a model without code of its own",
}
WORDS = {
    "again": "Copy it again as a whole, or save it again.",
    "correct": "Correct kind or model in parity.toml, or put another file there.",
    "otherwise": "; otherwise correct model, or put another file there.",
    "corrupt": "one that is cut off or corrupt",
    "pickled": "If you trust whoever made it, read it once with pickle.load, make tensors of what "
    "it holds, and write them with torch.save.",
    "trust": "If you trust whoever made it, say trust = true under [runtimes.bad]",
    "newer": "Save it for an older version, or give this runtime a newer",
    "older": "Save it again with a newer version, or give this runtime an older",
    "requires": " (requires under [runtimes.bad]).",
    "elsewhere": "export the model without it, or run it by a program that knows it "
    "(kind = 'command').",
    "custom": "Name its class in options = { custom_objects = 'module:function' } under "
    "[runtimes.bad] with trust = true, or install the version of keras that knows it.",
}


def written_out(message: str) -> str:
    """``<onnx>``: expected … at, found; ``<onnx for …>``: that it reads; ``<onnx known to …>``."""
    return re.sub(r"<(\w+)(?: (for|known to) ([\w-]+))?>", _words, message)


def _words(found: re.Match[str]) -> str:
    name, how, library = found.groups()
    if name in WORDS:
        return WORDS[name]
    if name not in EXPECTED:
        return found.group()  # <path>, which the test knows
    said = ""
    if library:
        said = f" that {library} {_version(library)} reads"
        if how == "known to":
            said = f" of which {library} {_version(library)} knows every part"
    return f"bad: expected {EXPECTED[name]}{said} at <path>, found "


def _version(library: str) -> str:
    if library == "Python":
        return platform.python_version()
    try:
        return version(library)
    except PackageNotFoundError:
        return version(f"{library}-cpu")


# fmt: off
ROWS = [
    # nothing, or nothing that is a model
    Row("no file", "onnxruntime", s.nothing("net.onnx"), MissingFile,
        "<file>nothing. Correct the path in parity.toml, or put the file there."),
    Row("no folder", "savedmodel", s.nothing("saved"), MissingFile,
        "<file>nothing. Correct the path in parity.toml, or put the file there."),
    Row("empty", "onnxruntime", b.raw("net.onnx", b""), DamagedFile,
        "<onnx>an empty file. <again>"),
    Row("empty TFLite", "tflite", b.raw("net.tflite", b""), DamagedFile,
        "<tflite>an empty file. <again>"),
    Row("LFS pointer", "onnxruntime", b.raw("net.onnx", LFS), NotDownloaded,
        "<onnx>a Git LFS pointer (the file itself was never fetched). Fetch it with git lfs "
        "pull."),
    Row("LFS pointer as weights", "weights", b.raw("net.pth", LFS), NotDownloaded,
        "<state>a Git LFS pointer (the file itself was never fetched). Fetch it with git lfs "
        "pull."),
    Row("web page", "keras", b.raw("net.keras", b"<!DOCTYPE html><html>404"), NotDownloaded,
        "<keras>an HTML page. A page was saved in its place: download the file again."),
    Row("text", "tflite", b.raw("net.tflite", b"hello\n"), OtherFormat,
        "<tflite>a text file. <correct>"),
    Row("folder", "torch", s.folder("net"), OtherFormat,
        "<torch>a directory without saved_model.pb. <correct>"),
    Row("folder of a SavedModel", "savedmodel", s.inside("net", "1"), OtherFormat,
        "<saved>a directory whose folder 1 is a SavedModel. <correct>"),
    Row("zipped SavedModel", "savedmodel",
        b.raw("saved.zip", b.zipped(**{"saved/saved_model.pb": b""})),
        OtherFormat,
        "<saved>a zip archive that holds a SavedModel directory. Unpack it and name what is "
        "inside."),
    Row("arrays", "torch", b.arrays("net.pt"), OtherFormat,
        "<torch>a NumPy archive (.npz). <correct>"),
    Row("noise", "onnxruntime", b.raw("net.onnx", b"\x00\x01\x02\xff\xfe" * 9), OtherFormat,
        "<onnx>a file of unknown content. <correct>"),
    # another format
    Row("TFLite as ONNX", "onnxruntime", b.named("float.tflite", "net.onnx"), OtherFormat,
        "<onnx>a TFLite flatbuffer. If it is the right file, say kind = 'tflite' under "
        "[runtimes.bad]<otherwise>"),
    Row("ONNX as TFLite", "tflite", b.named("net.onnx", "net.tflite"), OtherFormat,
        "<tflite>an ONNX model. If it is the right file, say kind = 'onnxruntime' under "
        "[runtimes.bad]<otherwise>"),
    Row("ONNX as torch", "torch", b.named("net.onnx", "net.pt"), OtherFormat,
        "<torch>an ONNX model. If it is the right file, say kind = 'onnxruntime' under "
        "[runtimes.bad]<otherwise>"),
    Row("SavedModel as Keras", "keras", s.sound("saved"), OtherFormat,
        "<keras>a SavedModel directory. If it is the right file, say kind = 'savedmodel' under "
        "[runtimes.bad]<otherwise>"),
    Row("Keras as SavedModel", "savedmodel", s.sound("net.keras"), OtherFormat,
        "<saved>a Keras model archive. If it is the right file, say kind = 'keras' under "
        "[runtimes.bad]<otherwise>"),
    Row("HDF5 as SavedModel", "savedmodel", s.sound("net.h5"), OtherFormat,
        "<saved>an HDF5 file. If it is the right file, say kind = 'keras' under "
        "[runtimes.bad]<otherwise>"),
    Row("frozen graph as SavedModel", "savedmodel", s.sound("frozen.pb"), OtherFormat,
        "<saved>a frozen TensorFlow graph (GraphDef). <correct>"),
    Row("saved_model.pb alone", "savedmodel",
        b.named("saved/saved_model.pb", "saved_model.pb"),
        OtherFormat,
        "<saved>the saved_model.pb of a SavedModel (name its directory). <correct>"),
    Row("HDF5 named .keras", "keras", b.named("net.h5", "net.keras"), OtherFormat,
        "<keras>an HDF5 file that is named .keras. Keras goes by the name: rename it to net.h5."),
    Row("archive named .h5", "keras", b.named("net.keras", "net.h5"), OtherFormat,
        "<keras>a Keras model archive that is named .h5. Keras goes by the name: rename it to "
        "net.keras."),
    Row("pickled state dict", "weights", s.dumped(dict), OtherFormat,
        "<state>a Python pickle that torch.save did not write. <pickled>"),
    Row("trusted pickled state dict", "weights, trust", s.dumped(dict), OtherFormat,
        "<state>a Python pickle that torch.save did not write. <pickled>"),
    Row("pickled arrays", "weights, trust",
        s.dumped(lambda tensors: {name: one.numpy() for name, one in tensors.items()}),
        OtherFormat,
        "<state>a Python pickle that torch.save did not write. <pickled>"),
    Row("gzip archive", "torch", b.raw("net.pt.gz", b"\x1f\x8b\x08\0\0"), OtherFormat,
        "<torch>a gzip archive. Unpack it and name what is inside."),
    Row("TensorFlow checkpoint", "savedmodel",
        b.named("saved/variables/variables.index", "net.ckpt"),
        OtherFormat,
        "<saved>the index of a TensorFlow checkpoint. It holds weights alone: restore them in "
        "TensorFlow and save the whole model."),
    Row("HDF5 weights and an archive in one", "built",
        b.joined("net.keras", "net.weights.h5", "net.keras"),
        OtherFormat,
        "<built>an HDF5 file that is named .keras. Keras goes by the name: rename it to net.h5."),
    Row("archive named as HDF5 weights", "built", b.named("net.keras", "net.weights.h5"),
        OtherFormat,
        "<built>a Keras model archive that is named .h5. Keras goes by the name: rename it to "
        "net.weights.keras."),
    Row("safetensors as weights", "weights", s.sound("net.safetensors"), OtherFormat,
        "<state>a safetensors file (weights alone). Read it once with "
        "safetensors.torch.load_file and write it with torch.save."),
    # weights and models
    Row("state dict as model", "torch", s.sound("net.pth"), WeightsAlone,
        "<torch>a zip archive that holds a torch state dict. The code that builds the network "
        "belongs to it: say model = 'module:factory' and weights = 'net.pth' under "
        "[runtimes.bad], or export a TorchScript file or a .pt2."),
    Row("older state dict as model", "torch", s.sound("legacy.pth"), WeightsAlone,
        "<torch>a torch state dict. The code that builds the network belongs to it: say model ="
        " 'module:factory' and weights = 'legacy.pth' under [runtimes.bad], or export a "
        "TorchScript file or a .pt2."),
    Row("safetensors as model", "torch", s.sound("net.safetensors"), WeightsAlone,
        "<torch>a safetensors file (weights alone). Read it once with "
        "safetensors.torch.load_file and write it with torch.save, and say model = "
        "'module:factory' and weights = that file."),
    Row("state dict as Keras", "keras", b.named("net.pth", "net.keras"), WeightsAlone,
        "<keras>a zip archive that holds a torch state dict. The code that builds the network "
        "belongs to it: say kind = 'torch', model = 'module:factory' and weights = 'net.keras' "
        "under [runtimes.bad]."),
    Row("Keras weights as model", "keras", s.sound("net.weights.h5"), WeightsAlone,
        "<keras>an HDF5 file of weights only. Save the whole model and name that, or say model = "
        "'module:factory' and weights = 'net.weights.h5' under [runtimes.bad]."),
    Row("TorchScript as weights", "weights", s.sound("script.pt"), ModelAsWeights,
        "<state>a zip archive that holds a TorchScript program. It is a whole model: say model "
        "= 'script.pt' without weights under [runtimes.bad], or save its state_dict()."),
    Row("exported program as weights", "weights", s.sound("program.pt2"), ModelAsWeights,
        "<state>a zip archive that holds a torch exported program. It is a whole model: say "
        "model = 'program.pt2' without weights under [runtimes.bad], or save its state_dict()."),
    Row("ONNX as weights", "weights", s.sound("net.onnx"), ModelAsWeights,
        "<state>an ONNX model. It is a whole model: say kind = 'onnxruntime', model = "
        "'net.onnx' without weights under [runtimes.bad], or save its state_dict()."),
    # cut off or corrupt
    Row("ONNX cut off", "onnxruntime", b.cut("net.onnx"), DamagedFile,
        "<onnx>a truncated protobuf file (an ONNX model cut off?). <again>"),
    Row("ONNX garbled", "onnxruntime",
        b.edited("net.onnx", lambda data: data[:60] + b"\xff" * 40 + data[100:]),
        DamagedFile,
        "<onnx><corrupt> (it cannot be scanned: malformed). <again>"),
    Row("ONNX without opsets", "onnxruntime",
        b.onnx("net.onnx", lambda model: model.ClearField("opset_import")),
        DamagedFile,
        "<onnx><corrupt> (Fail: [ONNXRuntimeError] : 1 : FAIL : Load model from <path> failed: "
        "Missing opset in the model. All ModelProtos MUST have at least one entry that "
        "specifies which version of the ONNX OperatorSet is being imported). <again>"),
    Row("ONNX weight cut off", "onnxruntime",
        b.onnx("net.onnx", lambda model: setattr(model.graph.initializer[0], "raw_data", b"1234")),
        DamagedFile,
        "<onnx><corrupt> (Fail: [ONNXRuntimeError] : 1 : FAIL : tensorprotoutils.cc:1534 "
        "ValidateEmbeddedTensorProtoDataSizeAndShape Initializer 'w': raw_data size (4 bytes) "
        "does not match expected size from shape and data type (432 bytes)). <again>"),
    Row("TFLite cut off", "tflite", b.cut("float.tflite"), DamagedFile,
        "<tflite><corrupt> (ValueError: The model is not a valid Flatbuffer buffer). <again>"),
    Row("TFLite without a subgraph", "tflite",
        b.tflite("float.tflite", lambda model: model.subgraphs.clear()),
        DamagedFile,
        "<tflite><corrupt> (ValueError: No subgraph in the model). <again>"),
    Row("TFLite with a stray input", "tflite",
        b.tflite("float.tflite", lambda model: setattr(model.subgraphs[0], "inputs", [999])),
        DamagedFile,
        "<tflite><corrupt> (RuntimeError: Invalid tensor index 999 in inputs. The subgraph has "
        "23 tensors AllocateTensors() called on inconsistent model). <again>"),
    Row("archive cut off", "keras", b.cut("net.keras"), DamagedFile,
        "<keras>a truncated or damaged zip archive. <again>"),
    Row("HDF5 cut off", "keras", b.cut("net.h5"), DamagedFile,
        "<keras>a truncated HDF5 file. <again>"),
    Row("archive without weights", "keras",
        b.rezipped("net.keras", b.without("model.weights.h5")),
        DamagedFile,
        "<keras><corrupt> (ValueError: Expected a model.weights.h5 or model.weights.npz file). "
        "<again>"),
    Row("archive with damaged weights", "keras",
        b.rezipped("net.keras", b.holding("model.weights.h5", b"\x89HDF no more")),
        DamagedFile,
        "bad: expected a Keras model archive at <path>, found <corrupt> (it cannot be scanned: "
        "it does not begin with the HDF5 signature). <again>"),
    Row("archive whose configuration is no JSON", "keras",
        b.rezipped("net.keras", b.holding("config.json", b"{'a': 1}")),
        DamagedFile,
        "bad: expected a Keras model archive at <path>, found <corrupt> (it cannot be scanned: "
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)). <again>"),
    Row("archive whose configuration is empty", "keras",
        b.rezipped("net.keras", b.holding("config.json", b"{}")),
        DamagedFile,
        "<keras><corrupt> (ValueError: Expected object to be an instance of `KerasSaveable`, "
        "but got {'compile_config': None} of type <class 'dict'>). <again>"),
    Row("HDF5 whose configuration is no JSON", "keras",
        b.replaced("net.h5", b'{"module": "keras', b'["module": "keras'),
        DamagedFile,
        "bad: expected an HDF5 file at <path>, found <corrupt> (it cannot be scanned: Expecting"
        " ',' delimiter: line 1 column 377 (char 376)). <again>"),
    Row("HDF5 without its weights", "keras", s.hdf5(s.dropped("model_weights")), DamagedFile,
        "<keras><corrupt> (KeyError: 'model_weights'). <again>"),
    Row("TorchScript cut off", "torch", b.cut("script.pt"), DamagedFile,
        "<torch>a truncated or damaged zip archive. <again>"),
    Row("state dict cut off", "weights", b.cut("net.pth"), DamagedFile,
        "<state>a truncated or damaged zip archive. <again>"),
    Row("state dict without its data", "weights",
        b.rezipped("net.pth", b.without("data/0")),
        DamagedFile,
        "<state><corrupt> (RuntimeError: PytorchStreamReader failed locating file data/0: file "
        "not found. This is an internal miniz error. If you are seeing this error, there is a "
        "high likelihood that your checkpoint file is corrupted. This can happen if the "
        "checkpoint was not saved properly, was transferred incorrectly, or the file was "
        "modified after saving). <again>"),
    Row("older state dict cut in its pickle", "weights", b.cut("legacy.pth", 0.2), DamagedFile,
        "bad: expected a pickled Python object at <path>, found <corrupt> (the pickle cannot be"
        " read: pickle exhausted before seeing STOP). <again>"),
    Row("older state dict cut in its data", "weights",
        b.edited("legacy.pth", lambda data: data[:-2]), DamagedFile,
        "<state><corrupt> (RuntimeError: unexpected EOF, expected 2 more bytes. The file might"
        " be corrupted). <again>"),
    Row("SavedModel cut off", "savedmodel",
        b.saved(lambda folder: b.shortened(folder / "saved_model.pb")),
        DamagedFile,
        "<saved><corrupt> (it cannot be scanned: truncated). <again>"),
    Row("SavedModel with an empty graph", "savedmodel",
        b.saved(lambda folder: (folder / "saved_model.pb").write_bytes(b"")),
        DamagedFile,
        "<saved><corrupt> (ValueError: Importing a SavedModel with `tf.saved_model.load` "
        "requires a `tags=` argument if there is more than one MetaGraph. Got `tags=None`, but "
        "there are 0 MetaGraphs in the SavedModel with tag sets: []. Pass a `tags=` argument to"
        " load this SavedModel). <again>"),
    Row("SavedModel whose data are cut off", "savedmodel",
        b.saved(lambda folder: b.shortened(folder / DATA)),
        DamagedFile,
        "<saved><corrupt> (IndexError: Read less bytes than requested). <again>"),
    Row("SavedModel whose index is cut off", "savedmodel",
        b.saved(lambda folder: b.shortened(folder / INDEX)),
        DamagedFile,
        "<saved><corrupt> (OpError: not an sstable (bad magic number)). <again>"),
    # external data
    Row("ONNX without its weights", "onnxruntime",
        b.external(lambda path: path.unlink()),
        ExternalDataError,
        "<onnx>that its file of weights weights.bin is not there. Copy that file too, or save "
        "the model in one file."),
    Row("ONNX whose weights are cut off", "onnxruntime", b.external(b.shortened), ExternalDataError,
        "<onnx>that its file of weights weights.bin has 216 bytes of the 432 that are needed. "
        "Copy that file too, or save the model in one file."),
    Row("ONNX whose weights were not downloaded", "onnxruntime",
        b.external(lambda path: path.write_bytes(LFS)),
        ExternalDataError,
        "<onnx>that its file of weights weights.bin is a Git LFS pointer, whose file was never "
        "fetched (git lfs pull). Copy that file too, or save the model in one file."),
    Row("SavedModel without its index", "savedmodel",
        b.saved(lambda folder: (folder / INDEX).unlink()),
        ExternalDataError,
        "<saved>that its file of weights variables/variables.index is not there. Copy the whole "
        "folder, or save the model again."),
    Row("SavedModel whose data were not downloaded", "savedmodel",
        b.saved(lambda folder: (folder / DATA).write_bytes(LFS)),
        ExternalDataError,
        "<saved>that its file of weights variables/variables.data-00000-of-00001 is a Git LFS "
        "pointer, whose file was never fetched (git lfs pull). Copy the whole folder, or save the "
        "model again."),
    Row("SavedModel without its data", "savedmodel",
        b.saved(lambda folder: (folder / DATA).unlink()),
        ExternalDataError,
        "<saved>that its file of weights variables/variables.data-00000-of-00001 is not there. "
        "Copy the whole folder, or save the model again."),
    # versions
    Row("IR version", "onnxruntime",
        b.onnx("net.onnx", lambda model: setattr(model, "ir_version", 99)),
        UnsupportedVersion,
        "<onnx for onnxruntime>IR version 99, which is too new (it reads up to 13). <newer> "
        "onnxruntime<requires>"),
    Row("opset", "onnxruntime", s.opset(99), UnsupportedVersion,
        "<onnx for onnxruntime>opset of ai.onnx 99, which is too new (it reads up to 26). "
        "<newer> onnxruntime<requires>"),
    Row("opset of another domain", "onnxruntime", s.opset(99, "ai.onnx.ml"), UnsupportedVersion,
        "<onnx for onnxruntime>opset of ai.onnx.ml 99, which is too new (it reads up to 5). "
        "<newer> onnxruntime<requires>"),
    Row("TFLite op version", "tflite", s.operator(version=99), UnsupportedVersion,
        "<tflite for ai-edge-litert>op CONV_2D of version 99, which is too new. <newer> "
        "ai-edge-litert<requires>"),
    Row("TFLite op of later", "tflite",
        s.operator(builtinCode=999, deprecatedBuiltinCode=127),
        UnsupportedVersion,
        "<tflite for ai-edge-litert>op code 999, which is too new. <newer> "
        "ai-edge-litert<requires>"),
    Row("TFLite schema of later", "tflite",
        b.tflite("float.tflite", lambda model: setattr(model, "version", 4)),
        UnsupportedVersion,
        "<tflite for ai-edge-litert>schema version 4, which is too new (it reads up to 3). "
        "<newer> ai-edge-litert<requires>"),
    Row("TFLite schema of before", "tflite",
        b.tflite("float.tflite", lambda model: setattr(model, "version", 1)),
        UnsupportedVersion,
        "<tflite for ai-edge-litert>schema version 1, which is too old (it reads from 3). "
        "<older> ai-edge-litert<requires>"),
    Row("later Keras, argument", "keras",
        s.saved_by("99.0.0", s.with_argument("fancy", 3)),
        UnsupportedVersion,
        of_keras("99.0.0", "Conv2D takes no fancy here")),
    Row("later Keras, layer", "keras",
        s.saved_by("99.0.0", s.of_class("FancyConv")),
        UnsupportedVersion,
        of_keras("99.0.0", "ValueError: Could not deserialize 'keras.layers.FancyConv' because it "
                 "is not a KerasSaveable subclass")),
    Row("Keras 2", "keras",
        s.hdf5(s.configured(s.with_argument("implementation", 1)), "2.4.0"),
        UnsupportedVersion,
        of_keras("2.4.0", "Conv2D takes no implementation here")),
    Row("Keras 1", "keras", s.hdf5(s.configured(s.convolution_2d), "1.2.2"), UnsupportedVersion,
        of_keras("1.2.2", "Convolution2D is not known here")),
    Row("earlier Keras, custom constructor", "keras, custom",
        s.saved_by("3.9.0", s.of_class("Strict", "spoiled_layers", "Strict")),
        ArtifactError,
        "<keras>a Keras model archive: Strict takes no name here: the constructor of a custom "
        "layer takes what its get_config() gives, and **kwargs (Keras 3.9.0 saved it). <correct>"),
    Row("earlier Keras, custom layer that raises", "keras, custom",
        s.saved_by("3.9.0", s.of_class("Table", "spoiled_layers", "Table")),
        ArtifactError,
        "<keras>a Keras model archive: No such file or directory: "
        "'/nowhere/table.npy' (Keras 3.9.0 saved it). <correct>"),
    Row("earlier Keras, damaged argument", "keras",
        s.saved_by("3.9.0", s.with_argument("filters", -4)),
        ArtifactError,
        "<keras>a Keras model archive: Invalid value for argument `filters`. Expected a strictly "
        "positive value. Received filters=-4 (Keras 3.9.0 saved it). <correct>"),
    Row("later TensorFlow", "savedmodel", s.graph(s.unknown_value), UnsupportedVersion,
        "<saved for tensorflow>the attribute padding with the value \"REFLECT\", which is too "
        "new. <newer> tensorflow<requires>"),
    Row("later TorchScript", "torch",
        b.rezipped("script.pt", b.holding("/version", b"99\n")),
        UnsupportedVersion,
        "<torch for torch>file version 99, which is too new (it reads up to 10). <newer> "
        "torch<requires>"),
    Row("earlier TorchScript", "torch",
        b.rezipped("script.pt", b.holding("/version", b"0\n")),
        UnsupportedVersion,
        "<torch for torch>file version 0, which is too old (it reads from 1). <older> "
        "torch<requires>"),
    Row("later schema of .pt2", "torch",
        s.program(lambda content: content.update(schema_version={"major": 99, "minor": 0})),
        UnsupportedVersion,
        "<torch for torch>schema version 99, which is too new (it reads up to 8). <newer> "
        "torch<requires>"),
    Row("later archive of .pt2", "torch",
        b.rezipped("program.pt2", b.holding("archive_version", b"99")),
        UnsupportedVersion,
        "<torch for torch>archive version 99, which is too new (it reads up to 0). <newer> "
        "torch<requires>"),
    Row("pickle protocol", "torch, trust", s.pickled(b"\x80\x02", b"\x80\x09"), UnsupportedVersion,
        "<torch for Python>pickle protocol 9, which is too new (it reads up to 5). <newer> "
        "Python (python under [runtimes.bad])."),
    Row("pickle protocol of older weights", "weights",
        b.replaced("legacy.pth", b"\x80\x02", b"\x80\x09"),
        UnsupportedVersion,
        "<state for Python>pickle protocol 9, which is too new (it reads up to 5). <newer> "
        "Python (python under [runtimes.bad])."),
    # not registered
    Row("ONNX op of a domain", "onnxruntime", s.sound("custom.onnx"), NotRegistered,
        "<onnx known to onnxruntime>the op MyNms of the domain com.example, which is not "
        "registered. Ops cannot be registered from here: <elsewhere>"),
    Row("ONNX op that nobody knows", "onnxruntime", s.op("Convv"), NotRegistered,
        "<onnx known to onnxruntime>the op Convv in opset 17, which no opset has (near: Conv). "
        "Export the model without it, or run it by a program that knows it (kind = 'command')."),
    Row("ONNX op of a later opset", "onnxruntime", s.op("Mish"), NotRegistered,
        "<onnx known to onnxruntime>the op Mish in opset 17, which came with opset 18. Export it "
        "for opset 18 or later, or <elsewhere>"),
    Row("ONNX op that was withdrawn", "onnxruntime", s.op("Scatter"), NotRegistered,
        "<onnx known to onnxruntime>the op Scatter in opset 17, which ONNX has withdrawn in opset "
        "11. Export it for opset 10, or again by an exporter that knows what replaced it."),
    Row("ONNX op without a kernel", "onnxruntime", s.op("Softsign", element=11), NotRegistered,
        "<onnx known to onnxruntime>the op Softsign of opset 1, and it has no kernel of that op "
        "for these types. Export the model in float32, or <elsewhere>"),
    Row("old opset", "onnxruntime", b.onnx("net.onnx", s.old_upsample), NotRegistered,
        "<onnx known to onnxruntime>the op Upsample of opset 1, and it has no kernel of that op "
        "for these types. Export it for opset 7 or later, with kernels for more types, or "
        "<elsewhere>"),
    Row("TFLite custom op", "tflite",
        s.operator(builtinCode=32, deprecatedBuiltinCode=32, customCode=b"MyNms"),
        NotRegistered,
        "<tflite known to ai-edge-litert>the op MyNms, which is not registered. Ops cannot be "
        "registered from here: <elsewhere>"),
    Row("TFLite with Flex", "tflite", s.sound("flex.tflite"), FlexMissing,
        "bad: expected a TFLite flatbuffer of TFLite's own ops at <path>, found the op "
        "FlexCholesky of TensorFlow (Flex), and ai-edge-litert 2.3.0 has no Flex delegate. "
        "Convert it again without SELECT_TF_OPS, or run the model as kind = 'savedmodel'."),
    Row("Keras layer that nobody knows", "keras",
        s.archived(s.of_class("FancyConv")),
        NotRegistered,
        "<keras known to keras>the object keras.layers.FancyConv, which is not registered. "
        "<custom>"),
    Row("trusted Keras layer", "keras, trust",
        s.archived(s.of_class("MyConv", "mynet.layers", "mynet>MyConv")),
        NotRegistered,
        "<keras known to keras>the object MyConv, which is not registered. <custom>"),
    Row("Keras 2 layer of the user", "keras",
        s.hdf5(s.configured(s.of_class("MyConv", None)), "2.4.0"),
        NotRegistered,
        "<keras known to keras>the object MyConv, which is not registered. <custom>"),
    Row("trusted Lambda without its function", "keras, trust", s.sound("lambda.h5"), NotRegistered,
        "<keras known to keras>the object _doubled, which is not registered. <custom>"),
    Row("Keras activation", "keras",
        s.archived(s.with_argument("activation", "fancy")),
        NotRegistered,
        "<keras known to keras>the object fancy, which is not registered. <custom>"),
    Row("SavedModel op", "savedmodel", s.graph(s.unknown_op), NotRegistered,
        "<saved known to tensorflow>the op MyConv, which is not registered. Ops cannot be "
        "registered from here: <elsewhere>"),
    Row("TorchScript op", "torch",
        s.scripted(b"torch.conv2d(", b"ops.torchvision.nms("),
        NotRegistered,
        "<torch known to torch>the op torchvision::nms, which is not registered. The package "
        "that registers it is not imported for a file: load the network by a factory that "
        "imports it (model = 'module:factory'), or <elsewhere>"),
    Row("op of .pt2", "torch",
        s.program(s.called("torch.ops.torchvision.nms.default")),
        NotRegistered,
        "<torch known to torch>the op torchvision.nms.default, which is not registered. The "
        "package that registers it is not imported for a file: load the network by a factory "
        "that imports it (model = 'module:factory'), or <elsewhere>"),
    Row("module of a pickle", "torch, trust",
        s.pickled(b"torch.nn.modules.container\n", b"mynets.container\n"),
        NotRegistered,
        "<torch known to torch>the module mynets, which is not registered. Put it beside "
        "parity.toml, or install its package."),
    Row("class of a pickle", "torch, trust",
        s.pickled(b"container\nSequential", b"container\nFancyNet"),
        NotRegistered,
        "<torch known to torch>the class torch.nn.modules.container.FancyNet, which is not "
        "registered. Install the version that has it, or put the module that defines it beside "
        "parity.toml."),
    # weights that do not fit
    Row("names and shapes", "weights", s.state(s.misfitting), WeightsMismatch,
        "<weights>2 missing from the file, 2 not in the network, 1 of another shape:\n"
        "  missing from the file: 0.bias\n"
        "  missing from the file: 1.weight (nearest in the file: 1.wieght)\n"
        "  not in the network: 1.wieght (nearest in the network: 1.weight)\n"
        "  not in the network: anchors\n"
        "  of another shape: 1.running_mean, (4) in the network, (5) in the file\n"
        "  Name the weights of this very network, or correct how it is built."),
    Row("DataParallel", "weights", s.state(s.behind("module.")), WeightsMismatch,
        "<weights>7 missing from the file, 7 not in the network:\n"
        "  all 7 names stand in the file behind the prefix 'module.' (torch.nn.DataParallel "
        "puts it there): strip it where the weights are saved, {name.removeprefix('module.'): "
        "tensor}"),
    Row("Lightning", "weights",
        s.state(lambda tensors: {"state_dict": s.behind("model.")(tensors), "epoch": 3}),
        WeightsMismatch,
        "<weights>7 missing from the file, 7 not in the network (in its entry 'state_dict'):\n"
        "  all 7 names stand in the file behind the prefix 'model.': strip it where the weights"
        " are saved, {name.removeprefix('model.'): tensor}"),
    Row("part of the network", "backbone", s.sound("net.pth"), WeightsMismatch,
        "<weights>7 missing from the file, 7 not in the network:\n"
        "  all 7 names stand in the network behind the prefix 'backbone.', which the file "
        "lacks: save the whole network's state_dict(), or let the factory return its part "
        "backbone"),
    Row("layer of another name", "weights",
        s.state(s.renamed("0.", "stem.conv.")),
        WeightsMismatch,
        "<weights>2 missing from the file, 2 not in the network:\n"
        "  missing from the file: 0.weight (nearest in the file: stem.conv.weight)\n"
        "  missing from the file: 0.bias (nearest in the file: stem.conv.bias)\n"
        "  not in the network: stem.conv.weight (nearest in the network: 0.weight)\n"
        "  not in the network: stem.conv.bias (nearest in the network: 0.bias)\n"
        "  Name the weights of this very network, or correct how it is built."),
    Row("state dict without numbers", "weights", s.state(s.without_numbers), WeightsMismatch,
        "<weights>7 tensors without numbers (0.weight, ...): they are on torch's meta device; save "
        "the state_dict() of the network with its weights"),
    Row("quantised state dict", "weights", s.state(s.quantised), WeightsMismatch,
        "<weights>5 missing from the file:\n"
        "  missing from the file: 1.weight\n"
        "  missing from the file: 1.bias\n"
        "  missing from the file: 1.running_mean\n"
        "  missing from the file: 1.running_var\n"
        "  missing from the file: 1.num_batches_tracked\n"
        "  Name the weights of this very network, or correct how it is built."),
    Row("two state dicts", "weights",
        s.state(lambda tensors: {"ema": tensors, "raw": tensors}),
        WeightsMismatch,
        "<weights>more than one state dict in the file: 'ema', 'raw'; save the one that is "
        "meant alone"),
    Row("no state dict", "weights", s.state(lambda tensors: {"epoch": 3}), WeightsMismatch,
        "<weights>no state dict in the file: save the network's state_dict()"),
    Row("no weights at all", "random", s.nothing("none.pth"), WeightsMismatch,
        "bad: expected the file that holds the weights of spoiled_nets:net, found none: a factory "
        "alone builds a network of random weights. Save its weights and say weights = that "
        "file, under [runtimes.bad]"),
    Row("archive with a weight less", "keras",
        s.archived_weights(s.dropped("layers/conv2d/vars/0", "layers/conv2d_1")),
        WeightsMismatch,
        "<weights>3 missing from the file:\n"
        "  missing from the file: body/kernel\n"
        "  missing from the file: conv2d_1/kernel\n"
        "  missing from the file: conv2d_1/bias\n"
        "  Name the weights of this very network, or correct how it is built."),
    Row("archive with another shape", "keras",
        s.archived_weights(s.other_shape("layers/conv2d/vars/0")),
        WeightsMismatch,
        "<weights>1 of another shape:\n"
        "  of another shape: body/kernel, (3, 3, 3, 4) in the network, (2, 2, 3, 4) in the file\n"
        "  Name the weights of this very network, or correct how it is built."),
    Row("HDF5 with a weight less", "keras", s.hdf5(s.first_weight_only), WeightsMismatch,
        "<weights>1 missing from the file:\n"
        "  missing from the file: body/bias\n"
        "  Name the weights of this very network, or correct how it is built."),
    Row("HDF5 with another shape", "keras",
        s.hdf5(s.other_shape("model_weights/body/body/kernel")),
        WeightsMismatch,
        "<weights>1 of another shape:\n"
        "  of another shape: body/kernel, (3, 3, 3, 4) in the network, (2, 2, 3, 4) in the file\n"
        "  Name the weights of this very network, or correct how it is built."),
    # code of their own
    Row("whole pickled module", "torch", s.sound("whole.pth"), UntrustedError,
        "<code>the pickle calls torch.nn.modules.container.Sequential; the pickle calls "
        "torch.nn.modules.conv.Conv2d; the pickle calls torch.nn.modules.batchnorm.BatchNorm2d."
        " <trust>."),
    Row("whole pickled module as weights", "weights", s.sound("whole.pth"), UntrustedError,
        "<code>the pickle calls torch.nn.modules.container.Sequential; the pickle calls "
        "torch.nn.modules.conv.Conv2d; the pickle calls torch.nn.modules.batchnorm.BatchNorm2d."
        " <trust>."),
    Row("Lambda", "keras", s.sound("lambda.keras"), UntrustedError,
        "<code>Lambda (layer 'evil') holds Python code. <trust>."),
    Row("Lambda in HDF5", "keras", s.sound("lambda.h5"), UntrustedError,
        "<code>Lambda (layer 'evil') holds Python code. <trust>."),
    Row("custom layer", "keras",
        s.archived(s.of_class("MyConv", "mynet.layers", "mynet>MyConv")),
        UntrustedError,
        "<code>mynet.layers.MyConv (layer 'body') is not Keras' own. <trust>, and name its "
        "classes in options = { custom_objects = 'module:function' } under [runtimes.bad]."),
    Row("op that reads files", "torch",
        s.scripted(b"torch.conv2d(", b"ops.image.read_file("),
        UntrustedError,
        "<code>it calls image.read_file. <trust>."),
    Row("ONNX weights outside", "onnxruntime",
        b.external(lambda path: None, "../aaaa.bin"),
        UntrustedError,
        "bad: expected a model whose weights are in its own folder at <path>, found that it reads "
        "weights from outside of its folder (../aaaa.bin), which ONNX Runtime refuses too. Save "
        "the model again with its weights beside it or in one file."),
    # memory
    Row("network too large", "huge", s.sound("net.pth"), OutOfMemory,
        "bad: expected enough memory, found too little of it while it built the network: "
        "RuntimeError: [enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't"
        " allocate memory: you tried to allocate 1125899906842624 bytes. Error code 12 (Cannot "
        "allocate memory). Free some, or use a smaller model or a smaller input."),
    Row("tensor too large", "onnxruntime", b.onnx("net.onnx", s.immense), OutOfMemory,
        "bad: expected enough memory, found too little of it while it ran an image: Fail: "
        "[ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running "
        "ConstantOfShape node. Name:'' Status Message: Failed to allocate memory for requested "
        "buffer of size 70368744177664. Free some, or use a smaller model or a smaller input."),
    # the factory
    Row("factory that raises", "broken", s.sound("net.pth"), ArtifactError,
        "bad: expected a torch module from 'spoiled_nets:broken', found that it raised "
        "LookupError: no such backbone"),
    Row("custom objects that are none", "keras, none", s.sound("net.keras"), OptionError,
        "bad: options.custom_objects: expected a function that returns a dict of classes by name, "
        "found one that returns a list"),
    Row("factory of something else", "number", s.sound("net.pth"), ArtifactError,
        "bad: expected a torch module from 'spoiled_nets:number', found that it returned a int,"
        " not a torch.nn.Module"),
    # the input
    Row("input of another size", "onnxruntime", s.sized_input(1, 3, 16, 16), InputError,
        "bad: input image: expected (1, 3, 16, 16), found (1, 3, 8, 8); see preprocess.size"),
    Row("input of four channels", "onnxruntime", s.sized_input(1, 4, 8, 8), InputError,
        "bad: input image: expected an input of 3 channels, (1, 3, H, W) or (1, H, W, 3), found"
        " (1, 4, 8, 8)"),
    Row("input of five dimensions", "onnxruntime", s.sized_input(1, 3, 8, 8, 1), InputError,
        "bad: input image: expected an input of 4 dimensions, found (1, 3, 8, 8, 1)"),
    Row("input of text", "onnxruntime", s.typed_input(8), InputError,
        "bad: input image: expected an input of float16, float32, float64, uint8, int8, uint16,"
        " int16, int32, int64, found string"),
    Row("input of integers", "onnxruntime", s.typed_input(6), InputError,
        "bad: input image: expected integers within -2147483648..2147483647, as the input is "
        "int32 without scale and zero point, found other numbers within 0.5..0.5; see "
        "preprocess.range, mean and std"),
    Row("input of truth values", "onnxruntime", s.typed_input(9), InputError,
        "bad: input image: expected an input of float16, float32, float64, uint8, int8, uint16,"
        " int16, int32, int64, found bool"),
    Row("two inputs", "onnxruntime", b.onnx("net.onnx", s.two_inputs), InputError,
        "bad: expected a model with one input, found 2: image, mask. Export the detector so "
        "that it takes the image alone."),
]
# fmt: on
