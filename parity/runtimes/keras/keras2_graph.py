"""A functional model of Keras 2 operation by operation: as ``keras_graph``, by its older nodes.

Source: Keras 2.4 to 2.15: a node holds a layer, ``call_args`` and ``call_kwargs`` with symbolic
tensors in them, and ``map_arguments`` puts values in their place by the tensors' ids.
"""

import inspect
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from . import keras3_graph


class Keras2Tracer(keras3_graph.KerasTracer):
    """A functional model of ``tf.keras`` before Keras 3."""

    def __init__(
        self, tf: Any, model: Any, inputs: Mapping[str, Any], outputs: Sequence[Any]
    ) -> None:
        self._tf = tf
        super().__init__(tf.keras, model, inputs, outputs)

    def _node(self, node: Any) -> keras3_graph.Node:
        return _Node(self._tf, node)

    def _flat(self, made: Any) -> List[Any]:
        return list(self._tf.nest.flatten(made))

    def _numpy(self, value: Any) -> Any:
        return value.numpy()

    def _tensor(self, name: str, array: np.ndarray) -> Any:
        return self._tf.convert_to_tensor(array, dtype=self._dtypes.get(name))

    def _functional(self, model: Any) -> Optional[Any]:
        found = keras3_graph.functional(model, "keras")
        return found or keras3_graph.functional(model, "tensorflow.python.keras")


class _Node(keras3_graph.Node):
    def __init__(self, tf: Any, node: Any) -> None:
        self._tf = tf
        self._node = node
        self.operation = node.layer
        self.outputs = list(tf.nest.flatten(node.outputs))
        self.inputs = list(tf.nest.flatten(node.keras_inputs))
        self.keywords = dict(node.call_kwargs)

    def arguments(self) -> List[Any]:
        return list(self._tf.nest.flatten((self._node.call_args, self._node.call_kwargs)))

    def filled(self, values: Dict[int, Any]) -> Tuple[Any, Dict[str, Any]]:
        # Keras takes a value out of its list for each place that it is put in.
        places = [id(one) for one in self.arguments()]
        lists = {str(number): [one] * places.count(number) for number, one in values.items()}
        args, kwargs = self._node.map_arguments(lists)
        return args, dict(kwargs)

    def in_evaluation(self) -> Dict[str, Any]:
        """Older versions do not say whether a layer takes ``training``; its own call does."""
        asked = "training" in inspect.signature(self.operation.call).parameters
        return {"training": False} if asked else {}
