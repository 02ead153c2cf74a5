"""The weights in an HDF5 file: their shapes, and what of them lies in other files."""

from typing import Dict, NamedTuple, Tuple

from ..hdf5.file import File, Node
from ..shapes import elements
from ..source import Source

_STATE = ("optimizer", "optimizer_weights")


class Weights(NamedTuple):
    """What an HDF5 file holds: its root, its datasets by path, a sentence for all that is outside.

    Weights that lie elsewhere can be any file of whoever loads them.
    """

    root: Node
    shapes: Dict[str, Tuple[int, ...]]
    elsewhere: Tuple[str, ...]

    @property
    def own(self) -> Dict[str, Tuple[int, ...]]:
        """The datasets that are not an optimizer's."""
        return {
            path: shape
            for path, shape in self.shapes.items()
            if path.split("/")[1:2] == [] or path.split("/")[1] not in _STATE
        }

    @property
    def numbers(self) -> int:
        """How many numbers these hold."""
        return sum(elements(shape) for shape in self.own.values())


def stored(data: Source) -> Weights:
    """Go through an HDF5 file. Raises Unreadable."""
    file = File(data)
    shapes, elsewhere, root = {}, [], Node()
    for path, node in file.walk(file.root):
        root = root if path else node
        if node.shape is not None and not node.children:
            shapes[path] = node.shape
        elsewhere += [f"its {path}{what}" for what in node.elsewhere]
    return Weights(root, shapes, tuple(elsewhere))
