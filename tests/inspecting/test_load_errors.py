"""Every file of the table is loaded: the exact class and message, here and in a process apart."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import spoiled_models
from load_table import ROWS, Row, written_out

import parity
from parity import errors
from parity.errors import ArtifactError, RuntimeFailure
from parity.isolation import IsolatedAdapter, Launch, Worker
from parity.record import Failure
from parity.runtimes.contract import LOST
from parity.session import Session
from parity.session.failures import ERRORS
from parity.suite import Decode, Recipe, Runtime, RuntimeTable
from parity.suite.tolerance import BUILT_IN

CANVAS = np.full((8, 8, 3), 0.5, np.float32)
FACTORIES = {
    "weights": "net",
    "random": "net",
    "backbone": "backbone",
    "huge": "huge",
    "broken": "broken",
    "number": "number",
}
ADAPTERS = Path(parity.__file__).parent / "runtimes"


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One process for all rows: a file that crashes it fails every row after its own."""
    with Worker(Launch()) as started:
        yield started


def runtime(row: Row, path: Path, **more: object) -> Runtime:
    """The row's runtime; its torch factories stand beside the file."""
    name, _, trust = row.runtime.partition(", ")
    table: dict[str, object] = {"kind": name, "model": path.name, "trust": trust != ""}
    if trust in ("custom", "none"):
        (path.parent / "spoiled_layers.py").write_text(spoiled_models.LAYERS)
        function = "objects" if trust == "custom" else "nothing"
        table["options"] = {"custom_objects": f"spoiled_layers:{function}"}
    if name == "built":
        (path.parent / "spoiled_keras.py").write_text(spoiled_models.KERAS_NET)
        table.update(kind="keras", model="spoiled_keras:net", weights=path.name)
    if name in FACTORIES:
        (path.parent / "spoiled_nets.py").write_text(spoiled_models.NETS)
        table.update(kind="torch", model=f"spoiled_nets:{FACTORIES[name]}", layout="NCHW")
        if name != "random":
            table["weights"] = path.name
    return Runtime(
        name="bad",
        table=RuntimeTable(**{**table, **more}),
        tolerance=BUILT_IN["float32"],
        recipe=Recipe(size=(8, 8)),
        decode=Decode(function="none:none", score_threshold=0.5),
    )


def failure(asked: Runtime, folder: Path) -> RuntimeFailure:
    """What opening the runtime raises, or else running it once."""
    with pytest.raises(RuntimeFailure) as caught, Session(asked, folder) as session:
        session.run(CANVAS)
    return caught.value


def said(error: RuntimeFailure, path: Path) -> str:
    return str(error).replace(str(path), "<path>")


@pytest.mark.parametrize("where", ["here", "apart"])
@pytest.mark.parametrize("row", ROWS, ids=[row.id for row in ROWS])
def test_a_file_that_does_not_load(
    models: Path,
    tmp_path: Path,
    worker: Worker,
    monkeypatch: pytest.MonkeyPatch,
    row: Row,
    where: str,
) -> None:
    """The class of its cause, and one message: expected, found, where, what to do."""
    if where == "apart":

        def opener(asked: Runtime) -> object:
            return functools.partial(IsolatedAdapter, worker, asked.table.kind)

        monkeypatch.setattr("parity.session._opener", opener)
    path = row.make(models, tmp_path)
    error = failure(runtime(row, path), tmp_path)
    assert (type(error), said(error, path)) == (row.error, written_out(row.message))


def test_the_table_is_long_enough_and_knows_every_cause() -> None:
    """At least 60 files, and each class of a file that does not load among them."""
    assert len(ROWS) >= 60
    loaded = {error for error, _ in ERRORS.values() if issubclass(error, ArtifactError)}
    others = {errors.UntrustedError, errors.OutOfMemory, errors.InputError, errors.OptionError}
    assert {row.error for row in ROWS} == loaded | others


@pytest.mark.parametrize("id", ["IR version", "ONNX cut off", "ONNX without its weights"])
def test_isolated_runtimes_say_the_same(models: Path, tmp_path: Path, id: str) -> None:
    """As a suite asks for it: a process of its own, started for this one file."""
    (row,) = [row for row in ROWS if row.id == id]
    path = row.make(models, tmp_path)
    error = failure(runtime(row, path, isolated=True), tmp_path)
    assert (type(error), said(error, path)) == (row.error, written_out(row.message))


def test_every_code_of_an_adapter_is_in_the_table() -> None:
    """No failure of the built-in adapters is without a class and words."""
    raised = set(LOST)
    for path in ADAPTERS.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        raised |= set(re.findall(r'AdapterError\(\s*"([a-z-]+)"', text))
        raised |= set(re.findall(r'^        "([a-z]+(?:-[a-z]+)*)",$', text, re.M)) & set(ERRORS)
    assert raised <= set(ERRORS)
    assert {"damaged", "version", "not-registered", "untrusted"} <= raised


def test_no_class_stands_for_two_causes() -> None:
    """A class of a file's cause has one code, which is its own word for scripts."""
    for code, (error, _) in ERRORS.items():
        if issubclass(error, ArtifactError) and error is not ArtifactError:
            assert error.cause == code


def test_the_cause_is_data(models: Path, tmp_path: Path) -> None:
    """A script reads it in results.json: the class as kind, the code as cause."""
    (row,) = [row for row in ROWS if row.id == "pickle protocol of older weights"]
    error = failure(runtime(row, row.make(models, tmp_path)), tmp_path)
    found = json.loads(json.dumps(vars(Failure.of(error))))
    assert (found["kind"], found["cause"]) == ("UnsupportedVersion", "version")
    assert found["exit_code"] == 3


def test_callers_catch_causes_by_name() -> None:
    """The classes are the package's own names, and those of files are one family."""
    for name in ("DamagedFile", "UnsupportedVersion", "WeightsMismatch", "FlexMissing"):
        assert getattr(parity, name) is getattr(errors, name)
        assert issubclass(getattr(parity, name), parity.ArtifactError)
