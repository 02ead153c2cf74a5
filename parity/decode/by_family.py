"""What a family makes of heads, for whoever holds the settings: every question in one place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parity.decode.contract import Columns, Family, Given, Size
from parity.decode.heads.binding import Role
from parity.decode.heads.candidates import Array, Candidates, DecodeError, Floats, Proposals
from parity.decode.settings import Decode


def roles(
    settings: Decode, classes: int, priors: Floats | None = None, size: Size | None = None
) -> tuple[Role, ...]:
    """The heads that the family of ``settings`` needs, for ``bind``.

    ``priors``: what ``load`` made. ``size``: (height, width) of the input, where it is known before
    an image is.
    """
    return _family(settings).roles(_given(settings, classes, priors), size)


def trimmed(heads: Mapping[str, Array], settings: Decode, classes: int = 0) -> dict[str, Array]:
    """Heads by role without rows that mean nothing: what lies behind a count may be anything."""
    trim = _family(settings).trim
    return dict(heads) if trim is None else trim(heads, _given(settings, classes))


def decode(
    heads: Mapping[str, Array],
    settings: Decode,
    classes: int,
    size: Size,
    priors: Floats | None = None,
) -> Candidates | Proposals:
    """Heads by role, of one image and as real numbers, as candidates or proposals.

    ``classes`` counts without the background; ``size`` is (height, width) of the network's input,
    or of the image where ``in_image`` says so. Raises ``DecodeError`` where shapes do not fit one
    another, the priors or the classes, and where scores lie outside 0..1. NaN and infinity pass
    through.
    """
    family, given = _family(settings), _given(settings, classes, priors)
    for role in family.roles(given, None):
        if role.name not in heads:
            found = ", ".join(heads) or "none"
            raise DecodeError(f"expected a head {role.name!r}, found {found}")
    return family.decode(heads, given, size)


def arranged(
    heads: Mapping[str, Array], settings: Decode, classes: int, size: Size
) -> dict[str, Array]:
    """Heads by role in the one layout in which those of two runtimes can be compared.

    Raises ``DecodeError`` as ``decode`` does where the layout is not clear.
    """
    arrange = None if settings.of_family is None else settings.of_family.arrange
    return dict(heads) if arrange is None else arrange(heads, _given(settings, classes), size)


def partly_read(heads: Mapping[str, Array], settings: Decode, classes: int) -> dict[str, Columns]:
    """Of which heads the family reads some columns only, by role."""
    unread = _family(settings).unread
    return {} if unread is None else unread(heads, _given(settings, classes))


def named_files(settings: Decode) -> tuple[str, ...]:
    """The files that the family's table names in the suite's folder."""
    family = settings.of_family
    return () if family is None or family.files is None else family.files(settings.own)


def loaded(settings: Decode, folder: Path, size: Size | None, stride: int | None) -> Any:
    """What the family makes of the suite's files, once; None where it needs none.

    ``size`` and ``stride`` are the recipe's. Raises ``ValueError`` or ``SuiteError``.
    """
    family = settings.of_family
    if family is None or family.load is None:
        return None
    return family.load(settings.own, folder, size, stride)


def in_image(settings: Decode) -> bool:
    """Whether decoded boxes are in pixels of the original image, not of the network's input."""
    return settings.of_family is not None and settings.of_family.frame == "image"


def suppresses_inside(settings: Decode) -> bool:
    """Whether the network suppresses by itself, so that its heads are detections."""
    return settings.of_family is not None and settings.of_family.suppresses == "inside"


def _given(settings: Decode, classes: int, loaded: Any = None) -> Given[Any]:
    assert settings.own is not None  # there is a family
    return Given(settings.own, classes, loaded, settings.score_floor)


def _family(settings: Decode) -> Family:
    if settings.of_family is None:
        raise ValueError(f"expected a family, found the function {settings.function}")
    return settings.of_family
