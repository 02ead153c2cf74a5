"""Why TensorFlow's SavedModels refused a file: the sentences of the versions that were tried."""

from ..shared.refusals import reader, rule, unknown, version

_RULES = (
    rule(
        r"Op type not registered '(\w+)'",
        "not-registered",
        lambda name: unknown("op", name),
    ),
    rule(
        r"NodeDef mentions attr '(\w+)' not in Op<name=(\w+)",
        "version",
        lambda name, op: version(f"op {op} with the attribute", name),
    ),
    rule(
        r"Value for attr '(\w+)' of (.{1,80}?) is not in the list of allowed values",
        "version",
        lambda name, value: version(f"the attribute {name} with the value", value),
    ),
    rule(
        r"Failed to find any matching files for \S*?([^/\s]+)(?=\s|$)",
        "external-data",
        lambda name: {"file": f"variables/{name}.index", "problem": "is not there"},
    ),
    rule(
        r"([^/\s]+\.data-\d+-of-\d+); No such file",
        "external-data",
        lambda name: {"file": f"variables/{name}", "problem": "is not there"},
    ),
    rule(
        r"Read less bytes than requested|not an sstable|Cannot parse file|there are 0 MetaGraphs"
        r"|[Cc]hecksum does not match|Wire format was corrupt|Data loss|corrupted compressed block",
        "damaged",
    ),
)

explain = reader(_RULES)
