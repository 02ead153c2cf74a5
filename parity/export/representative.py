"""The images on which the ranges of a quantised model are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from parity import preprocess
from parity.errors import ImageError, SuiteError
from parity.runtimes.contract import AdapterError
from parity.runtimes.shared.reasons import reason
from parity.runtimes.shared.resolve import resolve, siblings
from parity.suite import Ambiguous, Runtime, Suite, matching, unreadable
from parity.tensors import Array


def representative(suite: Suite, runtime: Runtime) -> Callable[[], Iterator[Array]]:
    """The images, prepared by the runtime's recipe, one after the other, anew at each call.

    ``export.representative`` is "module:function", which yields RGB images, or a pattern of image
    files relative to the suite.
    """
    table = runtime.table.export
    assert table is not None
    assert table.representative is not None  # the plan is sound
    where = f"runtimes.{runtime.name}.export.representative"
    if ":" in table.representative:
        images = _by_function(suite, where, table.representative)
    else:
        images = _by_files(suite, where, table.representative, runtime.recipe.decoder)
    function = None
    if runtime.recipe.function is not None:
        key = f"runtimes.{runtime.name}.preprocess.function"
        function = _function(suite, key, runtime.recipe.function)

    def every() -> Iterator[Array]:
        count = 0
        for image in images():
            name = f"{where}: image {count}"
            try:
                yield preprocess.prepare(image, runtime.recipe, function, where=name).canvas
            except ValueError as error:
                raise ImageError(name, str(error)) from error
            count += 1
        if count == 0:
            raise _wrong(suite, f"{where}: expected images, found none")

    return every


def _by_files(
    suite: Suite, where: str, pattern: str, decoder: str
) -> Callable[[], Iterator[Array]]:
    try:
        problem = unreadable(pattern, suite.folder)
        files = [suite.folder / match for match in matching(pattern, suite.folder)]
    except Ambiguous as error:
        raise _wrong(suite, f"{where}: {error}") from None
    if problem is not None:
        raise _wrong(suite, f"{where}: {problem}")
    if not files:
        raise _wrong(
            suite,
            f"{where}: expected 'module:function' or files that match {pattern!r}, found none in "
            f"{suite.folder}",
        )
    return lambda: (preprocess.read_image(file, decoder) for file in files)


def _by_function(suite: Suite, where: str, reference: str) -> Callable[[], Iterator[Array]]:
    function = _function(suite, where, reference)

    def every() -> Iterator[Array]:
        for number, image in enumerate(_called(suite, where, reference, function)):
            if not _is_image(image):
                raise _wrong(
                    suite,
                    f"{where}: expected RGB images (H, W, 3) of uint8 from {reference}, found "
                    f"{_found(image)} (image {number})",
                )
            yield image

    return every


def _called(
    suite: Suite, where: str, reference: str, function: Callable[..., Any]
) -> Iterator[Any]:
    with siblings(str(suite.folder)):
        try:
            images = iter(function())
        except Exception as error:
            raise _raised(suite, where, reference, error) from error
    while True:
        with siblings(str(suite.folder)):
            try:
                image = next(images)
            except StopIteration:
                return
            except Exception as error:
                raise _raised(suite, where, reference, error) from error
        yield image


def _function(suite: Suite, where: str, reference: str) -> Callable[..., Any]:
    try:
        function: Callable[..., Any] = resolve(reference, str(suite.folder))
    except AdapterError as error:
        reason = error.facts.get("reason", error.code)
        raise _wrong(
            suite, f"{where}: expected 'module:function', found {reference!r}: {reason}"
        ) from error
    return function


def _is_image(image: Any) -> bool:
    return (
        isinstance(image, np.ndarray)
        and image.dtype == np.uint8
        and image.ndim == 3
        and image.shape[2] == 3
        and image.size > 0
    )


def _found(image: Any) -> str:
    if isinstance(image, np.ndarray):
        return f"{image.dtype} {image.shape}"
    return f"a {type(image).__name__}"


def _raised(suite: Suite, where: str, reference: str, error: Exception) -> SuiteError:
    return _wrong(suite, f"{where}: expected images from {reference}, found {reason(error)}")


def _wrong(suite: Suite, problem: str) -> SuiteError:
    return SuiteError(str(suite.path), [problem])
