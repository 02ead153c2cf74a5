"""How an adapter says that it cannot: a code and facts, which others put into words."""

from typing import Any

LOST = ("worker-lost", "timed-out", "out-of-memory")


class AdapterError(Exception):
    """A failure as data: a stable code and the facts a message needs.

    ``session.py`` words it. Codes and facts: ``unknown-kind`` (kind, known), ``missing-library``
    (library, reason, install), ``broken-library`` (the same, of one that is installed; fails: to
    "import" or "work"; numpy: the version of it that the library is too old for, else ""),
    ``missing-file`` (path, expected), ``not-loadable`` and ``damaged``
    (path, expected, found, reason), ``not-downloaded``, ``other-format``, ``weights-alone`` and
    ``model-as-weights`` (the same, content; or needed: how the file must be named), ``version``
    (path, expected, what, found, limit, too: "new" or "old", library, reason; or those of
    ``saving.Versions``, where another version of the library saved the file), ``not-registered``
    (path, expected, what, name, detail, library, reason), ``flex`` (path, expected, name, library,
    reason), ``external-data`` (path, expected, file, problem, reason),
    ``missing-weights`` (path, missing, unexpected, mismatched, reason, perhaps entry),
    ``untrusted`` (path, findings), ``bad-option`` (option, value, known, or expected, found),
    ``not-applied`` (option, asked, found, remedy: of a provider, device or delegate),
    ``bad-reference`` (reference, reason, broken: the module that does not import, or ""),
    ``factory-failed`` (reference, reason), ``run-failed`` (reason), ``bad-input`` (reason),
    ``cannot-trace`` (kind, reason),
    ``not-usable`` and ``bad-heads`` (path, expected, found: of a file that another program wrote,
    the whole of it or that of one image), ``not-recorded`` (image, path, others, advice),
    ``program-failed`` (program, expected, found, lines). ``known`` lists names or allowed values. A
    runtime in a process of its own has those of ``LOST`` as well: ``worker-lost`` (how),
    ``timed-out`` (seconds), ``out-of-memory`` (limit, found), each with ``runtime``, ``doing`` and
    ``output``, the last lines that it wrote. In any process ``out-of-memory`` is also what a
    library raised for want of memory: then ``limit`` is None and ``reason`` has its words.
    """

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts
