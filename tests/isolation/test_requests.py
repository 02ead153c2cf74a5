"""What is asked of an environment: markers, names and files decide which one it is."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from parity.environments.request import Request, Unavailable


def wheel(path: Path, content: str) -> Path:
    """A file that is called a wheel."""
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("module.py", content)
    return path


def test_a_requirement_for_another_python_does_not_count() -> None:
    """numpy for Python 3.8 only leaves a later one without numpy."""
    only = "numpy<2; python_version<'3.9'"
    assert Request.of((only,), "3.8").requires == (only,)
    assert Request.of((only,), "3.8.18").requires == (only,)
    assert Request.of((only,), "3.11").requires == (only, "numpy")


@pytest.mark.parametrize("form", ["{path}", "numpy @ {uri}", "numpy @ {uri}#sha256=0"])
def test_a_wheel_that_was_built_anew_is_another_request(tmp_path: Path, form: str) -> None:
    """Its content counts, beside its path; its name says which package it is."""
    path = wheel(tmp_path / "numpy-1.0-py3-none-any.whl", "first")
    text = form.format(path=path, uri=path.as_uri())
    first = Request.of((text,), None)
    assert first.requires == (text,)
    assert Request.of((text,), None).key == first.key
    wheel(path, "second")
    assert Request.of((text,), None).key != first.key


def test_a_folder_is_no_wheel(tmp_path: Path) -> None:
    """What it holds may change with every edit."""
    with pytest.raises(Unavailable) as caught:
        Request.of((f"mine @ {tmp_path.as_uri()}",), None)
    assert str(caught.value) == (
        f"expected a wheel or a source archive at {tmp_path}, which requires names, found a folder"
    )
