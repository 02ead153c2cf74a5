"""Where "module:function" is looked for, and where never."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from parity.runtimes.contract import AdapterError
from parity.runtimes.shared.resolve import resolve, siblings


def write(folder: Path, **files: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return str(folder)


def reason(reference: str, folder: str | None) -> str:
    with pytest.raises(AdapterError) as caught:
        resolve(reference, folder)
    assert caught.value.code == "bad-reference"
    assert caught.value.facts["reference"] == reference
    return str(caught.value.facts["reason"])


def test_a_function_of_the_suites_folder(tmp_path: Path) -> None:
    """A module beside the suite is found by its plain name."""
    folder = write(tmp_path, net="def build():\n    return 7\n")
    assert resolve("net:build", folder)() == 7


def test_a_module_inside_a_package_of_the_folder(tmp_path: Path) -> None:
    """Dots name files in folders, with or without __init__.py."""
    write(tmp_path / "models", net="def build():\n    return 8\n")
    assert resolve("models.net:build", str(tmp_path))() == 8


def test_a_method_of_a_class(tmp_path: Path) -> None:
    """Dots behind the colon name attributes."""
    folder = write(
        tmp_path, net="class Net:\n    @staticmethod\n    def tiny():\n        return 9\n"
    )
    assert resolve("net:Net.tiny", folder)() == 9


def test_siblings_are_importable_while_the_module_is_imported(tmp_path: Path) -> None:
    """net.py may import heads.py by its plain name."""
    folder = write(
        tmp_path, net="import heads\nbuild = heads.build", heads="def build():\n    return 1"
    )
    assert resolve("net:build", folder)() == 1


def test_siblings_are_not_importable_afterwards(tmp_path: Path) -> None:
    """The folder leaves no plain name and no path entry behind."""
    folder = write(tmp_path, odd_net="import odd_heads\nbuild = len", odd_heads="")
    before = list(sys.path), list(sys.meta_path)
    resolve("odd_net:build", folder)
    assert (list(sys.path), list(sys.meta_path)) == before
    assert not {"odd_heads", "odd_net"} & set(sys.modules)
    with pytest.raises(ModuleNotFoundError):
        __import__("odd_heads")


def test_a_late_import_works_inside_siblings(tmp_path: Path) -> None:
    """A function that imports a sibling when it is called works inside siblings(folder)."""
    code = "def build():\n    import late_heads\n    return late_heads.number\n"
    folder = write(tmp_path, net=code, late_heads="number = 5")
    build = resolve("net:build", folder)
    with pytest.raises(ModuleNotFoundError):
        build()
    with siblings(folder):
        assert build() == 5


def test_each_module_exists_once(tmp_path: Path) -> None:
    """A sibling imports the very module that was asked for, so classes stay the same."""
    folder = write(
        tmp_path,
        net="class Net:\n    pass\ndef same():\n    import checks\n    return checks.Net is Net\n",
        checks="from net import Net",
    )
    same = resolve("net:same", folder)
    with siblings(folder):
        assert same()


def test_two_suites_with_equal_module_names_do_not_collide(tmp_path: Path) -> None:
    """Each suite keeps its own net.py and its own heads.py."""
    one = write(
        tmp_path / "one", net="import heads\ndef build():\n    return heads.n", heads="n = 1"
    )
    two = write(
        tmp_path / "two", net="import heads\ndef build():\n    return heads.n", heads="n = 2"
    )
    first, second = resolve("net:build", one), resolve("net:build", two)
    assert (first(), second()) == (1, 2)
    assert resolve("net:build", one) is first


def test_a_loaded_module_of_the_same_name_is_neither_used_nor_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else's "heads" in sys.modules is put aside, then put back."""
    foreign = object()
    monkeypatch.setitem(sys.modules, "heads", foreign)
    folder = write(tmp_path, net="import heads\ndef build():\n    return heads.n", heads="n = 3")
    assert resolve("net:build", folder)() == 3
    assert sys.modules["heads"] is foreign


def test_a_file_named_like_a_framework_still_reaches_the_framework(tmp_path: Path) -> None:
    """numpy.py in the suite's folder can be named, and does not hide numpy."""
    folder = write(tmp_path, numpy="import numpy\ndef build():\n    return numpy.float32(2)")
    assert resolve("numpy:build", folder)() == 2


def test_nothing_is_written_into_the_folder(tmp_path: Path) -> None:
    """No __pycache__ appears in the user's suite."""
    folder = write(tmp_path, net="import heads\nbuild = len", heads="")
    resolve("net:build", folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["heads.py", "net.py"]


def test_an_installed_package_is_found(tmp_path: Path) -> None:
    """What pip installed may be named too."""
    assert resolve("numpy.linalg:norm", str(tmp_path))([3, 4]) == 5
    assert resolve("numpy.linalg:norm", None)([3, 4]) == 5


@pytest.mark.parametrize("reference", ["os:system", "subprocess:run", "builtins:eval"])
def test_the_standard_library_is_no_model(reference: str, tmp_path: Path) -> None:
    """os:system and the like never resolve."""
    name = reference.split(":")[0]
    assert reason(reference, str(tmp_path)) == (
        f"there is no module {name!r}, neither in the suite's folder nor among installed packages"
    )


def test_the_working_directory_is_never_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module in the current directory or elsewhere on sys.path is not found, and not run."""
    elsewhere = write(tmp_path / "cwd", stray="open('ran', 'w')\nbuild = len")
    monkeypatch.chdir(elsewhere)
    monkeypatch.syspath_prepend(elsewhere)
    suite = write(tmp_path / "suite")
    assert reason("stray:build", suite) == (
        "there is no module 'stray', neither in the suite's folder nor among installed packages"
    )
    assert not (tmp_path / "cwd" / "ran").exists()


def test_a_hidden_installed_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where another module hides an installed one, neither is guessed, and neither is run."""
    elsewhere = write(tmp_path / "cwd", tf2onnx="open('ran', 'w')\nbuild = len")
    pytest.importorskip("tf2onnx")
    for name in [name for name in sys.modules if name.partition(".")[0] == "tf2onnx"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(elsewhere)
    hidden = (tmp_path / "cwd" / "tf2onnx.py").resolve()
    assert reason("tf2onnx:build", None) == f"{hidden} hides the installed module tf2onnx"
    assert not Path("ran").exists()


@pytest.mark.parametrize(
    "reference", ["net", "net:", ":build", "net.py:build", "../net:build", "a/b:c", "net:b c", ""]
)
def test_a_wrong_syntax_is_named(reference: str, tmp_path: Path) -> None:
    """Anything else than module:function is refused before any file is looked at."""
    (tmp_path / "net.py").write_text("build = len")
    found = reason(reference, str(tmp_path))
    if reference == "net.py:build":  # reads as the module "py" in the package "net"
        assert found.startswith("there is no module 'net.py'")
    else:
        assert found == 'it must look like "module:function"'


def test_a_missing_module_lists_near_names(tmp_path: Path) -> None:
    """A typing error in the module's name shows what is there."""
    folder = write(tmp_path, detector="build = len")
    assert reason("detectr:build", folder).endswith("among installed packages; near: detector")


def test_a_missing_function_lists_near_names(tmp_path: Path) -> None:
    """A typing error in the function's name shows what is there."""
    folder = write(tmp_path, net="def build_net():\n    pass\n")
    assert reason("net:buld_net", folder) == "module 'net' has no 'buld_net'; near: build_net"


def test_something_not_callable_is_refused(tmp_path: Path) -> None:
    """A number is no factory."""
    folder = write(tmp_path, net="build = 3")
    assert reason("net:build", folder) == "it is of type int, not callable"


def test_an_error_inside_the_module_is_shown(tmp_path: Path) -> None:
    """What the user's own module raised is the reason."""
    folder = write(tmp_path, net="import no_such_thing_at_all")
    assert reason("net:build", folder) == (
        "importing net.py raised ModuleNotFoundError: No module named 'no_such_thing_at_all'; "
        "install what has no_such_thing_at_all, or put no_such_thing_at_all.py into the suite's "
        "folder"
    )


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A symbolic link to a module elsewhere does not bring it in."""
    write(tmp_path / "elsewhere", net="build = len")
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "net.py").symlink_to(tmp_path / "elsewhere" / "net.py")
    expected = f"{suite / 'net.py'} lies outside of the suite's folder"
    assert reason("net:build", str(suite)) == expected
