"""Files that are no models: empty ones, pointers, pages, text, pictures, what is packed."""

import re
from typing import Optional

from .content import Content
from .model_file import ModelFile, Start

_ANSWER = re.compile(  # what stores answer where a file is not there or not to be had
    r"\s*(<\?xml[^>]*>\s*)?<Error>|\s*\{\s*\"(message|error|errors|detail)\"\s*:"
)
_LFS = b"version https://git-lfs"
POINTER = "is a Git LFS pointer, whose file was never fetched (git lfs pull)"
_MAGICS = (
    ("packed", "a gzip archive", b"\x1f\x8b", 0),
    ("packed", "a bzip2 archive", b"BZh", 0),
    ("packed", "an xz archive", b"\xfd7zXZ\0", 0),
    ("packed", "a Zstandard archive", b"\x28\xb5\x2f\xfd", 0),
    ("packed", "a 7z archive", b"7z\xbc\xaf\x27\x1c", 0),
    ("packed", "a RAR archive", b"Rar!\x1a\x07", 0),
    ("packed", "a tar archive", b"ustar", 257),
    ("picture", "a PNG picture", b"\x89PNG\r\n\x1a\n", 0),
    ("picture", "a JPEG picture", b"\xff\xd8\xff", 0),
    ("picture", "a GIF picture", b"GIF8", 0),
    ("text", "a PDF document", b"%PDF-", 0),
    ("unknown", "a NumPy array (.npy)", b"\x93NUMPY", 0),
)


def is_pointer(path: str) -> bool:
    """Whether Git LFS has left the file's address in its place."""
    with open(path, "rb") as handle:
        return handle.read(len(_LFS)) == _LFS


def of_nothing(start: Start) -> Optional[ModelFile]:
    """A file that is empty, or that was never fetched."""
    if start.size == 0:
        return ModelFile(start.path, Content("empty", "an empty file"))
    if start.head.startswith(_LFS):
        phrase = "a Git LFS pointer (the file itself was never fetched)"
        return ModelFile(start.path, Content("lfs", phrase))
    return None


def of_file(start: Start) -> Optional[ModelFile]:
    """A file of another kind, by its first bytes, or text."""
    for kind, phrase, magic, at in _MAGICS:
        if start.head[at : at + len(magic)] == magic:
            return ModelFile(start.path, Content(kind, phrase))
    found = _text(start.head)
    return ModelFile(start.path, found) if found else None


def _text(head: bytes) -> Optional[Content]:
    try:
        text = head.decode("utf-8") if len(head) < 4096 else head[:-3].decode("utf-8", "strict")
    except UnicodeDecodeError:
        return None
    if any(ord(char) < 32 and char not in "\t\n\r\f" for char in text):
        return None
    if text.lstrip()[:9].lower() in ("<!doctype", "<html") or text.lstrip().lower()[:5] == "<html":
        return Content("html", "an HTML page")
    if _ANSWER.match(text):
        return Content("html", "a server's error message")
    return Content("text", "a text file")
