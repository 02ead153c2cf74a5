"""Why ONNX Runtime refused a file: the sentences of the versions that were tried."""

from ..shared.refusals import compared, reader, rule, unknown, version
from . import ops

_RULES = (
    rule(
        r"Unsupported model IR version: (\d+), max supported IR version: (\d+)",
        "version",
        lambda found, limit: compared("IR version", found, limit),
    ),
    rule(
        r"Opset (\d+) is under development.*for domain (\S+) is till opset (\d+)",
        "version",
        lambda found, domain, limit: version(f"opset of {domain}", found, limit),
    ),
    rule(
        r"Could not find an implementation for (\w+)\((\d+)\)",
        "not-registered",
        lambda op, since: {
            **unknown("op", op, f"of opset {since}"),
            "lacks": "kernel",
            **ops.without_kernel(op, int(since)),
        },
    ),
    rule(
        r"No Op registered for (\w+) with domain_version of (\d+)",
        "not-registered",
        lambda op, opset: {
            **unknown("op", op, f"in opset {opset}"),
            "lacks": "opset",
            **ops.absent(op, int(opset)),
        },
    ),
    rule(
        r"Op registered for (\w+) is deprecated in domain_version of (\d+)",
        "not-registered",
        lambda op, opset: {
            **unknown("op", op, f"in opset {opset}"),
            "lacks": "place",
            **ops.withdrawn(op),
        },
    ),
    rule(
        r"Fatal error: ([\w.]+):(\w+)\(-?\d+\) is not a registered function/op",
        "not-registered",
        lambda domain, op: unknown("op", op, f"of the domain {domain}"),
    ),
    rule(
        r"Missing opset in the model|does not match expected size|INVALID_PROTOBUF"
        r"|Protobuf parsing failed|out of bounds or can not be read"
        r"|is not a graph input, initializer, or output",
        "damaged",
    ),
)

explain = reader(_RULES)
