"""What every subject promises, whatever the runtime behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import native_nets
import numpy as np
import pytest
from native_nets import image, operands

from parity.layers.subjects.native_subject import NativeSubject
from parity.layers.subjects.subject import Subject
from parity.runtimes.contract import AdapterError, Artifact

NCHW, NHWC = (1, 3, 16, 16), (1, 16, 16, 3)


class Case(NamedTuple):
    """How to open a subject of a folder, the shape of its image, and how exact looking is.

    ``apart`` is the largest relative L2 between an output in the trace and in the clean run,
    ``replayed`` the largest absolute error of a replayed op: ONNX Runtime is looked at without the
    optimisation whose kernels the replay uses.
    """

    folder: str
    shape: tuple[int, ...]
    open: Callable[[Path], Subject]
    apart: float = 0.0
    replayed: float = 0.0


def _native(kind: str, name: str) -> Callable[[Path], Subject]:
    return lambda folder: NativeSubject(
        native_nets.opened(kind, Artifact(str(folder / name))), _example(kind)
    )


def _module(folder: Path) -> Subject:
    return NativeSubject(native_nets.opened("torch", native_nets.torch_module(folder)), IMAGE)


def _example(kind: str) -> dict[str, Any] | None:
    return IMAGE if kind == "torch" else None


def _onnx(name: str, **options: Any) -> Callable[[Path], Subject]:
    from parity.layers.subjects.onnx.subject import OnnxSubject

    return lambda folder: OnnxSubject(Artifact(str(folder / name), options=options))


def _tflite(name: str) -> Callable[[Path], Subject]:
    from parity.layers.subjects.tflite.subject import TFLiteSubject

    return lambda folder: TFLiteSubject(Artifact(str(folder / name)))


IMAGE = {"image": image(0, NCHW)}
CASES = {
    "torch-module": Case("torch_folder", NCHW, _module),
    "torch-script": Case("torch_folder", NCHW, _native("torch", "script.pt")),
    "torch-pt2": Case("torch_folder", NCHW, _native("torch", "program.pt2")),
    "keras": Case("keras_folder", NHWC, _native("keras", "net.keras"), 1e-6),
    "savedmodel": Case("tensorflow_folder", NHWC, _native("savedmodel", "saved"), 1e-6),
    "onnx": Case("onnx_folder", NCHW, _onnx("net.onnx", optimization="disabled")),
    "onnx-optimised": Case("onnx_folder", NCHW, _onnx("net.onnx"), 1e-6, 1e-5),
    "tflite": Case("tflite_folder", NHWC, _tflite("float32.tflite"), 1e-6),
    "tflite-int8": Case("tflite_folder", NHWC, _tflite("int8.tflite"), 0.05),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    """One kind of subject."""
    return CASES[request.param]


@pytest.fixture
def subject(case: Case, request: pytest.FixtureRequest) -> Iterator[Subject]:
    """A subject of that kind."""
    made = case.open(request.getfixturevalue(case.folder))
    yield made
    made.close()


def feeds(subject: Subject, case: Case, seed: int = 0) -> dict[str, Any]:
    """An image under the graph's own name of the input."""
    (name,) = subject.graph.inputs
    return {name: image(seed, case.shape)}


def traced(subject: Subject, given: dict[str, Any]) -> dict[str, Any]:
    """Every tensor, copied, in the order in which they came."""
    return {name: np.array(array) for name, array in subject.trace(given)}


def test_a_trace_covers_every_op(subject: Subject, case: Case) -> None:
    """Each output of each op comes once, but for what is constant."""
    names = [name for name, _ in subject.trace(feeds(subject, case))]
    constants = subject.graph.constants
    made = [name for op in subject.graph.ops for name in op.outputs if name not in constants]
    assert len(names) == len(set(names))
    assert set(names) == set(made)


def test_a_trace_is_in_execution_order(subject: Subject, case: Case) -> None:
    """No op reads what has not come yet."""
    given = feeds(subject, case)
    place = {name: number for number, name in enumerate([*given, *traced(subject, given)])}
    for op in subject.graph.ops:
        reads = [place[name] for name in op.inputs if name in place]
        makes = [place[name] for name in op.outputs if name in place]
        assert not reads or not makes or max(reads) < min(makes)


def test_every_input_of_an_op_is_known(subject: Subject) -> None:
    """It is a constant, an input of the graph, or made by an op; and so is every output."""
    graph = subject.graph
    made = {name for op in graph.ops for name in op.outputs}
    known = {"", *graph.constants, *graph.inputs, *made}
    assert all(name in known for op in graph.ops for name in op.inputs)
    assert set(graph.outputs) <= known
    assert [op.index for op in graph.ops] == list(range(len(graph.ops)))


def test_tensors_are_real_numbers(subject: Subject, case: Case) -> None:
    """Quantised tensors come as floats, other integers as integers."""
    for name, array in subject.trace(feeds(subject, case)):
        quantised = name in subject.graph.quantization
        assert array.dtype.kind in ("f" if quantised else "fiub")


def test_the_clean_run_names_every_output(subject: Subject, case: Case) -> None:
    """Tensors of the graph, in the graph's order."""
    clean = subject.clean(feeds(subject, case))
    assert list(clean) == list(subject.graph.outputs)


def test_looking_changes_as_much_as_is_said(subject: Subject, case: Case) -> None:
    """The observer effect: no bit where the runtime allows it, else rounding."""
    for seed in range(2):
        given = feeds(subject, case, seed)
        values = traced(subject, given)
        for name, clean in subject.clean(given).items():
            if case.apart:
                error = np.linalg.norm(values[name] - clean) / np.linalg.norm(clean)
                assert error <= case.apart
            else:
                np.testing.assert_array_equal(values[name], clean)


def test_looking_twice_shows_the_same(subject: Subject, case: Case) -> None:
    """Also after another image, and after a trace that nobody read to its end."""
    given = feeds(subject, case)
    first = traced(subject, given)
    stream = subject.trace(feeds(subject, case, 1))
    next(stream)
    del stream
    for name, array in traced(subject, given).items():
        np.testing.assert_array_equal(array, first[name])


def test_replay_equals_trace(subject: Subject, case: Case) -> None:
    """Every op by itself on what it read in the run makes what it made, to the bit or as said."""
    given = feeds(subject, case)
    values = {**given, **traced(subject, given)}
    answers = subject.replay(operands(subject, values))
    constants = subject.graph.constants
    for op in subject.graph.ops:
        if all(name in constants for name in op.outputs):
            assert isinstance(answers[op.index], str)
            continue
        answer = answers[op.index]
        assert isinstance(answer, dict), f"{op.name}: {answer}"
        for name, array in answer.items():
            words = f"{op.kind} {name}"
            np.testing.assert_allclose(array, values[name], 0, case.replayed, err_msg=words)


def test_replay_answers_only_what_was_asked(subject: Subject, case: Case) -> None:
    """One op, its outputs; nothing for nothing."""
    given = feeds(subject, case)
    values = {**given, **traced(subject, given)}
    asked = operands(subject, values)
    index = next(op.index for op in subject.graph.ops if len(asked[op.index]) == 1)
    answers = subject.replay({index: asked[index]})
    assert list(answers) == [index]
    assert subject.replay({}) == {}


def test_a_bad_index_or_feed_is_an_answer(subject: Subject) -> None:
    """What cannot be replayed says why; nothing is raised."""
    last = len(subject.graph.ops)
    answers = subject.replay({last: {}, -1: {}, 0: {"nobody": np.zeros(1, np.float32)}})
    assert str(answers[last]).startswith(f"there is no op {last}")
    assert str(answers[-1]).startswith("there is no op -1")
    assert isinstance(answers[0], str)


def test_feeds_are_left_alone(subject: Subject, case: Case) -> None:
    """Read-only feeds are accepted, and never written to."""
    given = feeds(subject, case)
    (name,) = given
    before = given[name].copy()
    given[name].flags.writeable = False
    values = {**given, **traced(subject, given)}
    asked = operands(subject, values)
    for read in asked.values():
        for array in read.values():
            array.flags.writeable = False
    subject.replay(asked)
    np.testing.assert_array_equal(given[name], before)


def test_a_wrong_name_fails_with_both_names(subject: Subject, case: Case) -> None:
    """Clean or traced, a feed that the graph does not know is refused."""
    (name,) = subject.graph.inputs
    wrong = {"picture": image(0, case.shape)}
    for call in (subject.clean, lambda given: list(subject.trace(given))):
        with pytest.raises(AdapterError) as caught:
            call(wrong)
        assert caught.value.facts["reason"] == f"the inputs are {name}; fed were picture"


def test_weights_are_constants(subject: Subject) -> None:
    """At least one convolution reads a constant of rank four."""
    ranks = [array.ndim for array in subject.graph.constants.values()]
    assert 4 in ranks


def test_closing_twice_is_fine(subject: Subject) -> None:
    """The graph can still be read."""
    subject.close()
    subject.close()
    assert subject.graph.ops
