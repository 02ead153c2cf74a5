"""Why TFLite refused a file: the sentences of its three interpreters, old and new."""

from ..shared.refusals import compared, reader, rule, unknown, version

_RULES = (
    rule(
        r"builtin opcode '(\w+)' version '(\d+)'",
        "version",
        lambda op, found: version(f"op {op} of version", found),
    ),
    rule(
        r"builtin_code out of range: (\d+)",
        "version",
        lambda found: version("op code", found),
    ),
    rule(
        r"schema version (\d+) not equal to supported version (\d+)",
        "version",
        lambda found, limit: compared("schema version", found, limit),
    ),
    rule(
        r"(?:Select TensorFlow op|Regular TensorFlow ops are not supported).*?\((Flex\w+)\)",
        "flex",
        lambda name: {"name": name},
    ),
    rule(
        r"unresolved custom op: ([^\s]+?)\.?(?:\s|$)",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"not a valid Flatbuffer|No subgraph in the model|Invalid tensor index|inconsistent model"
        r"|[Cc]ould not open|buffer index|Model provided has model identifier",
        "damaged",
    ),
)

explain = reader(_RULES)
