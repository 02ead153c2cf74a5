"""Keras models that lose something when they are saved, and models that do not."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from roundtrip_suites import keras_suite, lost, outcomes, tripped, write_suite

GAIN = """
    {register}
    class Gain(layers.Layer):
        def __init__(self, factor{default}, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor

        def call(self, x):
            return x * self.factor

        def get_config(self):
            return {config}
"""
TABLE = """
    from types import SimpleNamespace


    @keras.saving.register_keras_serializable("{package}")
    class Table(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            {keep} = {value}

        def call(self, x):
            return x * {use}
"""
NORM = """
    @keras.saving.register_keras_serializable("norms")
    class Normed(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.norm = layers.BatchNormalization(name="inner")

        def build(self, shape):
            self.norm.build(shape)

        def call(self, x):
            return self.norm(x, training=True)
"""
pytest.importorskip("keras")
pytest.importorskip("tensorflow")

ALL = (
    ".keras",
    ".h5",
    ".weights.h5",
    "SavedModel (export)",
    "SavedModel (tf.saved_model)",
    "TF checkpoint",
)
RANDOM = "np.random.rand(6).astype('float32')"


def gain(package: str = "", default: str = "=1.0", whole: bool = False) -> str:
    """A layer with an argument, which its configuration may leave out."""
    register = f'@keras.saving.register_keras_serializable("{package}")' if package else ""
    config = '{**super().get_config(), "factor": self.factor}' if whole else "super().get_config()"
    return dedent(GAIN).format(register=register, default=default, config=config)


def table(package: str, keep: str, value: str, use: str) -> str:
    """A layer with numbers in an attribute."""
    return dedent(TABLE).format(package=package, keep=keep, value=value, use=use)


def test_a_model_of_keras_layers_loses_nothing(tmp_path: Path) -> None:
    """Every format brings weights, configuration and outputs back."""
    model = tripped(keras_suite(tmp_path))
    assert outcomes(model) == dict.fromkeys(ALL, "kept")
    assert {trip.heads.state for trip in model.trips if trip.heads} == {"equal"}
    assert {trip.weights.same for trip in model.trips if trip.weights} == {10}
    assert model.verdict == "pass"


def test_a_custom_layer_with_its_configuration_loses_nothing(tmp_path: Path) -> None:
    """A layer that is registered and says all of its arguments is no finding."""
    model = tripped(keras_suite(tmp_path, gain("whole", whole=True), 'Gain(3.0, name="gain")'))
    assert outcomes(model) == dict.fromkeys(ALL, "kept")


def test_an_argument_that_the_configuration_leaves_out_is_named(tmp_path: Path) -> None:
    """The two formats that build layers again do so with the default."""
    model = tripped(keras_suite(tmp_path, gain("out"), 'Gain(3.0, name="gain")'))
    said = (
        "custom layer 'gain' (Gain): get_config() leaves out 'factor', so it was built again with "
        "1.0 in the place of 3.0; return it from get_config()"
    )
    assert lost(model) == {".keras": [said], ".h5": [said]}
    assert model.verdict == "fail"


def test_an_argument_that_the_constructor_needs_keeps_a_file_from_being_read(
    tmp_path: Path,
) -> None:
    """Without a default there is nothing to build the layer with."""
    model = tripped(keras_suite(tmp_path, gain("needed", ""), 'Gain(3.0, name="gain")'))
    assert {form: outcomes(model)[form] for form in ALL[:2]} == dict.fromkeys(ALL[:2], "unreadable")
    assert lost(model)[".keras"] == [
        "custom layer 'gain' (Gain): get_config() leaves out 'factor', which the constructor "
        "needs, so .keras cannot be read back; return it from get_config()"
    ]


def test_a_layer_that_has_no_configuration_cannot_be_saved(tmp_path: Path) -> None:
    """An array in the constructor is nothing that Keras writes by itself."""
    code = gain("none", "").replace("    def get_config", "    def other")
    model = tripped(keras_suite(tmp_path, code, 'Gain(np.array([3.0]), name="gain")'))
    assert {form: outcomes(model)[form] for form in ALL[:2]} == dict.fromkeys(ALL[:2], "not saved")
    assert lost(model)[".keras"] == [
        "custom layer 'gain' (Gain): no get_config(), and arguments that Keras cannot write by "
        "itself, so .keras cannot be saved; write a get_config() that returns every argument"
    ]
    assert model.verdict == "fail"


def test_a_layer_that_is_not_registered_is_named(tmp_path: Path) -> None:
    """A file names the class, and whoever reads it does not know it; what else is lost is told."""
    model = tripped(keras_suite(tmp_path, gain(), 'Gain(3.0, name="gain")'))
    assert lost(model)[".keras"] == [
        "custom layer class Gain is not registered, so .keras cannot be read back by its name: "
        "decorate it with @keras.saving.register_keras_serializable(), or name it in "
        "options.custom_objects",
        "custom layer 'gain' (Gain): get_config() leaves out 'factor', so it was built again with "
        "1.0 in the place of 3.0; return it from get_config()",
    ]


@pytest.mark.parametrize(
    ("package", "keep", "value", "use", "path"),
    [
        ("array", "self.table", RANDOM, "self.table", "table"),
        ("list", "self.tables", f"[tf.Variable({RANDOM})]", "self.tables[0]", "tables[0]"),
    ],
)
def test_numbers_in_a_plain_attribute_are_lost(
    tmp_path: Path, package: str, keep: str, value: str, use: str, path: str
) -> None:
    """What Keras does not track is built anew; a graph keeps it as a constant."""
    code = table(package, keep, value, use)
    model = tripped(keras_suite(tmp_path, code, 'Table(name="scale")'))
    said = (
        f"untracked variable '{path}' of layer 'scale' (Table): float32 6 in a plain attribute is "
        f"not saved, and came back with other values; make it with self.add_weight()"
    )
    assert lost(model) == {form: [said] for form in (".keras", ".h5", ".weights.h5", ALL[5])}


def test_a_variable_that_tensorflow_cannot_see_keeps_a_graph_from_being_saved(
    tmp_path: Path,
) -> None:
    """The variable is named in the place of TensorFlow's resource handle."""
    code = table("hidden", "self.box", f"SimpleNamespace(t=tf.Variable({RANDOM}))", "self.box.t")
    model = tripped(keras_suite(tmp_path, code, 'Table(name="scale")'))
    assert lost(model)["SavedModel (tf.saved_model)"] == [
        "untracked variable 'box.t' of layer 'scale' (Table): in a place where TensorFlow does not "
        "look, so SavedModel (tf.saved_model) cannot be saved; make it with self.add_weight()"
    ]


def test_batchnorm_in_training_mode_is_seen_by_what_it_changes(tmp_path: Path) -> None:
    """The original itself moves its statistics while it runs."""
    model = tripped(keras_suite(tmp_path, NORM, 'Normed(name="normed")'))
    assert lost(model) == {
        "": [
            "BatchNorm in training mode: 2 weights changed while the model ran, though it was "
            "called with training=False: normed/inner/moving_mean, normed/inner/moving_variance; "
            "outputs depend on the batch's own statistics"
        ]
    }


def test_an_operation_is_nothing_that_hdf5_offers(tmp_path: Path) -> None:
    """Keras writes its operations into HDF5 and cannot read them; that is no fault of the model."""
    code = (
        "def half(x):\n    return x[..., :6]\n\n\nclass Half:\n    __call__ = staticmethod(half)\n"
    )
    model = tripped(keras_suite(tmp_path, code, "Half()"))
    (trip,) = (one for one in model.trips if one.format == ".h5")
    assert trip.outcome == "not offered"
    assert trip.reason.startswith("Keras writes the operation GetItem ('get_item")
    assert trip.reason.endswith(
        "into HDF5 and cannot read it back: HDF5 holds layers alone; save as .keras"
    )
    assert model.verdict == "pass"


OWN_WAYS = """
    @keras.saving.register_keras_serializable("ways")
    class Inner(layers.Layer):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor, self.conv = factor, layers.Conv2D(6, 1)

        def build(self, shape):
            self.conv.build(shape)

        def call(self, x):
            return self.conv(x) * self.factor

        def get_config(self):
            return super().get_config()


    @keras.saving.register_keras_serializable("ways")
    class Nested(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.inner = Inner(3.0)

        def build(self, shape):
            self.inner.build(shape)
            self.calls = self.add_weight(name="calls", initializer="zeros", trainable=False)

        def call(self, x):
            self.calls.assign_add(1.0)
            return self.inner(x)
"""


def test_models_as_they_are_written_lose_nothing(tmp_path: Path) -> None:
    """Names by Keras, a number by numpy, a layer inside another, a variable that counts the calls.

    What counts is no BatchNorm, and no output depends on it: it is told, and no loss.
    """
    body = (
        "layers.Conv2D(np.int64(6), 1), keras.Sequential([layers.ReLU(), layers.Conv2D(6, 1)]), "
        'layers.Dropout(0.3), Nested(name="nested")'
    )
    model = tripped(keras_suite(tmp_path, OWN_WAYS, body))
    assert outcomes(model) == dict.fromkeys(ALL, "kept")
    assert model.notes == (
        "1 weight changed while the model ran, though it was called with training=False: "
        "nested/calls; outputs are the same from run to run, so nothing is lost by it",
    )
    assert model.verdict == "pass"


def test_a_plain_number_and_a_random_layer_are_named(tmp_path: Path) -> None:
    """The number is another one in each layer that is built; export() serves the flip as active.

    The layer cannot be trained at all: that is no reason to end.
    """
    code = """
        BUILT = []


        @keras.saving.register_keras_serializable("numbered")
        class Numbered(layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.gain = 0.1 + 0.01 * len(BUILT)
                BUILT.append(self)

            def call(self, x, training=False):
                if training:
                    raise RuntimeError("for inference only")
                return x * self.gain
    """
    model = tripped(keras_suite(tmp_path, code, 'Numbered(), layers.RandomFlip(name="flip")'))
    found = lost(model)
    for form in (".keras", ".h5", ".weights.h5", "TF checkpoint"):
        (said,) = found.pop(form)
        assert said.startswith("untracked value 'gain' of layer 'numbered")
        assert said.endswith("make it an argument that get_config() returns")
    (said,) = found.pop("SavedModel (export)")
    assert found == {}
    assert said.startswith("random layer in training mode: outputs of SavedModel (export) change")
    assert said.endswith(
        "though those of the original are the same; what draws numbers in it: 'flip' (RandomFlip); "
        "take it out of the model that is deployed"
    )
    (saved,) = (one for one in model.trips if one.format == "SavedModel (tf.saved_model)")
    assert (saved.outcome, saved.reason) == (
        "not offered",
        "TensorFlow does not find the seed of Keras' 'flip' (RandomFlip); use export()",
    )


def test_a_factory_needs_weights(tmp_path: Path) -> None:
    """A Keras factory without its weights is told what is missing."""
    from parity.errors import ArtifactError
    from parity.session import Session
    from parity.suite import load

    folder = write_suite(tmp_path, 'kind = "keras"\nmodel = "net:build"\n', "def build(): ...\n")
    suite = load(folder)
    with pytest.raises(ArtifactError) as raised:
        Session(suite.runtimes["native"], suite.folder)
    assert str(raised.value) == (
        "native: expected the file that holds the weights of net:build, found none: a factory "
        "alone builds a network of random weights. Save its weights and say weights = that file, "
        "under [runtimes.native]"
    )
