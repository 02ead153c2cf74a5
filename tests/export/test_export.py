"""The orchestration: order, targets, notes, and every way in which a suite can be wrong."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from textwrap import indent

import pytest

from parity.errors import ArtifactError, ExportError, SuiteError, UsageError
from parity.export import export
from parity.files import digest
from tests.export.conftest import Tiny

TORCH = """
[runtimes.torch]
kind = "torch"
model = "net:build"
weights = "net.pth"
layout = "NCHW"
"""
KERAS = """
[runtimes.keras]
kind = "keras"
model = "net.keras"
"""


def copy(name: str, source: str) -> str:
    """A runtime whose weights are copied from another's."""
    return (
        f'\n[runtimes.{name}]\nkind = "torch"\nmodel = "net:build"\nweights = "{name}.pth"\n'
        f'layout = "NCHW"\n'
        f'export = {{ method = "function", function = "net:carry", from = "{source}" }}\n'
    )


def onnx(export_table: str) -> str:
    return f'\n[runtimes.onnx]\nkind = "onnxruntime"\nmodel = "net.onnx"\nexport = {export_table}\n'


def int8(representative: str) -> str:
    return (
        '\n[runtimes.int8]\nkind = "tflite"\nmodel = "int8.tflite"\n'
        f'export = {{ method = "tflite-int8", representative = "{representative}" }}\n'
    )


def problems(tiny: Tiny, *lines: str) -> str:
    """The whole message of a ``SuiteError`` with these lines."""
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return f"{tiny.folder / 'parity.toml'}: {count}\n" + indent("\n".join(lines), "  ")


def message(tiny: Tiny, kind: type[Exception] = SuiteError) -> str:
    with pytest.raises(kind) as caught:
        export(tiny.folder)
    return str(caught.value)


def test_sources_are_made_before_what_is_made_from_them(tiny: Tiny) -> None:
    """The order is that of need; what needs nothing comes in the order of the file."""
    tiny.write(TORCH + copy("c", "b") + copy("a", "torch") + copy("b", "a"))
    said: list[tuple[str, int, int]] = []
    done = export(tiny.folder, progress=lambda *step: said.append(step))
    assert [one.runtime for one in done] == ["a", "b", "c"]
    assert said == [
        ("exporting a", 0, 3),
        ("exporting b", 1, 3),
        ("exporting c", 2, 3),
        ("exported", 3, 3),
    ]
    weights = (tiny.folder / "net.pth").read_bytes()
    assert (tiny.folder / "c.pth").read_bytes() == weights


def test_what_was_written_is_told(tiny: Tiny) -> None:
    """Path, size, SHA-256, method and the seconds it took."""
    tiny.write(TORCH + copy("a", "torch"))
    (one,) = export(tiny.folder)
    assert (one.runtime, one.method, one.notes) == ("a", "function", ())
    assert one.path == tiny.folder / "a.pth"
    assert (one.sha256, one.bytes) == digest(tiny.folder / "net.pth")
    assert one.seconds > 0


def test_another_folder_gets_the_same_relative_paths(tiny: Tiny, tmp_path: Path) -> None:
    """With ``out`` the suite's own files stay as they are, and chains read from ``out``."""
    tiny.write(TORCH + copy("a", "torch") + copy("b", "a"))
    (tiny.folder / "a.pth").write_bytes(b"old")
    out = tmp_path / "out" / "deep"
    done = export(tiny.folder, out=out)
    assert [one.path for one in done] == [out / "a.pth", out / "b.pth"]
    assert (tiny.folder / "a.pth").read_bytes() == b"old"
    assert not (tiny.folder / "b.pth").exists()
    assert (out / "b.pth").read_bytes() == (tiny.folder / "net.pth").read_bytes()


def test_only_the_runtimes_asked_for_are_exported(tiny: Tiny) -> None:
    """A source that is not asked for is read where it is."""
    tiny.write(TORCH + copy("a", "torch") + copy("b", "a"))
    (tiny.folder / "a.pth").write_bytes(b"old")
    export(tiny.folder, ("b",))
    assert (tiny.folder / "b.pth").read_bytes() == b"old"


def test_a_runtime_without_a_table_cannot_be_asked_for(tiny: Tiny) -> None:
    """The message lists those that can."""
    path = tiny.write(TORCH + copy("a", "torch"))
    with pytest.raises(UsageError) as caught:
        export(tiny.folder, ("torch",))
    assert str(caught.value) == f"{path}: expected runtimes with an export table (a), found 'torch'"


def test_a_failed_export_leaves_the_old_file_and_nothing_else(tiny: Tiny) -> None:
    """Artifacts are replaced whole or not at all."""
    tiny.write(TORCH + copy("a", "torch").replace("net:carry", "net:raises"))
    (tiny.folder / "a.pth").write_bytes(b"old")
    before = sorted(tiny.folder.iterdir())
    assert message(tiny, ExportError) == (
        "a: expected method = 'function' to convert torch, found TypeError: raises() takes 0 "
        "positional arguments but 2 were given"
    )
    assert sorted(tiny.folder.iterdir()) == before
    assert (tiny.folder / "a.pth").read_bytes() == b"old"


def test_a_folder_is_replaced_whole(tiny: Tiny) -> None:
    """Nothing of an older SavedModel is left in the new one."""
    tiny.write(
        KERAS
        + '[runtimes.saved]\nkind = "savedmodel"\nmodel = "s"\nexport = { method = "savedmodel" }',
        reference="keras",
    )
    (tiny.folder / "s").mkdir()
    (tiny.folder / "s" / "old.txt").write_text("old")
    (one,) = export(tiny.folder)
    assert (tiny.folder / "s" / "saved_model.pb").is_file()
    assert not (tiny.folder / "s" / "old.txt").exists()
    assert one.bytes == digest(tiny.folder / "s")[1]


def test_few_representative_images_are_remarked_on(tiny: Tiny) -> None:
    """The export stands, with a note; a hundred images pass without one."""
    tiny.write(KERAS + int8("images/*.png"), reference="keras")
    (few,) = export(tiny.folder)
    assert few.notes == (
        "calibrated on 2 representative images: ranges that are found on fewer than 100 clip what "
        "they have not seen",
    )
    tiny.write(KERAS + int8("net:images"), reference="keras")
    (enough,) = export(tiny.folder)
    assert enough.notes == ()


def test_a_cycle_is_found_before_anything_is_written(tiny: Tiny) -> None:
    """The whole cycle is named."""
    tiny.write(TORCH + copy("a", "c") + copy("b", "a") + copy("c", "b"))
    assert message(tiny) == problems(
        tiny,
        "runtimes.a.export.from: expected a source that is not made from the runtime itself, "
        "found the cycle a from c from b from a",
    )


def test_the_reference_cannot_be_made_from_itself(tiny: Tiny) -> None:
    """Without ``from`` the reference would be its own source."""
    tiny.write(copy("torch", "torch"))
    assert message(tiny) == problems(
        tiny,
        "runtimes.torch.export.from: expected a source that is not made from the runtime itself, "
        "found the cycle torch from torch",
    )


def test_a_source_without_a_file_is_told_with_all_other_problems(tiny: Tiny) -> None:
    """Every problem at once; a source that could be exported too is said to be."""
    tiny.write(
        TORCH.replace("net.pth", "gone.pth")
        + copy("a", "torch")
        + copy("b", "a")
        + onnx('{ method = "tflite", opset = 13, function = "net:carry" }')
    )
    with pytest.raises(SuiteError) as caught:
        export(tiny.folder, ("b", "onnx"))
    assert str(caught.value) == problems(
        tiny,
        "runtimes.onnx.export.method: expected one of tf2onnx, torch-onnx, onnxruntime-int8, "
        "function for kind = 'onnxruntime', found 'tflite'",
        "runtimes.onnx.export.from: expected a runtime of kind keras or savedmodel for "
        "method = 'tflite', found 'torch' of kind 'torch'",
        "runtimes.onnx.export.opset: expected only with method = 'tf2onnx' or 'torch-onnx' or "
        "'onnxruntime-int8', found with 'tflite'",
        "runtimes.onnx.export.function: expected only with method = 'function', found with "
        "'tflite'",
        f"runtimes.b.export.from: expected the model file of 'a' at {tiny.folder / 'a.pth'}, "
        "found nothing; export it too",
        "runtimes.onnx.export.from: expected the model file of 'torch' at "
        f"{tiny.folder / 'gone.pth'}, found nothing",
    )


@pytest.mark.parametrize("key", ['requires = ["tensorflow==2.7"]', 'python = "3.9"'])
def test_a_source_in_an_environment_of_its_own_is_refused(tiny: Tiny, key: str) -> None:
    """Exporters run here: the file would come from other versions than the suite names."""
    tiny.write(KERAS + key + "\n" + int8("net:images"), reference="keras")
    assert message(tiny) == problems(
        tiny,
        "runtimes.int8.export.from: expected a runtime without requires or python, found 'keras': "
        "exporters run in the Python that runs parity, with its versions of libraries. Name a "
        "runtime of the same model that has no environment of its own, or export the file with the "
        "versions of that environment and leave export out",
    )


@pytest.mark.parametrize("target", ["../a.pth", "/elsewhere/a.pth"])
def test_nothing_is_written_outside_of_the_suite(tiny: Tiny, target: str) -> None:
    """A target must be a file below the suite's folder."""
    tiny.write(TORCH + copy("a", "torch").replace("a.pth", target))
    assert message(tiny) == problems(
        tiny,
        "runtimes.a.weights: expected a file inside the suite's folder to export to, "
        f"found '{target}'",
    )


def test_two_runtimes_cannot_export_to_one_file(tiny: Tiny) -> None:
    """The second would overwrite the first."""
    tiny.write(TORCH + copy("a", "torch") + copy("b", "torch").replace("b.pth", "a.pth"))
    assert message(tiny) == problems(
        tiny,
        "runtimes.b.model: expected a file of its own to export to, found 'a.pth', which "
        "runtimes.a exports to",
    )


@pytest.mark.parametrize(
    ("method", "source", "module", "extra"),
    [
        ("tf2onnx", "keras", "tf2onnx", "export"),
        ("torch-onnx", "torch", "onnxscript", "export"),
        ("torch-onnx", "torch", "onnx", "export"),
    ],
)
def test_a_missing_exporter_names_what_to_install(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, method: str, source: str, module: str, extra: str
) -> None:
    """It is told before anything is written."""
    tiny.write(
        TORCH + KERAS + copy("a", "torch") + onnx(f'{{ method="{method}", from="{source}" }}')
    )
    monkeypatch.setitem(sys.modules, module, None)
    assert message(tiny, ExportError) == (
        f"onnx: expected {module} for method = '{method}', found that it is not installed; "
        f"install it with: pip install 'detector-parity[{extra}]'"
    )
    assert not (tiny.folder / "a.pth").exists()


@pytest.mark.parametrize(
    ("method", "exporter", "opset", "newest"),
    [("tf2onnx", "tf2onnx", 19, 18), ("torch-onnx", "torch.onnx", 999, None)],
)
def test_an_operator_set_that_does_not_exist_is_refused(
    tiny: Tiny, method: str, exporter: str, opset: int, newest: int | None
) -> None:
    """The range that the exporter can write is named."""
    import onnx as library

    source = "keras" if method == "tf2onnx" else "torch"
    newest = newest or library.defs.onnx_opset_version()
    tiny.write(TORCH + KERAS + onnx(f'{{ method="{method}", from="{source}", opset={opset} }}'))
    assert message(tiny) == problems(
        tiny,
        f"runtimes.onnx.export.opset: expected 7 to {newest}, which {exporter} can write, "
        f"found {opset}",
    )


@pytest.mark.parametrize(
    ("representative", "problem"),
    [
        ("net:image", "expected 'module:function', found 'net:image': module 'net' has no 'image'"),
        (
            "net:number",
            "expected 'module:function', found 'net:number': it is of type int, not callable",
        ),
        (
            "net:greys",
            "expected RGB images (H, W, 3) of uint8 from net:greys, found uint8 (20, 30) (image 0)",
        ),
        ("net:raises", "expected images from net:raises, found RuntimeError: no camera here"),
        ("net:nothing", "expected images, found none"),
        (
            "none/*.png",
            "expected 'module:function' or files that match 'none/*.png', found none in",
        ),
    ],
)
def test_a_bad_source_of_representative_images_is_explained(
    tiny: Tiny, representative: str, problem: str
) -> None:
    """Key path, what was expected and what was found."""
    tiny.write(KERAS + int8(representative), reference="keras")
    begin = problems(tiny, f"runtimes.int8.export.representative: {problem}")
    assert message(tiny).startswith(begin)
    assert not (tiny.folder / "int8.tflite").exists()


def test_a_source_that_does_not_open_is_told_as_anywhere_else(tiny: Tiny) -> None:
    """The adapter's own words, exit code 3."""
    tiny.write(KERAS + int8("net:images"), reference="keras")
    (tiny.folder / "net.keras").write_bytes(b"no model")
    with pytest.raises(ArtifactError) as caught:
        export(tiny.folder)
    assert str(caught.value).startswith("keras: expected a Keras model (.keras or .h5) at ")
    assert caught.value.exit_code == 3


def test_exporters_are_quiet(tiny: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing reaches standard output or error, not even from native code."""
    tiny.write(TORCH + onnx('{ method = "torch-onnx" }'))
    export(tiny.folder)
    assert capfd.readouterr() == ("", "")


def test_a_place_that_cannot_be_written_is_told(tiny: Tiny) -> None:
    """A file where a folder is needed, in words and with the place."""
    tiny.write(TORCH + copy("a", "torch"))
    (tiny.folder / "out").write_text("mine")
    with pytest.raises(ExportError) as caught:
        export(tiny.folder, out=tiny.folder / "out" / "deep")
    assert str(caught.value) == (
        f"a: expected a place that can be written at {tiny.folder}/out/deep/a.pth, found not a "
        f"directory; what stood there stands as it was"
    )
    assert (tiny.folder / "out").read_text() == "mine"


def test_an_exporter_that_meets_a_full_disk_is_told_without_numbers(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's words are enough."""
    tiny.write(TORCH + copy("a", "torch"))

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("shutil.copyfile", full)
    told = message(tiny, ExportError)
    assert "OSError: No space left on device" in told
    assert "Errno" not in told
    assert not (tiny.folder / "a.pth").exists()
