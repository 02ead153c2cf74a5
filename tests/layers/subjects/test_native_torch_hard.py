"""What of a torch network is hard to see: writing in place, decisions, detours, other storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import native_nets
import numpy as np
import pytest
from native_nets import image, torch_module, traced

from parity.runtimes.contract import Adapter, AdapterError, Artifact

torch = pytest.importorskip("torch")
FEEDS = {"image": image()}


def opened(folder: Path, name: str = "Net", weights: str = "net.pth") -> Adapter:
    """A module of the suite's folder."""
    return native_nets.opened("torch", torch_module(folder, name, weights))


def refused(adapter: Adapter, example: Any, feeds: Any = None) -> dict[str, Any]:
    """The facts with which tracing is refused."""

    def look() -> None:
        adapter.graph(example)
        list(adapter.trace(feeds or example))

    with pytest.raises(AdapterError) as caught:
        look()
    assert caught.value.code == "cannot-trace"
    assert caught.value.facts["kind"] == "torch"
    return caught.value.facts


def test_both_names_of_an_overwritten_tensor_are_the_same_edge(torch_folder: Path) -> None:
    """``y = relu(x, inplace=True)``: who reads x afterwards reads the ReLU's output."""
    adapter = opened(torch_folder, "Dense", "dense.pth")
    graph = adapter.graph(FEEDS)
    assert graph.ops[-1].inputs == ("relu", "relu")
    native_nets.assert_replays_to_the_bit(adapter, traced(adapter, FEEDS))
    assert graph.problems == {}


def test_a_part_that_is_overwritten_makes_the_whole_anew(torch_folder: Path) -> None:
    """Who reads the whole after a part of it was overwritten has an edge to the writer."""
    adapter = opened(torch_folder, "Overwriting")
    graph = adapter.graph(FEEDS)
    *_, copy, relu, total = graph.ops
    assert copy.outputs == ("copy", "body@mul@copy")
    assert relu.inputs == total.inputs == ("body@mul@copy",)
    assert graph.problems[copy.index] == (
        "writes into a part of body@mul; run alone, it makes only that part"
    )
    values, heads = traced(adapter, FEEDS), adapter.run(FEEDS)
    np.testing.assert_array_equal(values["relu"], heads["0"])
    np.testing.assert_array_equal(values["body@mul"][:, :2], values["body"][:, :2] * 3)
    np.testing.assert_array_equal(values["body@mul"][:, 2:], values["body"][:, 2:])
    answers = adapter.replay(native_nets.operands(adapter, values))
    np.testing.assert_array_equal(answers[relu.index]["relu"], values["relu"])


def test_a_branch_that_depends_on_the_image_is_named(torch_folder: Path) -> None:
    """The op that decides is a problem; another image that decides otherwise is refused."""
    adapter = opened(torch_folder, "Deciding")
    bright = {"image": np.abs(FEEDS["image"])}
    graph = adapter.graph(bright)
    (index,) = graph.problems
    assert graph.ops[index].outputs == ()
    assert graph.problems[index] == (
        f"{graph.ops[index].kind} takes a number out of a tensor; what follows may be another "
        f"one for each image"
    )
    assert adapter.replay({index: {"gt": np.array(True)}}) == {
        index: f"{graph.ops[index].kind} makes no tensor"
    }
    facts = refused(adapter, bright, {"image": -np.abs(FEEDS["image"])})
    assert facts["reason"] == (
        "the network depends on the image: 5 ops in the graph and 4 for this one"
    )


def test_a_number_taken_out_is_taken_out_of_every_image(torch_folder: Path) -> None:
    """Arguments that depend on the image are those of the image last traced, in replays too."""
    adapter = opened(torch_folder, "Counting")
    adapter.graph(FEEDS)
    for seed in (1, 2):
        values = traced(adapter, {"image": image(seed)})
        native_nets.assert_replays_to_the_bit(adapter, values)


@pytest.mark.parametrize("name", ["Escaping", "Leaving"])
def test_a_detour_through_numpy_is_a_problem(torch_folder: Path, name: str) -> None:
    """What comes back is no constant: it is traced, and nobody knows how it was made."""
    adapter = opened(torch_folder, name)
    graph = adapter.graph(FEEDS)
    (index,) = graph.problems
    assert (graph.ops[index].kind, graph.ops[index].outputs) == ("python", ("lift_fresh.self",))
    assert graph.problems[index] == (
        "lift_fresh.self depends on the image but was made outside of PyTorch's operators, "
        "nobody saw how"
    )
    assert "lift_fresh.self" not in graph.constants
    for seed in (0, 1):
        feeds = {"image": image(seed)}
        values, heads = traced(adapter, feeds), adapter.run(feeds)
        np.testing.assert_array_equal(values[graph.outputs[0]], heads["0"])
    assert adapter.replay({index: {}}) == {
        index: "python did not run alone: ValueError: nobody saw how it was made"
    }


def test_without_declared_shapes_an_example_is_needed(torch_folder: Path) -> None:
    """Only an exported program says what its input looks like."""
    facts = refused(opened(torch_folder), None)
    assert facts["reason"] == (
        "a module does not declare the shape of its input, and no example was given"
    )
    program = native_nets.opened("torch", Artifact(str(torch_folder / "program.pt2")))
    assert program.graph().outputs == program.graph(FEEDS).outputs


def test_quantised_tensors_are_real_numbers_with_their_grid(torch_folder: Path) -> None:
    """Scale and zero point are in the graph, the values are dequantised."""
    adapter = opened(torch_folder, "Rounding")
    graph = adapter.graph(FEEDS)
    values = traced(adapter, FEEDS)
    ((name, grid),) = graph.quantization.items()
    assert (grid.scale, grid.zero_point) == ((0.05,), (10,))
    expected = np.clip(np.rint(values["body"] / 0.05) + 10, 0, 255) * 0.05 - 0.5
    np.testing.assert_allclose(values[name], expected, atol=1e-6)
    native_nets.assert_replays_to_the_bit(adapter, values)


def test_packed_weights_are_unpacked(torch_folder: Path) -> None:
    """A quantised convolution takes its weight in a form of the library's own."""
    adapter = opened(torch_folder, "Packed")
    graph = adapter.graph(FEEDS)
    (conv,) = [one for one in graph.ops if one.kind == "quantized.conv2d.new"]
    (weight,) = conv.inputs[1:]
    stored, grid = graph.constants[weight], graph.quantization[weight]
    assert (stored.dtype, stored.shape) == (np.int8, (8, 3, 3, 3))
    assert (len(grid.scale), set(grid.zero_point), grid.axis) == (8, {0}, 0)
    assert conv.attributes["packed_weight"] == "ScriptObject"
    native_nets.assert_replays_to_the_bit(adapter, traced(adapter, FEEDS))


def test_tensors_in_a_form_of_the_library_come_as_numbers(torch_folder: Path) -> None:
    """What oneDNN holds in its own order of memory is shown in the usual one."""
    adapter = opened(torch_folder, "Opaque")
    graph = adapter.graph(FEEDS)
    values, heads = traced(adapter, FEEDS), adapter.run(FEEDS)
    np.testing.assert_array_equal(values["relu"], heads["0"])
    np.testing.assert_array_equal(values[graph.outputs[0]], heads["0"])


def test_a_script_is_followed_through_its_branches(torch_folder: Path) -> None:
    """The branch that was taken is in the graph, the op that decided is a problem."""
    adapter = native_nets.opened("torch", Artifact(str(torch_folder / "deciding.pt")))
    bright = {"image": np.abs(FEEDS["image"])}
    graph = adapter.graph(bright)
    assert graph.ops[-1].kind == "aten.relu.default"
    assert len(graph.problems) == 1
    facts = refused(adapter, bright, {"image": -np.abs(FEEDS["image"])})
    assert facts["reason"].startswith("the network depends on the image: ")


def test_shapes_that_depend_on_the_image_are_followed(torch_folder: Path) -> None:
    """A boolean mask selects another number of values of every image."""
    adapter = opened(torch_folder, "Selecting")
    adapter.graph(FEEDS)
    for seed in (0, 1):
        values = traced(adapter, {"image": image(seed)})
        native_nets.assert_replays_to_the_bit(adapter, values)
