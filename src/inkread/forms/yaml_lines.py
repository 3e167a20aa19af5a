"""YAML with the line of every value kept, so that what is wrong with it can be pointed at."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["Marked", "MarkedError", "load"]

_MAX_CHARACTERS = 1_000_000  # a template has a few thousand


class MarkedError(ValueError):
    """Text that isn't YAML, or uses what is not allowed here; says the line."""

    def __init__(self, reason: str, line: int) -> None:
        """Say what is wrong in which line, counted from 1."""
        super().__init__(f"line {line}: {reason}")
        self.line = line


@dataclass(frozen=True)
class Marked:
    """A YAML document.

    Attributes:
        values: its plain values: dicts, lists, text, numbers, dates, booleans, ``None``.
        lines: the line, counted from 1, of each value and each key by its path.
    """

    values: Any
    lines: dict[tuple[str | int, ...], int]

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line of a value, or of the nearest thing around it that is there.

        Parts of the path that name no value, such as the tags that pydantic puts between, are
        passed over.
        """
        found: tuple[str | int, ...] = ()
        for part in path:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found, 1)


def load(text: str) -> Marked:
    """Read a YAML document without tags, anchors or repeated keys.

    Raises:
        MarkedError: no YAML, or it has one of these.
    """
    if len(text) > _MAX_CHARACTERS:
        raise MarkedError(
            f"expected at most {_MAX_CHARACTERS:,} characters, received {len(text):,}", 1
        )
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                raise MarkedError("expected a YAML document, received none", 1)
            lines = dict(_lines(node, (), set()))
            values = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "not YAML"
        raise MarkedError(f"expected YAML: {reason}", mark.line + 1 if mark else 1) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date of the 31st of February
        if isinstance(error, MarkedError):
            raise
        raise MarkedError(f"expected YAML: {error}", 1) from error
    except RecursionError as error:
        raise MarkedError("expected a flat document, received one nested too deep", 1) from error
    return Marked(values, lines)


def _lines(
    node: yaml.Node, path: tuple[str | int, ...], seen: set[int]
) -> Iterator[tuple[tuple[str | int, ...], int]]:
    line = node.start_mark.line + 1
    if id(node) in seen:  # an alias stands for a node that was there before
        raise MarkedError("expected values written out, received an alias", line)
    seen.add(id(node))
    if not path:
        yield (), line
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            key_line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise MarkedError("expected a word as key", key_line)
            if key.value in keys:
                raise MarkedError(f"the key {key.value!r} is there twice", key_line)
            keys.add(key.value)
            yield (*path, key.value), key_line
            yield from _lines(value, (*path, key.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), value.start_mark.line + 1
            yield from _lines(value, (*path, index), seen)
