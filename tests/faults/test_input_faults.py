"""What the candidate is fed is not what it was trained on."""

from collections.abc import Iterator

import numpy as np
import pytest
from planting import Fault, Graph, Planted, assert_told_apart

CHANNELS = (1, 3, 1, 1)
DECLARED = "fed what the reference is fed, see the notes"


def _imagenet(graph: Graph) -> None:
    graph.before("Add", np.reshape([0.485, 0.456, 0.406], CHANNELS))
    graph.before("Mul", np.reshape([0.229, 0.224, 0.225], CHANNELS))


def _transposed(graph: Graph) -> None:
    graph.before("Transpose", perm=[0, 1, 3, 2])


def _turned(graph: Graph) -> None:
    """A network that works on the transposed image and answers in its coordinates."""
    graph.before("Transpose", perm=[0, 1, 3, 2])
    graph.after("boxes", "Gather", [1, 0, 3, 2], axis=2)


DECLARED_FAULTS = {
    "bgr_declared": Fault(
        table='preprocess = { color = "BGR" }',
        says=("preprocess.color is declared as 'BGR', the reference healthy has 'RGB'",),
        agrees=(DECLARED,),
    ),
    "scale_declared": Fault(
        table="preprocess = { range = [0, 255] }",
        says=(
            "preprocess.range is declared as [0.0, 255.0], the reference healthy has [0.0, 1.0]",
        ),
        agrees=(DECLARED,),
    ),
    "kernel_declared": Fault(
        table='preprocess = { kernel = "pillow:bilinear" }',
        says=("preprocess.kernel is declared as 'pillow:bilinear', the reference healthy has",),
        agrees=(DECLARED,),
    ),
    "float_kernel_declared": Fault(
        table='preprocess = { kernel = "torch:bilinear-align-corners" }',
        says=(
            "preprocess.kernel is declared as 'torch:bilinear-align-corners', the reference",
            "the inputs differ on",
            "as preprocess.kernel is declared otherwise: by up to",
        ),
        agrees=(DECLARED,),
    ),
    "decoder_declared": Fault(
        table='preprocess = { decoder = "tensorflow" }',
        says=(
            "preprocess.decoder is declared as 'tensorflow', the reference healthy has 'pillow'",
            "as preprocess.decoder is declared otherwise: by up to",
        ),
        agrees=(DECLARED,),
    ),
    "padding_declared": Fault(
        table='preprocess = { pad = "corner" }',
        says=("preprocess.pad is declared as 'corner', the reference healthy has 'center'",),
        agrees=(DECLARED,),
    ),
    "function_of_its_own": Fault(
        table='preprocess = { function = "impostor:corner_by_pillow" }',
        says=("preprocess.function is declared as 'impostor:corner_by_pillow'",),
        agrees=(DECLARED,),
    ),
}

HIDDEN_FAULTS = {
    "bgr": Fault(
        lambda graph: graph.change(graph.weights()[0], lambda weights: weights[:, ::-1]),
        agrees=("fed BGR in the place of RGB",),
    ),
    "wants_0_to_255": Fault(
        lambda graph: graph.before("Div", 255.0), agrees=("fed pixels as they are, 0..255",)
    ),
    "wants_minus_1_to_1": Fault(
        lambda graph: graph.before("Add", 0.5).before("Mul", 0.5),
        agrees=("fed values in -1..1",),
    ),
    "wants_imagenet": Fault(_imagenet, agrees=("fed values by the mean and std of ImageNet",)),
    "height_and_width_swapped_on_a_square": Fault(
        _transposed, agrees=("fed height and width swapped",)
    ),
    "all_of_it_transposed_on_a_square": Fault(
        _turned, agrees=("fed height and width swapped, with x and y of its boxes swapped",)
    ),
}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    """One suite with all of them."""
    suite = Planted(tmp_path_factory.mktemp("input"), DECLARED_FAULTS | HIDDEN_FAULTS)
    yield suite
    suite.close()


@pytest.mark.parametrize("name", DECLARED_FAULTS)
def test_another_declared_preprocessing_fails_and_its_key_is_named(
    planted: Planted, name: str
) -> None:
    """The note says what the two sides declare; fed the reference's input, it agrees."""
    assert_told_apart(planted, name)


@pytest.mark.parametrize("name", HIDDEN_FAULTS)
def test_another_undeclared_input_fails_and_the_right_one_is_named(
    planted: Planted, name: str
) -> None:
    """Of all readings that are tried only the true one is said to agree, and there is no note."""
    assert_told_apart(planted, name)
    assert planted.judge(name).notes == ()


SIZES = {
    "declared": Fault(
        table="preprocess = { size = [256, 256] }",
        says=("image: expected (1, 3, 320, 320), found (1, 3, 256, 256); see preprocess.size",),
    ),
    "inside": Fault(
        lambda graph: graph.before(
            "Resize", np.zeros(0, np.float32), np.float32([1, 1, 1.25, 1.25])
        ).input_shape(1, 3, 256, 256),
        says=("image: expected (1, 3, 256, 256), found (1, 3, 320, 320); see preprocess.size",),
    ),
}


@pytest.mark.parametrize("name", SIZES)
def test_another_size_is_an_error_that_names_both(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    """Nothing is resized to fit: the runtime cannot be judged (InputError, exit code 3)."""
    suite = Planted(tmp_path_factory.mktemp("size"), {name: SIZES[name]}, images=1)
    record = suite.judge(name)
    assert record.verdict == "error"
    (image,) = record.images
    assert image.failure is not None
    assert (image.failure.kind, image.failure.exit_code) == ("InputError", 3)
    assert SIZES[name].says[0] in suite.message(name)


def test_height_and_width_swapped_on_an_oblong_is_an_error_that_says_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The layout is never tried the other way round until it fits."""
    fault = Fault(
        lambda graph: graph.before("Transpose", perm=[0, 2, 1, 3]).input_shape(1, 320, 240, 3)
    )
    suite = Planted(
        tmp_path_factory.mktemp("swapped"), {"swapped": fault}, detector="parts_ssd", images=1
    )
    (image,) = suite.judge("swapped").images
    assert image.failure is not None
    assert image.failure.kind == "InputError"
    assert (
        "image: expected (1, 320, 240, 3), found (1, 240, 320, 3); height and width are swapped, "
        "preprocess.size is [height, width]"
    ) in image.failure.message
