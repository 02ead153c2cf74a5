"""PyTorch modules with more than plain weights: extra states, caches, lazy and odd tensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from roundtrip_suites import lost, module_of, outcomes, torch_code, torch_suite, tripped

from parity.harness.roundtripping import roundtrip

pytest.importorskip("torch")


def text(model: Any) -> list[str]:
    """The one loss of the state dict."""
    return lost(model)["state dict"]


def test_what_a_module_keeps_of_an_image_is_no_loss(tmp_path: Path) -> None:
    """A cache, a count of calls, a lazy layer and an extra state: nothing of them is lost.

    What counts is no BatchNorm, and no output depends on it: it is told, and no loss.
    """
    code = """
        class Busy(Net):
            def __init__(self):
                super().__init__()
                self.lazy = nn.LazyConv2d(6, 1)
                self.register_buffer("calls", torch.zeros(1))
                self.runs = 0

            def get_extra_state(self):
                return {"version": 3, "names": ["bolt", "nut"]}

            def set_extra_state(self, state):
                pass

            def middle(self, x):
                self.calls += 1
                self.runs += 1
                self.last = x.detach()
                return self.lazy(x)


        def build():
            return Busy()
    """
    model = tripped(torch_suite(tmp_path, code))
    assert lost(model) == {}
    assert outcomes(model)["state dict"] == outcomes(model)["TorchScript (trace)"] == "kept"
    assert model.notes == (
        "1 weight changed while the model ran, though eval() was called: calls; outputs are the "
        "same from run to run, so nothing is lost by it",
    )
    assert model.verdict == "pass"


def test_an_extra_state_that_comes_back_otherwise_is_named(tmp_path: Path) -> None:
    """It is compared as weights are, and nothing that a program has."""
    code = """
        BUILT = []


        class Numbered(Net):
            def get_extra_state(self):
                return torch.tensor([self.number])

            def set_extra_state(self, state):
                pass


        def build():
            module = Numbered()
            module.number = len(BUILT)
            BUILT.append(module)
            return module
    """
    assert lost(tripped(torch_suite(tmp_path, code))) == {
        "state dict": ["1 weight came back with other values: _extra_state"]
    }


def test_a_switch_that_acts_in_evaluation_mode_is_no_batchnorm(tmp_path: Path) -> None:
    """Outputs are those of training mode, in which nothing normalises; the switch is named."""
    code = """
        BUILT = []


        class Switched(nn.Module):
            def __init__(self):
                super().__init__()
                self.conv = nn.Conv2d(3, 6, 3, stride=2, padding=1)
                self.fused = len(BUILT) < 2
                BUILT.append(self)

            def forward(self, image):
                x = torch.sigmoid(self.conv(image).permute(0, 2, 3, 1).reshape(1, 16, 6))
                x = x * 0.5 if self.fused and not self.training else x
                return x[..., :4], x[..., 4:]


        def build():
            return Switched()
    """
    assert text(tripped(torch_suite(tmp_path, code))) == [
        "untracked value 'fused' of the module (Switched): True in a plain attribute is not saved, "
        "and is False in the module that was built anew; make it a buffer with register_buffer(), "
        "or an argument of the factory"
    ]


def test_a_batchnorm_is_seen_whatever_its_buffers_are_called(tmp_path: Path) -> None:
    """It is told by what torch is asked for, not by names."""
    code = """
        class Moving(Net):
            def __init__(self):
                super().__init__()
                self.register_buffer("centre", torch.zeros(6))
                self.register_buffer("spread", torch.ones(6))

            def middle(self, x):
                return nn.functional.batch_norm(x, self.centre, self.spread, training=True)


        def build():
            return Moving()
    """
    assert lost(tripped(torch_suite(tmp_path, code)))[""] == [
        "BatchNorm in training mode: 2 weights changed while the model ran, though eval() was "
        "called: centre, spread; outputs depend on the batch's own statistics"
    ]


def test_a_state_that_moves_the_outputs_is_named(tmp_path: Path) -> None:
    """What is saved depends on how often the module has run."""
    code = """
        class Drifting(Net):
            def __init__(self):
                super().__init__()
                self.register_buffer("drift", torch.zeros(1))

            def middle(self, x):
                self.drift += 1
                return x * self.drift


        def build():
            return Drifting()
    """
    (said,) = lost(tripped(torch_suite(tmp_path, code)))[""]
    assert said.startswith(
        "1 weight changed while the model ran, though eval() was called: drift; what is saved "
        "depends on how often the model has run, and outputs change by "
    )


def test_a_factory_that_gives_the_same_module_cannot_be_read_into(tmp_path: Path) -> None:
    """Nothing would be compared with itself and called kept."""
    code = """
        import functools


        @functools.lru_cache
        def build():
            return Net()
    """
    model = tripped(torch_suite(tmp_path, code))
    (state,) = (trip for trip in model.trips if trip.format == "state dict")
    assert state.outcome == "not tried"
    assert state.reason.startswith(
        "the factory gives the same weights each time it is called, so there is no fresh model to "
        "read them into: conv.weight, "
    )


def test_norms_without_statistics_are_in_no_mode(tmp_path: Path) -> None:
    """An instance norm normalises by its own image in either mode, also once it is decomposed."""
    import torch

    from parity.roundtrip.training import _captured

    code = """
        class Own(Net):
            def __init__(self):
                super().__init__()
                self.a = nn.InstanceNorm2d(6, affine=True)
                self.b = nn.BatchNorm2d(6, track_running_stats=False)

            def middle(self, x):
                return self.b(self.a(x))


        def build():
            return Own()
    """
    image = (torch.rand(1, 3, 8, 8),)
    module = module_of(torch_code(tmp_path, code))
    program = torch.export.export(module, image)
    plain = program.module(), program.run_decompositions().module()
    assert [list(_captured(one)) for one in (torch.jit.trace(module, image), *plain)] == [[]] * 3


def test_every_kind_of_tensor_has_a_print() -> None:
    """Sparse, conjugated, quantised, of a dtype that numpy lacks: equal ones have equal prints."""
    import torch

    from parity.roundtrip.torch.tensors import array, of_state

    eye = torch.eye(3)
    kinds = [
        eye,
        eye.to_sparse(),
        eye.to_sparse_csr(),
        (eye * 1j).conj(),
        torch._neg_view(eye),
        torch.quantize_per_tensor(eye, 0.1, 3, torch.qint8),
        eye.to(torch.bfloat16),
        eye.to(torch.float8_e4m3fn),
        torch.zeros(0),
    ]
    assert [of_state(one) == of_state(one.clone()) for one in kinds] == [True] * len(kinds)
    assert len({of_state(one) for one in kinds}) == len(kinds)
    assert [array(one).shape for one in kinds] == [tuple(one.shape) for one in kinds]


def test_quantised_weights_are_read_and_compared(tmp_path: Path) -> None:
    """Packed weights are no tensors, and a program keeps them in objects: its outputs tell."""
    code = """
        class Packed(Net):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(6, 6)

            def middle(self, x):
                return self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


        def build():
            return torch.ao.quantization.quantize_dynamic(Packed(), {nn.Linear}, dtype=torch.qint8)
    """
    model = tripped(torch_suite(tmp_path, code, "trust = true\n"))
    assert lost(model) == {}
    (state,) = (trip for trip in model.trips if trip.format == "state dict")
    assert state.weights is not None
    assert (state.outcome, state.weights.lost, state.weights.changed) == ("kept", (), ())


def test_what_nobody_expects_is_no_crash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A framework raises whatever it likes: nothing can be told of the model then."""

    def broken(module: Any) -> None:
        raise ValueError("no such tensor")

    monkeypatch.setattr("parity.roundtrip.torch.trips.prints", broken)
    (model,) = roundtrip(torch_suite(tmp_path), ("native",)).models
    assert model.failure is not None
    assert model.failure.message == (
        "native: its round trips cannot be told: it raised ValueError: no such tensor"
    )
    assert model.verdict == "error"
