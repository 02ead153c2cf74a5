"""Which libraries are installed, told from their metadata: nothing is imported."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import metadata, util


@dataclass(frozen=True)
class Wanted:
    """A library: its module, the distributions that may bring it, the extra that installs it."""

    module: str
    distributions: tuple[str, ...]
    extra: str


# The first distribution of each is the one that an extra of this package installs.
LIBRARIES = {
    "tensorflow": Wanted(
        "tensorflow",
        ("tensorflow", "tensorflow-cpu", "tensorflow-intel", "tensorflow-macos", "tf-nightly"),
        "tensorflow",
    ),
    "keras": Wanted("keras", ("keras", "keras-nightly"), "tensorflow"),
    "torch": Wanted("torch", ("torch",), "torch"),
    "onnxruntime": Wanted(
        "onnxruntime",
        ("onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino", "onnxruntime-directml"),
        "onnx",
    ),
    "ai-edge-litert": Wanted(
        "ai_edge_litert", ("ai-edge-litert", "ai-edge-litert-nightly"), "tflite"
    ),
    "tflite-runtime": Wanted("tflite_runtime", ("tflite-runtime",), ""),
    "onnx": Wanted("onnx", ("onnx",), "export"),
    "onnxscript": Wanted("onnxscript", ("onnxscript",), "export"),
    "tf2onnx": Wanted("tf2onnx", ("tf2onnx",), "export"),
}
ADAPTERS = {
    "keras": ("keras", "tensorflow"),
    "savedmodel": ("tensorflow",),
    "torch": ("torch",),
    "onnxruntime": ("onnxruntime",),
    "tflite": ("ai-edge-litert",),
}


@dataclass(frozen=True)
class Installed:
    """One library here: its version, and every distribution of it with its version.

    ``version`` is None where it is not installed. ``problem`` says what is wrong with it.
    """

    name: str
    version: str | None
    distributions: tuple[tuple[str, str], ...] = ()
    problem: str | None = None


def installed(name: str) -> Installed:
    """One of ``LIBRARIES`` as it is installed here."""
    wanted = LIBRARIES[name]
    found = tuple((one, at) for one in wanted.distributions if (at := _version(one)) is not None)
    importable = _importable(wanted.module)
    version = found[0][1] if found else "unknown" if importable else None
    return Installed(name, version, found, _problem(name, found, importable))


def install_command(extra: str) -> str:
    """The command that installs one extra of this package, beside what is there already."""
    if extra == "tensorflow" and _version("tensorflow-cpu") is not None:
        extra = "tensorflow-cpu"  # the two overwrite each other
    return f"pip install 'detector-parity[{extra}]'"


def outdated(name: str, version: str) -> str | None:
    """The requirement of this package that an installed version does not meet; else None."""
    for requirement in _requirements().get(name, ()):
        operator, wanted = requirement
        have, limit = _release(version), _release(wanted)
        if (operator == ">=" and have < limit) or (operator == "<" and have >= limit):
            return f"{name}{operator}{wanted}"
    return None


def _problem(name: str, found: tuple[tuple[str, str], ...], importable: bool) -> str | None:
    if len(found) > 1:
        names = " and ".join(f"{one} {version}" for one, version in found)
        others = " ".join(one for one, _ in found)
        return (
            f"{names} are both installed and overwrite each other's files; keep one: "
            f"pip uninstall -y {others} && pip install {found[0][0]}"
        )
    if found and not importable:
        return (
            f"{found[0][0]} {found[0][1]} is listed as installed, but its files are gone; "
            f"pip install --force-reinstall --no-deps {found[0][0]}=={found[0][1]}"
        )
    return None


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _importable(module: str) -> bool:
    try:
        return util.find_spec(module) is not None
    except (ImportError, ValueError):  # half a package, or one made by hand
        return False


def _requirements() -> dict[str, list[tuple[str, str]]]:
    """The bounds of this package's own requirements, by distribution."""
    try:
        lines = metadata.requires("detector-parity") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, list[tuple[str, str]]] = {}
    for line in lines:
        name = re.match(r"[\w.-]+", line)
        bounds = re.findall(r"(>=|<)([\d.]+)", line.partition(";")[0])
        if name:
            found.setdefault(name[0], bounds)
    return found


def _release(version: str) -> tuple[int, ...]:
    match = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
