"""What a user names to the pictures that are meant: files, folders, and patterns such as *.png."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["STDIN", "SUFFIXES", "Source", "find", "is_picture", "make_printable"]

STDIN = "-"
# What is taken from folders; a file that is named is read whatever its suffix.
SUFFIXES = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".pdf", ".webp", ".bmp",
    ".dib", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif",
})  # fmt: skip
_PATTERN = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Source:
    """A picture to read, by its name.

    Attributes:
        name: the path of a file, or ``-`` for standard input.
        problem: why there is nothing to read, if so.
    """

    name: str
    problem: str | None = None


def find(
    names: Iterable[str], *, recursive: bool = False, without: Path | None = None
) -> list[Source]:
    """Find the pictures that names mean, each once.

    A folder means the pictures in it, by their suffixes; hidden ones are left out. A pattern
    (``*``, ``?``, ``[…]``, and ``**`` for folders in folders) means what it matches, unless a file
    is named so. Both give their pictures in natural order: 2 before 10.

    Args:
        names: of files, folders and patterns; ``-`` is standard input.
        recursive: look in folders of folders, too.
        without: a folder whose pictures are not meant.

    Returns:
        The pictures in the order of the names; what names nothing has its problem.
    """
    found: dict[str, Source] = {}
    for name in names:
        for source in _meant(name, recursive, without):
            found.setdefault(source.name, source)
    return list(found.values())


def _meant(name: str, recursive: bool, without: Path | None) -> Iterator[Source]:
    if name == STDIN or not _exists(name):
        if name != STDIN and _PATTERN.search(name):
            yield from _matching(name, recursive, without)
        else:
            yield Source(name)  # what is wrong with it is found when it is read
    elif Path(name).is_dir():
        yield from _in_folder(name, recursive, without)
    else:
        yield Source(name)


def _matching(pattern: str, recursive: bool, without: Path | None) -> Iterator[Source]:
    # Path.glob takes no absolute patterns and changes the names' spelling.
    matches = sorted(glob.glob(pattern, recursive=True), key=_natural)  # noqa: PTH207
    if not matches:
        yield Source(pattern, "expected a pattern of names, but no file matches")
    for match in matches:
        if not Path(match).is_dir():
            yield Source(match)
        elif recursive:
            yield from _in_folder(match, recursive, without)


def _in_folder(folder: str, recursive: bool, without: Path | None) -> Iterator[Source]:
    left_out = without.resolve() if without else None
    problems: list[OSError] = []
    names: list[str] = []
    for parent, folders, files in os.walk(folder, onerror=problems.append):
        if not recursive:
            folders.clear()
        folders[:] = [each for each in folders if not each.startswith(".")]
        if left_out is None or Path(parent).resolve() != left_out:
            names += (os.path.join(parent, file) for file in files if is_picture(file))  # noqa: PTH118
    for problem in problems:
        yield Source(
            str(problem.filename), f"expected a folder, but it can't be read: {problem.strerror}"
        )
    for name in sorted(names, key=_natural):
        yield Source(name)
    if not names and not problems:
        hint = "" if recursive else "; --recursive looks in its folders, too"
        yield Source(folder, f"expected a folder of pictures, but there are none in it{hint}")


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):  # too long, or with a null character
        return False


def is_picture(file: str) -> bool:
    """Return whether a file of a folder is taken for a picture, by its name."""
    return not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES


def make_printable(name: str) -> str:
    """Return a name as text: bytes in it that are none are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def _natural(name: str) -> list[tuple[int, str]]:
    """Order numbers in names by their values."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]
