"""A torch network seen from inside: as a module, as TorchScript and as an exported program."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import native_nets
import numpy as np
import pytest
from native_nets import image, torch_module, traced

from parity.runtimes.contract import Adapter, AdapterError, Artifact

torch = pytest.importorskip("torch")
FORMS = {"module": "net:Net", "script": "script.pt", "frozen": "frozen.pt", "pt2": "program.pt2"}
FEEDS = {"image": image()}


def opened(folder: Path, name: str = "Net", weights: str = "net.pth") -> Adapter:
    """A module of the suite's folder."""
    return native_nets.opened("torch", torch_module(folder, name, weights))


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest, torch_folder: Path) -> Iterator[Adapter]:
    """The same network in every form that a torch artifact can have."""
    file = str(torch_folder / FORMS[request.param])
    module = torch_module(torch_folder)
    adapter = native_nets.opened("torch", module if request.param == "module" else Artifact(file))
    adapter.graph(FEEDS)
    yield adapter
    adapter.close()


@pytest.fixture
def module(torch_folder: Path) -> Iterator[Adapter]:
    """The network as a module."""
    adapter = opened(torch_folder)
    adapter.graph(FEEDS)
    yield adapter
    adapter.close()


def op(adapter: Adapter, name: str) -> Any:
    """The op of a name."""
    return next(one for one in adapter.graph().ops if one.name == name)


def test_the_traced_run_is_the_deployed_run(form: Adapter) -> None:
    """Looking changes no bit of any head, in any form, image after image."""
    for seed in range(3):
        feeds = {"image": image(seed)}
        values, heads = traced(form, feeds), form.run(feeds)
        for name, head in zip(form.graph().outputs, heads.values(), strict=True):
            np.testing.assert_array_equal(values[name], head)


def test_every_op_replays_to_the_bit(form: Adapter) -> None:
    """An op on the tensors that it read in the run makes what it made in the run."""
    native_nets.assert_replays_to_the_bit(form, traced(form, FEEDS))


def test_ops_are_those_of_the_author(form: Adapter) -> None:
    """Convolutions, norms and activations stay whole; in-place ops are ops of their own."""
    kinds = [one.kind.split(".")[1].strip("_") for one in form.graph().ops]
    expected = "pad conv2d batch_norm hardtanh conv2d silu add max_pool2d upsample_nearest2d cat"
    named = [kind.replace("convolution", "conv2d") for kind in kinds]
    assert named[:10] == expected.split()
    assert kinds[-1] == "softmax"
    assert form.graph().problems == {}


def test_an_in_place_activation_does_not_overwrite_what_was_traced(module: Adapter) -> None:
    """The norm's output is the one before the in-place ReLU6, below zero and above six."""
    values = traced(module, FEEDS)
    net = module.native()  # type: ignore[attr-defined]
    with torch.no_grad():
        padded = torch.nn.functional.pad(torch.from_numpy(FEEDS["image"]), (0, 1, 0, 1))
        expected = net.norm(net.body(padded)).numpy()
    np.testing.assert_array_equal(values["norm"], expected)
    assert values["norm"].min() < 0
    np.testing.assert_array_equal(values["act"], np.clip(expected, 0, 6))


def test_weights_are_constants_under_their_own_names(torch_folder: Path, module: Adapter) -> None:
    """Parameters and buffers alike, bit for bit those of the state dict, after the data."""
    state = torch.load(torch_folder / "net.pth", weights_only=True)
    graph = module.graph()
    assert op(module, "norm").inputs == (
        "body", "norm.weight", "norm.bias", "norm.running_mean", "norm.running_var"
    )  # fmt: skip
    assert set(graph.constants) == {name for name in state if "num_batches" not in name}
    for name, array in graph.constants.items():
        np.testing.assert_array_equal(array, state[name].numpy())


def test_weights_without_names_are_named_by_their_reader(torch_folder: Path) -> None:
    """A frozen TorchScript file has forgotten names; the weights are found all the same."""
    adapter = native_nets.opened("torch", Artifact(str(torch_folder / "frozen.pt")))
    graph = adapter.graph(FEEDS)
    (first, *_) = [one for one in graph.ops if "convolution" in one.kind]
    assert first.inputs == ("pad", "convolution.weight")
    state = torch.load(torch_folder / "net.pth", weights_only=True)
    np.testing.assert_array_equal(
        graph.constants["convolution.weight"], state["body.weight"].numpy()
    )


def test_attributes_have_the_schemas_names(module: Adapter) -> None:
    """Plain values under the names of the operator's schema, defaults included."""
    assert op(module, "body").attributes == {
        "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "groups": 1
    }  # fmt: skip
    assert op(module, "deep").attributes["groups"] == 8
    assert op(module, "norm").attributes["eps"] == 1e-5
    assert op(module, "permute").attributes == {"dims": (0, 2, 3, 1)}
    assert op(module, "cat").inputs == ("act", "up")


def test_one_op_with_many_outputs_numbers_them(module: Adapter) -> None:
    """A split makes both of its parts."""
    (split,) = [one for one in module.graph().ops if "split" in one.kind]
    assert len(split.outputs) == 2
    assert split.outputs == tuple(f"{split.name}:{place}" for place in range(2))


def test_another_size_of_image_has_the_same_graph(module: Adapter) -> None:
    """Nothing is compiled for one shape."""
    values = traced(module, {"image": image(1, (1, 3, 24, 32))})
    assert values["body"].shape == (1, 8, 12, 16)


def test_replay_takes_real_numbers_of_any_type_and_order_in_memory(module: Adapter) -> None:
    """Feeds are brought to how the module stores that tensor, so that the same kernel runs."""
    values = traced(module, FEEDS)
    body = op(module, "body")
    (name,) = set(body.inputs) - set(module.graph().constants)
    odd = np.asfortranarray(values[name]).astype(np.float64)
    (made,) = module.replay({body.index: {name: odd}}).values()
    np.testing.assert_array_equal(made["body"], values["body"])


def test_replaying_an_in_place_op_leaves_its_feed_alone(module: Adapter) -> None:
    """What the caller gave is copied."""
    values = traced(module, FEEDS)
    before = values["norm"].copy()
    module.replay({op(module, "act").index: {"norm": values["norm"]}})
    np.testing.assert_array_equal(values["norm"], before)


def test_an_op_that_cannot_be_fed_says_why(module: Adapter) -> None:
    """One refused op does not stop the others."""
    body, act = op(module, "body"), op(module, "act")
    wrong = np.zeros((1, 5, 8, 8), np.float32)
    answers = module.replay(
        {999: {}, body.index: {"pad": wrong}, act.index: {"image": wrong}, 0: FEEDS}
    )
    assert answers[999] == f"there is no op 999; the graph has {len(module.graph().ops)}"
    reason = answers[body.index]
    assert isinstance(reason, str)
    assert reason.startswith("aten.conv2d.default did not run alone: RuntimeError: Given groups=1")
    assert answers[act.index] == "the inputs of act are 'norm'; fed were 'image'"
    assert isinstance(answers[0], dict)


def test_heads_by_name_keep_their_order(torch_folder: Path) -> None:
    """The graph's outputs stand as the module returns them."""
    adapter = opened(torch_folder, "Named")
    graph = adapter.graph(FEEDS)
    values, heads = traced(adapter, FEEDS), adapter.run(FEEDS)
    assert list(heads) == ["scores", "boxes"]
    for name, head in zip(graph.outputs, heads.values(), strict=True):
        np.testing.assert_array_equal(values[name], head)


def test_an_abandoned_trace_leaves_nothing_behind(module: Adapter) -> None:
    """No hook stays in the module, and the thread count is as it was."""
    threads = torch.get_num_threads()
    stream = module.trace(FEEDS)
    next(stream)
    stream.close()
    native = module.native()  # type: ignore[attr-defined]
    assert not any(child._forward_hooks or child._forward_pre_hooks for child in native.modules())
    assert torch.get_num_threads() == threads
    assert len(traced(module, FEEDS)) > 10


def test_a_closed_adapter_shows_nothing(module: Adapter) -> None:
    """As a run, a trace of a closed adapter fails with the reason."""
    module.close()
    for call in (module.graph, lambda: list(module.trace(FEEDS)), lambda: module.replay({})):
        with pytest.raises(AdapterError) as caught:
            call()
        assert caught.value.facts == {"reason": "the runtime has been closed"}
