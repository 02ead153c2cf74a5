"""What lies in the cache: believed where it is this user's and what was asked; listed, removed."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from quick_environments import quickly, silent

from parity import environments
from parity.cli import main
from parity.environments import Environment, Request, cache, locking
from parity.environments.request import Unavailable

VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
OTHER = f"{sys.version_info.major}.{sys.version_info.minor + 1}"


@pytest.fixture(autouse=True)
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, in which builds are quick."""
    monkeypatch.setenv("PARITY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "build", quickly)
    return tmp_path / "cache" / "environments"


@pytest.fixture
def own() -> Environment:
    """One that is there."""
    return environments.ensure(Request((), VERSION), silent)


def of_another_request(own: Environment) -> None:
    facts = own.folder / "parity-environment.json"
    facts.write_text(json.dumps({**json.loads(facts.read_text()), "requires": ["numpy==1.0"]}))


def without_facts(own: Environment) -> None:
    (own.folder / "parity-environment.json").unlink()


def with_damaged_facts(own: Environment) -> None:
    (own.folder / "parity-environment.json").write_text("[]")


def without_a_python(own: Environment) -> None:
    own.python.unlink()
    own.python.symlink_to("/no/python")


def with_a_file_that_is_no_program(own: Environment) -> None:
    own.python.unlink()
    own.python.write_text("no program")
    own.python.chmod(0o755)


def with_another_python(own: Environment) -> None:
    own.python.unlink()
    own.python.write_text(f"#!/bin/sh\necho {OTHER}.1; echo /bin/python\n")
    own.python.chmod(0o755)


@pytest.mark.parametrize(
    ("spoil", "state"),
    [
        (of_another_request, f"it was built for something else (Python {VERSION} with numpy==1.0)"),
        (without_facts, "it is half built, or half removed"),
        (with_damaged_facts, "what it says of itself cannot be read"),
        (without_a_python, "its Python is gone, or does not start"),
        (with_a_file_that_is_no_program, "its Python is gone, or does not start"),
        (with_another_python, f"its Python is {OTHER}.1 now"),
    ],
)
def test_what_is_not_as_it_was_built_is_built_again(
    own: Environment,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Environment], None],
    state: str,
) -> None:
    """And it is listed until then, with its state."""
    spoil(own)
    assert main(["env", "list"]) == 0
    assert re.search(rf"{own.name} .* broken: {re.escape(state)}\n", capsys.readouterr().out)
    told: list[str] = []
    assert environments.ensure(own.request, told.append) == environments.listed()[0]
    assert told[1] == "Collecting something"


def test_what_others_may_write_is_not_used(own: Environment) -> None:
    """Somebody else may have put something there: it is neither run nor removed."""
    own.folder.chmod(0o777)
    with pytest.raises(Unavailable) as caught:
        environments.ensure(own.request, silent)
    assert str(caught.value) == (
        f"expected an environment that is this user's alone in {own.folder}, found that others may "
        f"write in it; remove it, or set PARITY_CACHE to a folder of your own"
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder to another user")
def test_what_another_user_has_built_is_not_used(own: Environment) -> None:
    """Nothing in it is run."""
    os.chown(own.folder, 65534, 65534)
    with pytest.raises(Unavailable, match=r"found that it belongs to another user \(65534\); "):
        environments.ensure(own.request, silent)


def test_who_waits_for_a_build_is_told_so(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second."""
    monkeypatch.setattr(locking, "_SOON", 0.05)
    request = Request((), VERSION)
    told: list[str] = []
    waiting = threading.Thread(target=environments.ensure, args=(request, told.append))
    with locking.locked(kept, request.key, lambda: None):
        waiting.start()
        while not told:
            threading.Event().wait(0.01)
    waiting.join()
    assert told[0] == f"waiting for another parity that builds it: {request}"
    assert told[1] == f"building an environment: {request}"


def test_they_are_listed_and_removed(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """parity env list and remove, by name or all."""
    assert main(["env", "list"]) == 0
    assert capsys.readouterr().out == f"no environments in {kept}\n"
    first = environments.ensure(Request.of(("onnxruntime==1.20",), VERSION), silent)
    second = environments.ensure(Request.of((), VERSION), silent)
    assert main(["env", "list"]) == 0
    out = capsys.readouterr().out
    assert first.name in out
    assert f"{VERSION}    onnxruntime==1.20, numpy" in out
    assert main(["env", "remove", first.name[:6]]) == 0
    assert capsys.readouterr().out == f"removed {first.name}\n"
    assert [one.name for one in environments.listed()] == [second.name]
    assert main(["env", "remove", "nothing"]) == 2
    assert "expected the name of one environment" in capsys.readouterr().err
    assert main(["env", "remove"]) == 2
    capsys.readouterr()
    assert main(["env", "remove", "--all"]) == 0
    assert list(kept.iterdir()) == []


def test_what_nobody_uses_is_removed_with_all(
    kept: Path, own: Environment, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is broken, what an interrupted build has left, and locks of builds that failed."""
    without_facts(own)
    (kept / ".building-0123456789abcdef-killed" / "lib").mkdir(parents=True)
    (kept / "fedcba9876543210.lock").touch()
    assert main(["env", "list"]) == 0
    assert re.search(r"0123456789abcdef .* left half-built\n", capsys.readouterr().out)
    assert main(["env", "remove", "--all"]) == 0
    assert capsys.readouterr().out == f"removed {own.name}\nremoved 0123456789abcdef\n"
    assert list(kept.iterdir()) == []


def test_what_is_being_built_stays(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another parity has its lock."""
    folder = kept / ".building-0123456789abcdef-now"
    folder.mkdir(parents=True)
    with locking.locked(kept, "0123456789abcdef", lambda: None):
        assert main(["env", "list"]) == 0
        assert re.search(r"0123456789abcdef .* being built\n", capsys.readouterr().out)
        assert main(["env", "remove", "--all"]) == 0
    assert capsys.readouterr().out == "kept 0123456789abcdef: another parity is building it\n"
    assert folder.exists()


def test_what_cannot_be_removed_keeps_none_of_the_others(
    kept: Path,
    own: Environment,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It is said, and by its name it is an error."""
    other = environments.ensure(Request.of((), VERSION), silent)
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path == other.folder:
            raise PermissionError(13, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    assert main(["env", "remove", "--all"]) == 0
    assert capsys.readouterr().out == (
        f"kept {other.name}: {other.folder} cannot be removed: Permission denied\n"
        f"removed {own.name}\n"
    )
    assert main(["env", "remove", other.name]) == 2
    assert capsys.readouterr().err == (
        f"error: {other.folder} cannot be removed: Permission denied\n"
    )


def test_a_lock_that_cannot_be_had_is_said(kept: Path) -> None:
    """Where a folder has its name, or the cache was mounted to be read only."""
    request = Request((), VERSION)
    (kept / f"{request.key}.lock").mkdir(parents=True)
    with pytest.raises(Unavailable) as caught:
        environments.ensure(request, silent)
    assert str(caught.value) == (
        f"environments cannot be kept in {kept}: Is a directory; set PARITY_CACHE to a folder "
        f"that can be written"
    )
