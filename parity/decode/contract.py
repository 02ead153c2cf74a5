"""What a family of detectors is: everything that anybody asks of one, in one record.

A family is one file of ``families/``, or of somebody else's package: the keys of its table in
``parity.toml``, the heads it needs, how they become candidates, by what it is recognised, and its
row in the documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

from parity.decode.clues.evidence import Likelihood, Seen
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Candidates, Proposals
from parity.decode.heads.table import FamilyTable as FamilyTable

Size = tuple[int, int]
Heads = Mapping[str, Array]
Suppresses = Literal["decoding", "inside", "nowhere"]


TableT_co = TypeVar("TableT_co", bound=FamilyTable, covariant=True)


@dataclass(frozen=True, eq=False)
class Given(Generic[TableT_co]):
    """What a suite says of the heads of one runtime.

    ``table``: that of the family. ``classes``: how many, without the background. ``loaded``: what
    the family's ``load`` made of the suite's files; None without one. ``score_floor``: the score
    below which the heads hold nothing, where the suite says one.
    """

    table: TableT_co
    classes: int
    loaded: Any = None
    score_floor: float | None = None


@dataclass(frozen=True)
class Columns:
    """Columns of a head that its family does not read: those from ``first`` on along ``axis``."""

    axis: int
    first: int


@dataclass(frozen=True)
class Suggested:
    """A key of the family's table for ``parity init``, and how its value came about."""

    key: str
    value: Any
    why: str


@dataclass(frozen=True, eq=False)
class Family:
    """One family of detectors.

    What it is called and told:

    - ``name``: as a suite says it. ``table``: the keys of ``[decode.NAME]``.
    - ``heads``, ``keys``, ``also``: its row in the documentation, in Markdown: what its outputs
      are, its keys with their defaults, and which other detectors have these heads.
    - ``suppresses``: where its NMS is: in ``decoding``, ``inside`` the network, or ``nowhere``, as
      it needs none. ``max_detections``: unless the suite says another; None for all.
    - ``required``: keys of ``[decode]`` that a suite must say, each with what it is for.
    - ``frame``: in pixels of what its boxes are: the network's input, or the original image.

    How heads become candidates; sizes are (height, width) of the frame:

    - ``roles`` of (given, size): the heads that it needs; size None where it is not known yet.
    - ``decode`` of (heads by role, given, size): candidates, a score for every class, or
      proposals, one class each. Raises ``DecodeError`` for heads that do not fit. NaN and infinity
      pass.
    - ``arrange`` of (heads, given, size): heads that may be laid out in several ways in one, so
      that two runtimes' heads can be compared. ``trim`` of (heads, given): without rows that mean
      nothing. ``unread`` of (heads, given): of which heads it reads some columns only.
    - ``files`` of (table): what the table names in the suite's folder. ``load`` of (table, folder,
      size, stride): what is read or made of it once, with the recipe's size and stride. Raises
      ``ValueError`` with a key path, or ``SuiteError``.

    What is said of it:

    - ``clues``: what speaks for this family in the heads of one image. ``alike``: families whose
      heads cannot be told from these. ``doubts`` of (heads, table): what is probably declared
      wrongly although it decodes, as sentences.
    - ``beside`` of (table): how many columns stand beside the classes in one of its heads, where
      these are not 1, 4 or 5.
    - ``crossed`` of (table): what it may be where corners come out in the wrong order.
      ``scaled``: where boxes are to be multiplied that come out relative, for a family that
      has no key ``normalized``.
    - ``recipe``: keys of ``[preprocess]`` that are usual for it. ``suggest`` of (heads, model
      file, suite's folder): keys of its table that its heads alone do not show.
    """

    name: str
    table: type[FamilyTable]
    heads: str
    keys: str
    roles: Callable[[Given[Any], Size | None], tuple[Role, ...]]
    decode: Callable[[Heads, Given[Any], Size], Candidates | Proposals]
    also: str = ""
    suppresses: Suppresses = "decoding"
    max_detections: int | None = 100
    required: Mapping[str, str] = field(default_factory=dict)
    frame: Literal["input", "image"] = "input"
    arrange: Callable[[Heads, Given[Any], Size], dict[str, Array]] | None = None
    trim: Callable[[Heads, Given[Any]], dict[str, Array]] | None = None
    unread: Callable[[Heads, Given[Any]], dict[str, Columns]] | None = None
    files: Callable[[Any], tuple[str, ...]] | None = None
    load: Callable[[Any, Path, Size | None, int | None], Any] | None = None
    clues: Callable[[Seen], Iterator[Likelihood]] | None = None
    alike: frozenset[str] = frozenset()
    doubts: Callable[[Heads, Any], tuple[str, ...]] | None = None
    beside: Callable[[Any], int] | None = None
    crossed: Callable[[Any], str] | None = None
    scaled: str = ""
    recipe: Mapping[str, Any] = field(default_factory=dict)
    suggest: Callable[[Heads, Path, Path], tuple[Suggested, ...]] | None = None

    @property
    def identifier(self) -> str:
        """Its name as Python writes one."""
        return self.name.replace("-", "_")

    @property
    def needs_table(self) -> bool:
        """Whether a key has no default, so that the table must be there."""
        return any(one.is_required() for one in self.table.model_fields.values())

    @property
    def row(self) -> str:
        """Its row in the documentation's table."""
        also = f" ({self.also})" if self.also else ""
        return f"| `{self.name}`{also} | {self.heads} | {self.keys} |"
