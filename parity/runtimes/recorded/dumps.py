"""Heads of many images that any program wrote, by image id.

In a folder, heads of the image ``images/001.jpg`` are ``images/001.jpg.npz``, or one .npy a head in
the folder ``images/001.jpg/``. In one .npz they have the keys ``images/001.jpg/NAME``.
"""

import os
from typing import Dict, List, Tuple

import numpy as np

from ..contract import AdapterError
from ..shared import arrays

EXPECTED = "heads by image: a folder, an .npz, or COCO results (.json)"
_BY_PATH = "name images by their path relative to parity.toml"


class Dump:
    """What was recorded: the images, and the heads of each.

    ``advice`` is what to do about an image that is not there.
    """

    advice = _BY_PATH

    def __init__(self, path: str) -> None:
        self.path = path

    def images(self) -> List[str]:
        """The ids of all images that were recorded, sorted."""
        raise NotImplementedError

    def holds(self, image: str) -> bool:
        """Whether there are heads of an image."""
        raise NotImplementedError

    def read(self, image: str) -> Dict[str, np.ndarray]:
        """The heads of an image that ``holds`` says is there."""
        raise NotImplementedError

    def close(self) -> None:
        """Release the file."""


class Folder(Dump):
    """A file, or a folder of files, for each image."""

    advice = f"{_BY_PATH}; one that lies outside of its folder can only be in one .npz of all"

    def __init__(self, path: str) -> None:
        super().__init__(path)
        if not self.images():
            found = "a folder in which no image has any"
            raise AdapterError("not-usable", path=path, expected=EXPECTED, found=found)

    def images(self) -> List[str]:
        """Every NAME.npz, and every folder that holds .npy files."""
        found = set()
        for folder, _, files in os.walk(self.path):
            at = os.path.relpath(folder, self.path).replace(os.sep, "/")
            if at != "." and arrays.names_of_folder(folder):
                found.add(at)
            here = "" if at == "." else at + "/"
            found |= {here + file[:-4] for file in files if file.endswith(".npz")}
        return sorted(found)

    def holds(self, image: str) -> bool:
        """Looked up on the disk; an id that leads out of the folder is never there."""
        archive, folder = self._places(image)
        outside = ".." in image.split("/") or os.path.isabs(image)
        return not outside and (os.path.isfile(archive) or os.path.isdir(folder))

    def read(self, image: str) -> Dict[str, np.ndarray]:
        """From the .npz or from the .npy files; both is one too many."""
        archive, folder = self._places(image)
        if os.path.isfile(archive) and os.path.isdir(folder):
            raise AdapterError(
                "bad-heads",
                path=self.path,
                expected=f"heads of {image} once",
                found=f"{image}.npz and the folder {image}",
            )
        whole = os.path.isfile(archive)
        try:
            return arrays.of_archive(archive) if whole else arrays.of_folder(folder)
        except arrays.Unreadable as error:
            raise AdapterError(
                "bad-heads",
                path=archive if whole else folder,
                expected="an .npz of heads" if whole else "a head in each .npy",
                found=str(error),
            ) from error

    def _places(self, image: str) -> Tuple[str, str]:
        base = os.path.join(self.path, *image.split("/"))
        return base + ".npz", base


class OneArchive(Dump):
    """All images in one .npz."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        try:
            self._archive = arrays.Archive(path)
        except arrays.Unreadable as error:
            raise AdapterError(
                "not-usable", path=path, expected=EXPECTED, found=str(error)
            ) from error
        self._names: Dict[str, List[str]] = {}
        for key in self._archive.names:
            image, _, name = key.rpartition("/")
            if not image or not name:
                found = f"the key {key!r}"
                expected = "keys IMAGE_ID/NAME in the .npz"
                raise AdapterError("not-usable", path=path, expected=expected, found=found)
            self._names.setdefault(image, []).append(name)

    def images(self) -> List[str]:
        """What stands before the last slash of the keys."""
        return sorted(self._names)

    def holds(self, image: str) -> bool:
        """Whether any key is of this image."""
        return image in self._names

    def read(self, image: str) -> Dict[str, np.ndarray]:
        """The arrays of this image, in the order of the archive."""
        try:
            return {name: self._archive.read(f"{image}/{name}") for name in self._names[image]}
        except arrays.Unreadable as error:
            raise AdapterError(
                "bad-heads",
                path=self.path,
                expected=f"an array for each head of {image}",
                found=str(error),
            ) from error

    def close(self) -> None:
        """Release the file."""
        self._archive.close()
