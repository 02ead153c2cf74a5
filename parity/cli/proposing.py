"""What ``parity init`` reads and writes around the proposal: images, classes, the file."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from parity.errors import UsageError, why

if TYPE_CHECKING:
    from parity.proposing import Asked, Model, Proposal, Refused


def proposed(arguments: Namespace) -> tuple[Proposal | None, list[str]]:
    """The proposal, None where no model could be opened, and what to say of those that could not.

    Raises ``UsageError`` for arguments that are wrong, before any model is opened.
    """
    from parity.proposing import Model, propose, synthetic

    _check_output(arguments)
    asked, image = _asked(arguments)
    looked = _look(arguments.models, synthetic() if image is None else _picture(image))
    failures = [
        f"{path}: {one.reason}" for path, one in looked.items() if not isinstance(one, Model)
    ]
    if len(failures) == len(looked):
        return None, failures
    return propose(list(looked.values()), asked), failures


def save(proposal: Proposal, path: Path) -> None:
    """Write the file whole, or leave what was there."""
    from parity.files import write_all

    try:
        write_all(path.absolute().parent, {path.name: proposal.text.encode("utf-8", "replace")})
    except OSError as failure:
        raise UsageError(f"--output: {path} cannot be written: {why(failure)}") from None


def _check_output(arguments: Namespace) -> None:
    path = arguments.output
    if path is None:
        return
    if path.is_dir():
        raise UsageError(f"--output: expected a file name, found the folder {path}")
    if path.exists() and not arguments.force:
        raise UsageError(
            f"--output: expected a new file, found {path}; say --force to overwrite it"
        )


def _asked(arguments: Namespace) -> tuple[Asked, str | None]:
    """What the user said, relative to the folder of the file to be, and the image to run."""
    from parity.proposing import Asked
    from parity.suite import Ambiguous, matching

    here = arguments.output.absolute().parent if arguments.output else Path.cwd()
    image, images = None, None
    if arguments.images is not None:
        try:
            found = matching(arguments.images, Path.cwd())
        except Ambiguous as error:
            raise UsageError(f"--images: {error}") from None
        if not found:
            raise UsageError(
                f"--images: expected files that match {arguments.images!r}, found none"
            )
        image, images = found[0], _relative(arguments.images, here)
    fed = "a synthetic picture" if image is None else _relative(image, here)
    if arguments.classes is None:
        return Asked(here, fed, images), image
    names = _names(arguments.classes)
    classes = _relative(str(arguments.classes), here)
    return Asked(here, fed, images, classes, len(names)), image


def _names(path: Path) -> list[str]:
    from parity.files import Unreadable, text

    try:
        lines = text(path).splitlines()
    except Unreadable as failure:
        raise UsageError(f"--classes: expected a text file at {path}, found {failure}") from None
    names = [line.strip() for line in lines if line.strip()]
    if not names:
        raise UsageError(f"--classes: expected at least one class, found none in {path}")
    return names


def _relative(path: str, folder: Path) -> str:
    return Path(os.path.relpath(os.path.abspath(path), folder)).as_posix()


def _picture(path: str) -> Any:
    from parity.preprocess import read_image

    return read_image(path)


def _look(paths: list[Path], picture: Any) -> dict[Path, Model | Refused]:
    """Every file; those that declare no size, or ran at none, again at the sizes of the others."""
    from parity.proposing import look

    found = {path: look(path.absolute(), picture, ()) for path in paths}
    declared = sorted({size for one in found.values() for size in _declared(one)})
    if not declared:
        return found
    return {
        path: one if _declared(one) else look(path.absolute(), picture, declared)
        for path, one in found.items()
    }


def _declared(one: Model | Refused) -> list[tuple[int, int]]:
    from parity.proposing import Model

    return [one.size] if isinstance(one, Model) and one.size_why.startswith("seen") else []
