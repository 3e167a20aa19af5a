"""Finds the pictures that a user names: files, folders, and glob patterns such as *.png."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes

__all__ = [
    "STDIN",
    "SUFFIXES",
    "Source",
    "escape_controls",
    "find",
    "find_path",
    "is_picture",
    "make_cell",
    "make_printable",
]

STDIN = "-"
# The suffixes of pictures in folders; a file that is named itself may have any.
SUFFIXES = frozenset({
    ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".tif", ".tiff", ".pdf", ".webp", ".bmp",
    ".dib", ".gif", ".ppm", ".pgm", ".pbm", ".pnm", ".jp2", ".j2k", ".avif",
})  # fmt: skip
_FILE_URI = "file://"
_FORMULA_CHARACTERS = ("=", "+", "-", "@", "\t", "\r")
# All but tab and line feed, and those that change the direction of what follows.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_SUBFOLDERS = re.compile(r"(?<![^/])\*\*(?:/|$)")
_GLOB_CHARACTERS = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Source:
    """A picture to read.

    Attributes:
        name: the path of a file, or ``-`` for standard input.
        problem: why there is nothing to read, or ``None``.
    """

    name: str
    problem: str | None = None


def find(
    names: Iterable[str], *, recursive: bool = False, without: Path | None = None
) -> list[Source]:
    """Find the pictures that names stand for, without duplicates.

    A folder stands for the pictures in it, found by their suffixes; hidden ones are left out. A
    glob pattern (``*``, ``?``, ``[…]``, and ``**`` for any folders) stands for the files that it
    matches, unless a file has this very name. Pictures of a folder or pattern are in natural order:
    2 before 10.

    Args:
        names: of files and folders, or glob patterns; ``-`` is standard input.
        recursive: whether to search folders in folders, too.
        without: a folder whose pictures are left out.

    Returns:
        The pictures in the order of the names. A name that stands for nothing has a ``problem``.
    """
    found: dict[str, Source] = {}
    for name in names:
        for source in _expand(name, recursive, without):
            found.setdefault(source.name, source)
    return list(found.values())


def _expand(name: str, recursive: bool, without: Path | None) -> Iterator[Source]:
    if name == STDIN or not _exists(name):
        if name != STDIN and _GLOB_CHARACTERS.search(name):
            yield from _match_pattern(name, recursive, without)
        else:
            yield Source(name)  # a missing file is reported when it is read
    elif Path(name).is_dir():
        yield from _list_folder(name, recursive, without)
    else:
        yield Source(name)


def _match_pattern(pattern: str, recursive: bool, without: Path | None) -> Iterator[Source]:
    # Path.glob takes no absolute patterns and changes the names' spelling.
    matches = sorted(set(_iterate_matches(pattern)), key=_make_natural_key)
    if not matches:
        yield Source(pattern, "expected a pattern of names, but no file matches")
    for match in matches:
        if not Path(match).is_dir():
            yield Source(match)
        elif recursive:
            yield from _list_folder(match, recursive, without)


def _iterate_matches(pattern: str) -> Iterator[str]:
    """Yield what a pattern matches; ``**`` doesn't follow links, which may lead in circles."""
    parts = _SUBFOLDERS.split(pattern, maxsplit=1)
    if len(parts) == 1:
        yield from glob.glob(pattern)  # noqa: PTH207 - Path.glob takes no absolute patterns
        return
    before, after = parts
    for base in glob.glob(before) if before else [""]:  # noqa: PTH207 - the same
        for parent, folders, files in os.walk(base or "."):
            folders[:] = [each for each in folders if not each.startswith(".")]
            here = (parent.rstrip(os.sep) + os.sep).removeprefix("" if base else "./")
            if after:
                yield from _iterate_matches(glob.escape(here) + after)
            else:
                yield from (here + each for each in files if not each.startswith("."))


def _list_folder(folder: str, recursive: bool, without: Path | None) -> Iterator[Source]:
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
    for name in sorted(names, key=_make_natural_key):
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
    """Return whether a file in a folder is a picture: not hidden, and with a known suffix."""
    return not file.startswith(".") and Path(file).suffix.lower() in SUFFIXES


def make_printable(name: str) -> str:
    """Return a file name as valid Unicode: as a file URI if it has bytes that can't be decoded."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return Path(name).absolute().as_uri()
    return name


def find_path(shown: str) -> Path:
    """Return the path of the file whose name ``make_printable`` or ``make_cell`` gave."""
    if shown.startswith(_FILE_URI):
        return Path(os.fsdecode(unquote_to_bytes(shown.removeprefix(_FILE_URI))))
    return Path(shown)


def make_cell(name: str) -> str:
    """Return a printable name for a cell of CSV: never one that Excel takes for a formula."""
    shown = make_printable(name)
    is_formula = shown != STDIN and shown.startswith(_FORMULA_CHARACTERS)
    return f"./{shown}" if is_formula else shown


def escape_controls(text: str) -> str:
    """Return a text without what a terminal would obey: control characters are escaped.

    Line breaks and tabs stay, as do letters of any writing.
    """
    return _CONTROLS.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _make_natural_key(name: str) -> list[tuple[int, str]]:
    """Return a sort key by which numbers in names are ordered by value."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", name)]
