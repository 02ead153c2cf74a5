"""Files that another version of their library saved: who saved them, who tried, what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import parity.runtimes as runtimes
from parity.runtimes.contract import AdapterError, Artifact
from parity.runtimes.keras import installed
from parity.runtimes.keras.saving import keras_version
from parity.runtimes.savedmodel.saving import tensorflow_version
from parity.runtimes.shared.saving import Versions
from parity.session.failures import typed


@pytest.fixture
def foreign(tensorflow_files: Path, tmp_path: Path) -> Any:
    """An HDF5 file of a Keras of this version, whose last layer has a keyword of its own."""
    h5py = pytest.importorskip("h5py")

    def made(version: str) -> Path:
        path = tmp_path / "net.h5"
        shutil.copy(tensorflow_files / "net.h5", path)
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            config["config"]["layers"][-1]["config"]["keepdims"] = True
            file.attrs["model_config"] = json.dumps(config)
            file.attrs["keras_version"] = version
        return path

    return made


def failure(kind: str, path: Path) -> AdapterError:
    with pytest.raises(AdapterError) as caught:
        runtimes.load(kind)(Artifact(model=str(path)))
    return caught.value


def test_a_file_of_another_keras_says_which(foreign: Any) -> None:
    """Both versions are facts beside Keras' own reason."""
    import keras

    error = failure("keras", foreign("2.7.0"))
    assert error.code == "version"
    assert (error.facts["library"], error.facts["saved"]) == ("Keras", "2.7.0")
    assert error.facts["opened"] == keras.__version__
    assert "keepdims" in error.facts["reason"]


def test_a_file_of_this_keras_has_another_reason(foreign: Any) -> None:
    """One that was saved by the same release is not refused for its version."""
    import keras

    release = ".".join(keras.__version__.split(".")[:2])
    assert failure("keras", foreign(f"{release}.99")).code == "not-loadable"


def test_the_message_names_both_and_what_to_do() -> None:
    """What was expected, what was found, and every way out."""
    error = AdapterError(
        "version",
        path="/suite/net.h5",
        expected="a Keras model (.keras or .h5)",
        found="an HDF5 file",
        reason="TypeError: ('Keyword argument not understood:', 'keepdims')",
        **Versions(
            "Keras", "2.7.0", "2.4.0", "TensorFlow 2.4.4, Python 3.8.18", "save it otherwise"
        )._asdict(),
    )
    runtime: Any = SimpleNamespace(name="old", table=None)
    assert str(typed(runtime, error)) == (
        "old: expected a Keras model (.keras or .h5) that Keras 2.4.0 (TensorFlow 2.4.4, Python "
        "3.8.18) can load at /suite/net.h5, found one that Keras 2.7.0 saved: TypeError: ('Keyword "
        "argument not understood:', 'keepdims'). What helps: load it with Keras 2.7 (requires and "
        "python of a runtime give it an environment of its own); or save it with Keras 2.4; or "
        "save it otherwise."
    )


@pytest.mark.parametrize("name", ["net.keras", "net.h5"])
def test_the_keras_that_saved_a_file_is_read(tensorflow_files: Path, name: str) -> None:
    """From the archive's metadata, or the file's attributes."""
    import keras

    assert keras_version(str(tensorflow_files / name)) == keras.__version__


def test_the_tensorflow_that_saved_a_folder_is_read(tensorflow_files: Path) -> None:
    """From its saved_model.pb, without TensorFlow."""
    import tensorflow

    found = tensorflow_version(str(tensorflow_files / "saved"))
    assert found == tensorflow.__version__


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n", b"\x12\xff\xff"])
def test_a_damaged_file_says_nothing(tmp_path: Path, content: bytes) -> None:
    """No version is guessed, and nothing is raised: the file is refused for what it is."""
    for name in ("net.h5", "saved_model.pb"):
        (tmp_path / name).write_bytes(content)
    assert keras_version(str(tmp_path / "net.h5")) == ""
    assert tensorflow_version(str(tmp_path)) == ""


def test_archives_are_newer_than_keras_2_11() -> None:
    """An older one would take it for a damaged HDF5 file."""
    old: Any = SimpleNamespace(keras=SimpleNamespace(__version__="2.11.0"))
    with pytest.raises(ValueError) as caught:
        installed.Keras2(old).load("net.keras", {}, False)
    assert str(caught.value) == "archives (.keras) are read by Keras 2.12 and newer"


@pytest.mark.parametrize(
    ("version", "numbers"), [("2.7.4", (2, 7)), ("2.16.0-rc0", (2, 16)), ("unknown", ())]
)
def test_a_release_is_two_numbers(version: str, numbers: tuple[int, ...]) -> None:
    """What only fixes defects changes neither a format nor a library's face."""
    assert installed.release(version) == numbers
