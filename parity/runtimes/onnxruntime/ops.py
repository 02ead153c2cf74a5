"""What ONNX Runtime knows of an op that it refuses: which opsets have it, and which kernels.

The lists are those that its Python package makes its documentation of (``get_all_operator_schema``,
``get_all_opkernel_def``). Where a build has none, nothing is said of opsets.
"""

import difflib
import sys
from typing import Any, Dict, List, Set

Facts = Dict[str, Any]
_STATE = "onnxruntime.capi.onnxruntime_pybind11_state"


def absent(op: str, opset: int) -> Facts:
    """Of an op that its opset does not have: the first opset with it, or names that are near."""
    schemas = _listed("get_all_operator_schema")
    if not schemas:
        return {}
    names = {one.name for one in schemas if not one.deprecated}
    later = [one.since_version for one in schemas if one.name == op and one.since_version > opset]
    return {"first": min(later, default=None), "near": difflib.get_close_matches(op, names, 1)}


def withdrawn(op: str) -> Facts:
    """Of an op that its opset no longer has: since which."""
    gone = [
        one.since_version
        for one in _listed("get_all_operator_schema")
        if one.name == op and one.deprecated
    ]
    return {"since": min(gone, default=None)}


def without_kernel(op: str, since: int) -> Facts:
    """Of an op that has no kernel for the types it is given: what would have one.

    ``float32``: whether its version has a kernel for float32; ``first``: the first later version
    that has kernels for more types.
    """
    kernels = [one for one in _listed("get_all_opkernel_def") if one.op_name == op]
    if not kernels:
        return {}
    here = _types(kernels, since)
    later = sorted({one.version_range[0] for one in kernels if one.version_range[0] > since})
    wider = [version for version in later if _types(kernels, version) - here]
    return {"float32": "tensor(float)" in here, "first": wider[0] if wider else None}


def _types(kernels: List[Any], version: int) -> Set[str]:
    """All that the kernels of a version of an op are given or give."""
    return {
        kind
        for one in kernels
        if one.version_range[0] <= version <= one.version_range[1]
        for kinds in one.type_constraints.values()
        for kind in kinds
    }


def _listed(name: str) -> List[Any]:
    """One of the lists, but for ops of other domains than ONNX's own."""
    every: List[Any] = getattr(sys.modules.get(_STATE), name, list)()
    return [one for one in every if one.domain in ("", "ai.onnx")]
