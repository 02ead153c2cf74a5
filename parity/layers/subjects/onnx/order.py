"""Nodes of an ONNX graph in the order in which they can run.

The specification wants them sorted; ONNX Runtime sorts them itself, so files that list a node
before those that it reads are in use (float16 converters append the casts of the inputs).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from heapq import heapify, heappop, heappush
from typing import Any


def in_order(nodes: Sequence[Any]) -> list[Any]:
    """The nodes so that each comes after those that it reads; as they are where that holds.

    Where several could be next, the file's order decides. Nodes on a cycle, which no runtime
    loads, come last.
    """
    makers = {name: place for place, node in enumerate(nodes) for name in node.output if name}
    needs = [
        {makers[name] for name in _reads(node) if name in makers} - {place}
        for place, node in enumerate(nodes)
    ]
    if all(one < place for place, needed in enumerate(needs) for one in needed):
        return list(nodes)
    return [nodes[place] for place in _sorted(needs)]


def _sorted(needs: Sequence[set[int]]) -> list[int]:
    """Places by need (Kahn's algorithm), the least ready one first."""
    left = [len(needed) for needed in needs]
    readers: dict[int, list[int]] = {}
    for place, needed in enumerate(needs):
        for one in needed:
            readers.setdefault(one, []).append(place)
    ready = [place for place, count in enumerate(left) if not count]
    heapify(ready)
    found: list[int] = []
    while ready:
        place = heappop(ready)
        found.append(place)
        for reader in readers.get(place, ()):
            left[reader] -= 1
            if not left[reader]:
                heappush(ready, reader)
    return [*found, *(place for place, count in enumerate(left) if count)]


def _reads(node: Any) -> Iterator[str]:
    """What a node reads, its own graphs (control flow) included."""
    yield from node.input
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.type == attribute.GRAPH else attribute.graphs
        for graph in graphs:
            for one in graph.node:
                yield from _reads(one)
