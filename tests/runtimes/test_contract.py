"""What every adapter promises, whatever the framework behind it, in this process and apart."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

import parity.runtimes as runtimes
from parity import environments
from parity.isolation import IsolatedAdapter, Launch, Worker
from parity.runtimes.contract import Adapter, AdapterError, Artifact, TensorSpec

Open = Callable[[Artifact], Adapter]


class Place(NamedTuple):
    """Where adapters run: a worker for each kind, in which interpreter, and what is special."""

    workers: dict[str, Worker]
    pythons: dict[str, Launch] | None
    options: dict[str, dict[str, str]]


# Old libraries in an old interpreter, with the options under which an adapter is theirs.
_OLD = {
    "fake": (("numpy==1.19.5",), "3.8", {}),
    "onnxruntime": (("onnxruntime==1.16.3",), "3.8", {}),
    "tflite": (("tflite-runtime==2.14.0", "numpy<2"), "3.9", {"interpreter": "tflite-runtime"}),
}


@pytest.fixture(
    scope="module",
    params=["here", "apart", pytest.param("old", marks=pytest.mark.versions)],
)
def place(request: pytest.FixtureRequest) -> Iterator[Place | None]:
    """This process (None), workers of this Python, or workers of old Pythons and libraries."""
    if request.param == "here":
        yield None
        return
    found = Place({}, None, {})
    if request.param == "old":
        launches = {}
        for kind, (requires, python, _) in _OLD.items():
            asked = environments.Request.of(requires, python)
            built = environments.ensure(asked, print)
            launches[kind] = Launch(python=built.python, foreign=True)
        found = Place({}, launches, {kind: options for kind, (*_, options) in _OLD.items()})
    yield found
    for worker in found.workers.values():
        worker.close()


@pytest.fixture
def open_(case: Any, place: Place | None) -> Open:
    """Opens artifacts of the case's kind where the test is to run."""
    if place is None:
        return runtimes.load(case.kind)
    if place.pythons is not None and (
        case.kind not in place.pythons or "interpreter" in case.options
    ):
        pytest.skip("no old version of this library is tested")
    if case.kind not in place.workers:  # one for all tests, since frameworks take long to import
        launch = Launch() if place.pythons is None else place.pythons[case.kind]
        place.workers[case.kind] = Worker(launch)
        place.workers[case.kind].hold()
    worker, more = place.workers[case.kind], place.options.get(case.kind, {})

    def opened(artifact: Artifact) -> Adapter:
        options = {**artifact.options, **more}
        return IsolatedAdapter(worker, case.kind, dataclasses.replace(artifact, options=options))

    return opened


@pytest.fixture
def adapter(open_: Open, artifact: Artifact) -> Iterator[Adapter]:
    opened = open_(artifact)
    yield opened
    opened.close()


def feeds(adapter: Adapter, seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    (spec,) = adapter.inputs()
    shape = [size or 1 for size in spec.shape] if spec.shape else [1, 3, 8, 8]
    values = rng.random(shape)
    scaled = values * 255 - 128 if spec.dtype == "int8" else values
    return {spec.name: scaled.astype(spec.dtype or "float32")}


def _takes_threads(case: Any) -> bool:
    return "threads" in runtimes.descriptor(case.kind).options


def test_the_one_input_is_called_image(adapter: Adapter) -> None:
    """Inputs have the names that the artifact gives them."""
    assert [spec.name for spec in adapter.inputs()] == ["image"]


def test_outputs_are_found_under_their_names(adapter: Adapter) -> None:
    """run() answers with every output by name, one box of four per pair of scores."""
    heads = adapter.run(feeds(adapter))
    assert sorted(heads) == ["boxes", "scores"]
    assert heads["boxes"].shape[-1] == 4
    assert heads["scores"].shape == (1, 64, 2)


def test_declared_outputs_are_true(adapter: Adapter) -> None:
    """What outputs() declares is what run() returns: names in order, dtype, each known size."""
    declared = adapter.outputs()
    heads = adapter.run(feeds(adapter))
    if declared:
        assert [spec.name for spec in declared] == list(heads)
    for spec in declared:
        assert spec.dtype == heads[spec.name].dtype.name
        assert spec.shape is not None
        found = heads[spec.name].shape
        assert [size or real for size, real in zip(spec.shape, found, strict=True)] == list(found)


def test_a_run_is_deterministic(adapter: Adapter) -> None:
    """The same feeds give the same bits, run after run."""
    first = adapter.run(feeds(adapter))
    for _ in range(3):
        again = adapter.run(feeds(adapter))
        for name, array in first.items():
            np.testing.assert_array_equal(array, again[name])


def test_two_adapters_agree_to_the_bit(adapter: Adapter, open_: Open, artifact: Artifact) -> None:
    """Opening the artifact again changes nothing."""
    other = open_(artifact)
    first, second = adapter.run(feeds(adapter)), other.run(feeds(adapter))
    other.close()
    for name, array in first.items():
        np.testing.assert_array_equal(array, second[name])


def test_outputs_own_their_memory(adapter: Adapter) -> None:
    """A second run does not change what the first one returned."""
    first = adapter.run(feeds(adapter))
    copies = {name: array.copy() for name, array in first.items()}
    second = adapter.run(feeds(adapter, seed=1))
    for name, array in first.items():
        np.testing.assert_array_equal(array, copies[name])
        assert array.flags.owndata
        assert array.flags.writeable
    assert any((first[name] != second[name]).any() for name in first)


def test_feeds_are_left_alone(adapter: Adapter) -> None:
    """Read-only and strided feeds are accepted, and never written to."""
    plain = feeds(adapter)
    (name,) = plain
    strided = np.repeat(plain[name], 2, axis=-1)[..., ::2]
    strided.flags.writeable = False
    expected, found = adapter.run(plain), adapter.run({name: strided})
    for head, array in expected.items():
        np.testing.assert_array_equal(array, found[head])


def test_a_wrong_name_fails_with_both_names(adapter: Adapter) -> None:
    """A feed that the artifact does not know is refused, never bound by position."""
    (array,) = feeds(adapter).values()
    with pytest.raises(AdapterError) as caught:
        adapter.run({"picture": array})
    assert caught.value.code == "bad-input"
    assert caught.value.facts["reason"] == "the inputs are 'image'; fed were 'picture'"


def test_a_wrong_shape_fails_with_a_reason(adapter: Adapter) -> None:
    """A feed of another shape is refused by the adapter or by the library, with its words."""
    (name,) = feeds(adapter)
    (spec,) = adapter.inputs()
    with pytest.raises(AdapterError) as caught:
        adapter.run({name: np.zeros((1, 5, 5), spec.dtype or "float32")})
    assert caught.value.code == ("bad-input" if spec.shape else "run-failed")
    if spec.shape:
        shape = ", ".join("?" if size is None else str(size) for size in spec.shape)
        expected = f"input 'image' has shape ({shape}); fed was (1, 5, 5)"
        assert caught.value.facts["reason"] == expected
    else:
        assert len(caught.value.facts["reason"]) > 20


def test_a_wrong_dtype_is_never_cast(adapter: Adapter) -> None:
    """Float64 into another input is refused: who calls converts, once, above the adapters."""
    ((name, array),) = feeds(adapter).items()
    with pytest.raises(AdapterError) as caught:
        adapter.run({name: array.astype("float64")})
    assert caught.value.code == ("bad-input" if adapter.inputs()[0].dtype else "run-failed")
    assert caught.value.facts["reason"]


def test_a_failed_run_leaves_the_adapter_usable(adapter: Adapter) -> None:
    """After a refused feed the next good one gives the same bits as before."""
    before = adapter.run(feeds(adapter))
    with pytest.raises(AdapterError):
        adapter.run({})
    after = adapter.run(feeds(adapter))
    for name, array in before.items():
        np.testing.assert_array_equal(array, after[name])


def test_identity_says_what_could_change_a_number(case: Any, adapter: Adapter) -> None:
    """Library, version, threads in force, device, Python and CPU features are recorded."""
    identity = adapter.identity()
    assert {"library", "version", "threads", "device", "python", "cpu_features"} <= set(identity)
    assert identity["threads"] == (1 if _takes_threads(case) else None)
    assert identity["device"] == "cpu"
    assert identity["version"] not in ("", "unknown")


def test_identity_is_plain_data(adapter: Adapter) -> None:
    """An identity survives JSON, since records hold it."""
    import json

    assert json.loads(json.dumps(adapter.identity()))["library"] == adapter.identity()["library"]


def test_a_closed_adapter_fails_to_run(adapter: Adapter) -> None:
    """After close(), which may be called twice, run() fails with a reason."""
    fed = feeds(adapter)
    adapter.close()
    adapter.close()
    with pytest.raises(AdapterError) as caught:
        adapter.run(fed)
    assert caught.value.code == "run-failed"
    assert caught.value.facts == {"reason": "the runtime has been closed"}


def test_a_closed_adapter_still_answers(adapter: Adapter) -> None:
    """Specs can be read after close()."""
    inputs, outputs = adapter.inputs(), adapter.outputs()
    adapter.close()
    assert (adapter.inputs(), adapter.outputs()) == (inputs, outputs)


def test_an_unknown_option_is_refused_with_the_known_ones(
    case: Any, open_: Open, artifact: Artifact
) -> None:
    """A typing error in options is an error, not a default."""
    wrong = dataclasses.replace(artifact, options={"thread": 2})
    with pytest.raises(AdapterError) as caught:
        open_(wrong)
    assert caught.value.code == "bad-option"
    assert (caught.value.facts["option"], caught.value.facts["value"]) == ("thread", 2)
    assert set(caught.value.facts["known"]) == set(runtimes.descriptor(case.kind).options)


@pytest.mark.parametrize("value", [0, -1, 1.5, "2", True, 513, 1 << 63])
def test_threads_must_be_a_whole_number(
    case: Any, open_: Open, artifact: Artifact, value: object
) -> None:
    """Anything else, and more than a library can start, is refused."""
    if not _takes_threads(case):
        pytest.skip("it has no such option")
    wrong = dataclasses.replace(artifact, options={**artifact.options, "threads": value})
    with pytest.raises(AdapterError) as caught:
        open_(wrong)
    assert caught.value.code == "bad-option"
    assert caught.value.facts["known"] == ("a whole number from 1 to 512",)


def test_a_missing_library_is_reported_with_its_remedy(
    case: Any, artifact: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """missing() and opening both say what to install when the library is not there."""
    adapter = runtimes.load(case.kind)
    assert runtimes.missing(case.kind, case.options) is None
    needed = adapter.requires(case.options)
    if not needed:
        return  # the fake needs none
    library = needed[-1]
    for name in list(sys.modules):  # all of it, so that nothing half-imported is left behind
        if name.partition(".")[0] == library.module.partition(".")[0]:
            monkeypatch.setitem(sys.modules, name, None)
    why = f"{library.name} is not installed; install it with: {library.install}"
    assert runtimes.missing(case.kind, case.options) == why
    with pytest.raises(AdapterError) as caught:
        adapter(artifact)
    assert caught.value.code == "missing-library"
    assert caught.value.facts == {
        "library": library.name,
        "install": library.install,
        "reason": why,
    }


def test_specs_are_tuples_of_tensor_specs(adapter: Adapter) -> None:
    """Specs are immutable and hashable data."""
    for specs in (adapter.inputs(), adapter.outputs()):
        assert isinstance(specs, tuple)
        assert all(isinstance(spec, TensorSpec) for spec in specs)
        assert len({hash(spec) for spec in specs}) == len(specs)


def test_apart_and_here_agree_to_the_bit(
    case: Any, place: Place | None, adapter: Adapter, artifact: Artifact
) -> None:
    """Specs, heads and what could change a number are the same wherever an adapter runs."""
    if place is not None and place.pythons is not None:
        return  # another version need not
    other = runtimes.load(case.kind)(artifact)
    expected, found = other.run(feeds(other)), adapter.run(feeds(adapter))
    assert (adapter.inputs(), adapter.outputs()) == (other.inputs(), other.outputs())
    assert list(found) == list(expected)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, strict=True)
    identity = {key: value for key, value in adapter.identity().items() if key != "isolated"}
    assert identity == other.identity()
    other.close()
