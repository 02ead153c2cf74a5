"""``[decode]``: from heads to detections, as the suite declares it: family, threshold, NMS."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import InitErrorDetails

from parity.decode import families
from parity.decode.contract import Family, FamilyTable
from parity.decode.guests import UnknownFamily
from parity.fields import Table


class Decode(Table):
    """From heads to detections: family, threshold, NMS.

    ``score_floor``: the model itself never emits a score below it (baked in), so nothing below can
    be judged; detections that a program wrote must say it. ``nms`` is "class", unless the family
    has its NMS inside the model or needs none: "none" then. ``max_detections`` is 100, unless the
    model suppresses by itself (None, as many as it gives) or the family needs no NMS (what its
    source yields). ``clip``: boxes are cut at the edges of the original image, before NMS as
    torchvision does, or after it as YOLO predictors do; None for not.

    Beside these keys stands the family's table, under the family's name.
    """

    family: str | None = None
    function: str | None = None
    score_threshold: float = Field(ge=0, le=1)
    score_floor: float | None = Field(default=None, ge=0, le=1)
    nms_iou: float = Field(default=0.45, ge=0, le=1)
    nms: Literal["class", "agnostic", "none"] = "class"
    max_detections: int | None = Field(default=100, ge=1)
    clip: Literal["before-nms", "after-nms"] | None = None
    _table: FamilyTable | None = PrivateAttr(default=None)

    @field_validator("family")
    @classmethod
    def _known_family(cls, value: str | None) -> str | None:
        if value in cls.model_fields:  # as another package may have named its own
            raise ValueError(f"expected a family whose name is no key of [decode], found {value!r}")
        if value is not None:
            families.family(value)
        return value

    @model_validator(mode="wrap")
    @classmethod
    def _with_the_familys_table(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):
            return handler(data)
        keys, given = _apart(data, cls.model_fields)
        tables, problems = _read(given)
        try:
            found = handler({**_habits(data.get("family")), **keys})
        except ValidationError as error:
            problems = [*_details(error), *problems]
        if problems:
            raise ValidationError.from_exception_data(cls.__name__, problems)
        found._check(tables)
        found._table = tables.get(found.family or "")
        return found

    def _check(self, tables: Mapping[str, FamilyTable | None]) -> None:
        """What takes more than one key; ``tables`` are all that are given, by family."""
        if (self.family is None) == (self.function is None):
            raise ValueError("family: expected either family or function, found both or neither")
        for name in tables:
            if name != self.family:
                raise ValueError(f"{name}: expected only with family = {name!r}, found without")
        own = self.of_family
        if own is not None and own.needs_table and own.name not in tables:
            raise ValueError(f"{own.name}: expected a table [decode.{own.name}], found nothing")
        if own is not None and own.suppresses == "inside" and self.nms != "none":
            raise ValueError(
                f"nms: expected 'none', as a {self.family} network suppresses by itself, "
                f"found {self.nms!r}"
            )
        for key, what in (own.required if own is not None else {}).items():
            if getattr(self, key) is None:
                raise ValueError(
                    f"{key}: expected {what}, as family = {self.family!r}, found nothing"
                )
        if self.score_floor is not None and self.score_floor > self.score_threshold:
            raise ValueError(
                f"score_floor: expected at most score_threshold = {self.score_threshold}, "
                f"found {self.score_floor}"
            )

    @property
    def of_family(self) -> Family | None:
        """The family; None for a function."""
        return None if self.family is None else families.family(self.family)

    @property
    def own(self) -> FamilyTable | None:
        """The table of the family, its defaults where the suite has none; None for a function."""
        if self._table is not None or self.of_family is None:
            return self._table
        return self.of_family.table()

    def with_table(self, table: FamilyTable) -> Decode:
        """The same with another table of the family."""
        changed = self.model_copy()
        changed._table = table
        return changed

    @property
    def nms_label(self) -> str:
        """The settings of NMS in words."""
        most = "" if self.max_detections is None else f", at most {self.max_detections}"
        if self.of_family is not None and self.of_family.suppresses == "inside":
            return f"inside the model{most}"
        if self.nms == "none":
            return f"none{most}"
        return f"{self.nms} at IoU {self.nms_iou:g}{most}"

    @classmethod
    def keys(cls) -> list[str]:
        """Those of the table and of every family."""
        return [*super().keys(), *families.names()]

    @classmethod
    def part(cls, key: Any) -> Any:
        """The type of what stands under a key, a family's name included."""
        name = families.named_by(str(key)) if key not in cls.model_fields else None
        return super().part(key) if name is None else families.family(name).table

    @model_serializer(mode="wrap")
    def _with_table(
        self, handler: SerializerFunctionWrapHandler, info: SerializationInfo
    ) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        if self._table is not None and self.family is not None:
            found[self.family] = self._table.model_dump(
                mode=info.mode, by_alias=info.by_alias, exclude_none=info.exclude_none
            )
        return found


def suppresses(family: Any) -> str:
    """Where a family suppresses, by its name: inside the network, nowhere, or in decoding."""
    known = _known(family)
    return "decoding" if known is None else known.suppresses


def _habits(name: Any) -> dict[str, Any]:
    """What holds of NMS for a family unless the suite says otherwise."""
    own = _known(name)
    if own is None or own.suppresses == "decoding":
        return {} if own is None else {"max_detections": own.max_detections}
    most = None if own.suppresses == "inside" else own.max_detections
    return {"nms": "none", "max_detections": most}


def _known(name: Any) -> Family | None:
    try:
        return families.family(name) if isinstance(name, str) else None
    except UnknownFamily:  # told where the family is validated
        return None


def _apart(data: dict[Any, Any], own: Mapping[str, Any]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The keys of ``[decode]`` itself, and the tables of families by name."""
    keys, tables = {}, {}
    for key, value in data.items():
        name = None if key in own else families.named_by(str(key))
        if name is None:
            keys[key] = value
        elif value is not None:
            tables[name] = value
    return keys, tables


def _read(
    given: Mapping[str, Any],
) -> tuple[dict[str, FamilyTable | None], list[InitErrorDetails]]:
    """The tables, None for that of a family which is of no use here; and what is wrong in them."""
    tables: dict[str, FamilyTable | None] = {}
    problems: list[InitErrorDetails] = []
    for name, value in given.items():
        family, tables[name] = _known(name), None
        if family is None:
            continue
        try:
            tables[name] = family.table.model_validate(value)
        except ValidationError as error:
            problems += _details(error, name)
    return tables, problems


def _details(error: ValidationError, *where: str) -> Iterator[InitErrorDetails]:
    """What is wrong, as pydantic takes it again, one table further up."""
    for one in error.errors(include_url=False):
        detail = InitErrorDetails(type=one["type"], loc=(*where, *one["loc"]), input=one["input"])
        if "ctx" in one:
            detail["ctx"] = one["ctx"]
        yield detail
