"""PyTorch modules that lose something when they are saved, and modules that do not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from roundtrip_suites import (
    TORCH,
    lost,
    module_of,
    outcomes,
    torch_code,
    torch_save,
    torch_suite,
    tripped,
    write_suite,
)

pytest.importorskip("torch")

ALL = (
    "state dict",
    "safetensors",
    "pickle",
    "TorchScript (script)",
    "TorchScript (trace)",
    "pt2",
)
TABLE = """
    class Table(Net):
        def __init__(self):
            super().__init__()
            {keep}

        def middle(self, x):
            return x * self.table


    def build():
        return Table()
"""
RANDOM = "torch.rand(6, 1, 1)"
EXPORTS = """
    [runtimes.script]
    kind = "torch"
    model = "net.pt"
    layout = "NCHW"
    [runtimes.program]
    kind = "torch"
    model = "net.pt2"
    layout = "NCHW"
"""


def pickled(folder: Path, training: bool) -> Path:
    """A suite of a whole pickled module that was saved in either mode."""
    torch_code(folder)
    torch_save(folder, lambda module: module.train(training), "net.pkl")
    tables = 'kind = "torch"\nmodel = "net.pkl"\nlayout = "NCHW"\ntrust = true\n'
    return write_suite(folder, tables, TORCH + "\n\ndef build():\n    return Net()\n")


def exported(folder: Path, training: bool) -> Path:
    """A suite whose TorchScript and ``.pt2`` were captured in either mode."""
    import torch

    torch_suite(folder, more=EXPORTS)
    module: Any = module_of(folder).train(training)
    image = (torch.rand(1, 3, 8, 8),)
    torch.jit.save(torch.jit.trace(module, image, check_trace=False), str(folder / "net.pt"))
    torch.export.save(torch.export.export(module, image), str(folder / "net.pt2"))
    return folder


@pytest.fixture
def without_safetensors(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment in which safetensors is not installed."""
    import importlib.util

    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *rest: None if name == "safetensors" else found(name, *rest),
    )


@pytest.mark.usefixtures("without_safetensors")
def test_a_module_of_parameters_and_buffers_loses_nothing(tmp_path: Path) -> None:
    """Each format is tried that needs no trust and whose library is there."""
    model = tripped(torch_suite(tmp_path))
    assert outcomes(model) == {
        form: "not tried" if form in ("safetensors", "pickle") else "kept" for form in ALL
    }
    assert {trip.format: trip.reason for trip in model.trips if trip.reason} == {
        "safetensors": "safetensors is not installed; install it with: pip install safetensors",
        "pickle": "whoever reads it runs its code: say trust = true under [runtimes.native] to "
        "try it",
    }
    assert model.verdict == "pass"


def test_a_trusted_pickle_is_tried_and_has_no_factory(tmp_path: Path) -> None:
    """A pickled module that was saved in evaluation mode loses nothing."""
    model = tripped(pickled(tmp_path, training=False))
    assert outcomes(model)["pickle"] == "kept"
    (state,) = (trip for trip in model.trips if trip.format == "state dict")
    assert (state.outcome, state.reason) == (
        "not tried",
        "the suite names no factory to build a fresh module: say model = 'module:function' with "
        "weights",
    )
    assert model.verdict == "pass"


def test_a_plain_tensor_is_lost_with_the_state_dict(tmp_path: Path) -> None:
    """The factory makes other numbers for it; captures keep it as a constant."""
    model = tripped(torch_suite(tmp_path, TABLE.format(keep=f"self.table = {RANDOM}")))
    assert lost(model) == {
        "state dict": [
            "untracked tensor 'table' of the module (Table): float32 6x1x1 in a plain attribute is "
            "not saved, and came back with other values; make it a parameter, or a buffer with "
            "register_buffer()"
        ]
    }
    assert model.verdict == "fail"


def test_a_buffer_that_is_not_persistent_is_lost_with_the_state_dict(tmp_path: Path) -> None:
    """It is told apart from a plain tensor, as its remedy is another one."""
    keep = f"self.register_buffer('table', {RANDOM}, persistent=False)"
    model = tripped(torch_suite(tmp_path, TABLE.format(keep=keep)))
    assert lost(model) == {
        "state dict": [
            "untracked buffer 'table' of the module (Table): float32 6x1x1 is registered with "
            "persistent=False, so it is not saved, and came back with other values; register it "
            "without that"
        ]
    }


def test_a_buffer_that_the_factory_makes_again_is_no_loss(tmp_path: Path) -> None:
    """Grids and priors are often not persistent, and the same in every module."""
    keep = "self.register_buffer('table', torch.full((6, 1, 1), 0.5), persistent=False)"
    model = tripped(torch_suite(tmp_path, TABLE.format(keep=keep)))
    assert outcomes(model)["state dict"] == "kept"
    assert model.verdict == "pass"


def test_batchnorm_in_training_mode_is_seen_by_what_it_changes(tmp_path: Path) -> None:
    """eval() does not reach a functional batch norm; nothing can be compared with its outputs."""
    code = """
        class Moving(Net):
            def middle(self, x):
                running = self.norm.running_mean, self.norm.running_var
                return nn.functional.batch_norm(x, *running, training=True)


        def build():
            return Moving()
    """
    model = tripped(torch_suite(tmp_path, code))
    assert lost(model)[""] == [
        "BatchNorm in training mode: 2 weights changed while the model ran, though eval() was "
        "called: norm.running_mean, norm.running_var; outputs depend on the batch's own statistics"
    ]


def test_a_module_that_comes_back_in_training_mode_is_told_from_lost_weights(
    tmp_path: Path,
) -> None:
    """Same weights, other outputs: they are those of the original in training mode."""
    code = """
        class Stubborn(Net):
            loaded = False

            def load_state_dict(self, state, strict=True):
                found = super().load_state_dict(state, strict)
                self.norm.train(self.loaded)
                self.loaded = True
                return found


        def build():
            return Stubborn()
    """
    assert lost(tripped(torch_suite(tmp_path, code)))["state dict"] == [
        "BatchNorm in training mode: head '0' is what the original gives in training mode, "
        "normalised by the batch's own statistics; call eval() before it is saved"
    ]


def test_a_file_that_was_saved_in_training_mode_is_named(tmp_path: Path) -> None:
    """parity calls eval(); whoever loads the file elsewhere may not."""
    assert lost(tripped(pickled(tmp_path, training=True))) == {
        "": [
            "BatchNorm in training mode: net.pkl of native was saved in it (1 layer), so it "
            "normalises by the batch's own statistics wherever eval() is not called; call eval() "
            "before it is saved"
        ]
    }


def test_exports_that_were_captured_in_training_mode_are_named(tmp_path: Path) -> None:
    """The mode is a constant of their graphs."""
    said = (
        "BatchNorm in training mode: {} was captured in it (1 layer), so it normalises by the "
        "batch's own statistics and eval() does not change that; call eval() before it is traced "
        "or exported"
    )
    model = tripped(exported(tmp_path, training=True))
    assert lost(model) == {"": [said.format("net.pt of script"), said.format("net.pt2 of program")]}


def test_exports_that_were_captured_in_evaluation_mode_are_no_finding(tmp_path: Path) -> None:
    """The same files, captured after eval()."""
    assert tripped(exported(tmp_path, training=False)).verdict == "pass"


def test_a_trace_that_keeps_one_branch_is_named(tmp_path: Path) -> None:
    """It holds for the image with which it was captured; the compilers refuse, which is no loss."""
    code = """
        class Branching(Net):
            def forward(self, image):
                boxes, scores = super().forward(image)
                return boxes, scores * 0.5 if bool(image[0, 0, 0, 0] > 0.5) else scores


        def build():
            return Branching()
    """
    model = tripped(torch_suite(tmp_path, code))
    assert {form: outcomes(model)[form] for form in (ALL[3], ALL[5])} == {
        ALL[3]: "not saved",
        ALL[5]: "not saved",
    }
    ((said,),) = lost(model).values()
    assert said.startswith(
        "head '1' is the same on images/000.png, with which it was captured, and differs by up to "
    )
    assert said.endswith(
        " on images/001.png: forward takes another path there, and a capture keeps one; use "
        "torch.where, torch.cond or TorchScript (script)"
    )
