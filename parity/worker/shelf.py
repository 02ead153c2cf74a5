"""Tensors in files that two processes have in memory: one writes and names them, one reads.

Each file is a valid ``.npy`` (format version 1.0) with a header of fixed length, so that it can be
used again for another tensor. Shared memory is taken first, and an ordinary folder where that is
full. Nothing is ever unpickled: a header is written and never read, since dtype and shape travel
beside the name.
"""

import contextlib
import errno
import math
import mmap
import os
import re
import weakref
from typing import Any, Callable, Dict, List, Sequence, Tuple

import numpy as np

HEADER = 256
_MAGIC = b"\x93NUMPY\x01\x00"
_NAME = re.compile(r"[0-9]{1,2}/[a-z][0-9]{1,9}\.npy")

Place = Tuple[str, str, List[int]]
"""Where a tensor is: file, dtype, shape."""


class Writer:
    """Puts tensors into files of the given folders; a file is used again when it was let go."""

    def __init__(self, folders: Sequence[str], letter: str) -> None:
        self._folders = folders
        self._letter = letter
        self._files: Dict[str, mmap.mmap] = {}
        self._free: List[str] = []

    def put(self, array: np.ndarray) -> Place:
        """Copy an array into a file; OSError where no folder has room for it."""
        dtype = dtype_text(array.dtype)
        name = self._file(HEADER + array.nbytes)
        memory = self._files[name]
        memory[:HEADER] = _header(dtype, array.shape)
        if array.nbytes:
            target: np.ndarray = np.ndarray(array.shape, array.dtype, memory, HEADER)
            np.copyto(target, array)
        return name, dtype, list(array.shape)

    def let_go(self, names: Sequence[str]) -> None:
        """These files may be written anew."""
        self._free += [name for name in names if name in self._files]

    def _file(self, size: int) -> str:
        fitting = [one for one in self._free if size <= len(self._files[one]) <= 2 * size + 8192]
        if fitting:
            name = min(fitting, key=lambda one: len(self._files[one]))
            self._free.remove(name)
            return name
        smaller = [one for one in self._free if len(self._files[one]) < size]
        if smaller:
            name = max(smaller, key=lambda one: len(self._files[one]))
            if self._grows(name, size):
                self._free.remove(name)
                return name
        for place, folder in enumerate(self._folders):
            name = f"{place}/{self._letter}{len(self._files)}.npy"
            path = os.path.join(folder, name.partition("/")[2])
            try:
                self._files[name] = _mapped(path, size, os.O_RDWR | os.O_CREAT | os.O_EXCL)
                return name
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOMEM)
                if not full or place == len(self._folders) - 1:
                    raise
                with contextlib.suppress(OSError):
                    os.unlink(path)
        raise OSError(errno.ENOENT, "there is no folder for tensors")

    def _grows(self, name: str, size: int) -> bool:
        """Make a file larger, so that images of ever other sizes do not fill the memory."""
        place, _, file = name.partition("/")
        path = os.path.join(self._folders[int(place)], file)
        try:
            self._files[name] = _mapped(path, size, os.O_RDWR)
            return True
        except OSError:
            with contextlib.suppress(OSError):
                os.truncate(path, len(self._files[name]))
            return False


class Reader:
    """Shows tensors of another process's ``Writer`` without copying them.

    An array is read-only and lives as long as somebody holds it or a view of it; then
    ``let_go(name)`` is called, and the file may be written anew.
    """

    def __init__(self, folders: Sequence[str], let_go: Callable[[str], Any]) -> None:
        self._folders = folders
        self._let_go = let_go
        self._files: Dict[str, mmap.mmap] = {}

    def get(self, place: Sequence[Any]) -> np.ndarray:
        """The tensor; ValueError for a place that no writer can have given."""
        name, dtype_name, sizes = place
        dtype = dtype_of(str(dtype_name))
        shape = tuple(int(size) for size in sizes)
        if not isinstance(name, str) or not _NAME.fullmatch(name) or min(shape, default=0) < 0:
            raise ValueError(f"there is no tensor {name!r} of shape {shape}")
        needed = HEADER + dtype.itemsize * math.prod(shape)
        if name not in self._files or len(self._files[name]) < needed:  # it may have grown
            folder, _, file = name.partition("/")
            with open(os.path.join(self._folders[int(folder)], file), "rb") as stream:
                self._files[name] = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            array: np.ndarray = np.ndarray(shape, dtype, self._files[name], HEADER)
        except TypeError as error:
            raise ValueError(f"{name} is too small for {dtype} {shape}") from error
        weakref.finalize(array, self._let_go, name).atexit = False
        return array.view()


def _mapped(path: str, size: int, flags: int) -> mmap.mmap:
    """A file with all of its room taken now: writing where there is none left kills a process."""
    descriptor = os.open(path, flags, 0o600)
    try:
        allocate = getattr(os, "posix_fallocate", None)
        if allocate is not None:
            allocate(descriptor, 0, size)
        else:
            os.ftruncate(descriptor, size)
        return mmap.mmap(descriptor, size)
    finally:
        os.close(descriptor)


def _header(dtype: str, shape: Sequence[int]) -> bytes:
    sizes = "".join(f"{size}, " for size in shape)
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': ({sizes.rstrip()}), }}"
    length = HEADER - len(_MAGIC) - 2
    return _MAGIC + length.to_bytes(2, "little") + text.encode().ljust(length - 1) + b"\n"


def dtype_text(dtype: np.dtype) -> str:
    """A dtype as text; those that are not numpy's own (bfloat16) by name."""
    if dtype.hasobject or dtype.fields or dtype.type is np.void:
        raise ValueError(f"expected numbers or text, found {dtype}")
    try:
        own = np.dtype(dtype.str) == dtype
    except TypeError:
        own = False
    return dtype.str if own else dtype.name


def dtype_of(text: str) -> np.dtype:
    """The dtype of such a text, which never holds objects."""
    try:
        dtype = np.dtype(text)
    except TypeError:
        dtype = _of_ml_dtypes(text)
    if dtype.hasobject:
        raise ValueError(f"expected numbers or text, found {text!r}")
    return dtype


def _of_ml_dtypes(name: str) -> np.dtype:
    try:
        import ml_dtypes  # type: ignore[import-not-found, unused-ignore]

        dtype: np.dtype = np.dtype(getattr(ml_dtypes, name))
    except (ImportError, AttributeError) as error:
        raise ValueError(f"expected the name of a dtype, found {name!r}") from error
    return dtype
