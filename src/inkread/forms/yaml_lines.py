"""Loads YAML with the line number of every value, for error messages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

__all__ = ["YamlDocument", "YamlLineError", "load"]

_MAX_CHARACTERS = 1_000_000  # a template has a few thousand
_MAX_DEPTH = 20  # of lists and mappings in one another; a template has four


class YamlLineError(ValueError):
    """A text that isn't YAML, or uses a feature that is not allowed; the message names the line.

    Attributes:
        line: its number, from 1.
    """

    def __init__(self, reason: str, line: int) -> None:
        """Compose the message from a reason and a line number, from 1."""
        super().__init__(f"line {line}: {reason}")
        self.line = line


@dataclass(frozen=True)
class YamlDocument:
    """A YAML document.

    Attributes:
        values: the loaded values: dicts, lists, texts, numbers, dates, booleans, ``None``.
        lines: the line number, from 1, of each value and each key, by its path.
    """

    values: Any
    lines: dict[tuple[str | int, ...], int]

    def line(self, path: Sequence[str | int]) -> int:
        """Return the line number of a value, or of the closest value that contains it.

        Parts of the path that aren't in the document, such as the tags that pydantic inserts, are
        skipped.
        """
        found: tuple[str | int, ...] = ()
        for part in path:
            if (*found, part) in self.lines:
                found = (*found, part)
        return self.lines.get(found, 1)


def load(text: str) -> YamlDocument:
    """Read a YAML document without tags, anchors or repeated keys, and not nested deep.

    Raises:
        YamlLineError: it isn't YAML, has one of these, or is too long.
    """
    if len(text) > _MAX_CHARACTERS:
        raise YamlLineError(
            f"expected at most {_MAX_CHARACTERS:,} characters, received {len(text):,}", 1
        )
    try:
        loader = yaml.SafeLoader(text)
        try:
            _check_events(text)
            node = loader.get_single_node()
            if node is None:
                raise YamlLineError("expected a YAML document, received none", 1)
            lines = dict(_find_lines(node, (), set()))
            values = loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        reason = error.problem or error.context or "not YAML"
        raise YamlLineError(f"expected YAML: {reason}", mark.line + 1 if mark else 1) from error
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date of the 31st of February
        if isinstance(error, YamlLineError):
            raise
        raise YamlLineError(f"expected YAML: {error}", 1) from error
    return YamlDocument(values, lines)


def _check_events(text: str) -> None:
    """Refuse what PyYAML reads badly, as soon as it is met.

    Values of tags such as ``!!bool`` may fail to be built in any way, and brackets in brackets take
    milliseconds each.
    """
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise YamlLineError("expected a flat document, received one nested too deep", line)
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise YamlLineError(f"expected values without tags, received the tag {tag[:40]}", line)


def _find_lines(
    node: yaml.Node, path: tuple[str | int, ...], seen: set[int]
) -> Iterator[tuple[tuple[str | int, ...], int]]:
    line = node.start_mark.line + 1
    if id(node) in seen:  # an alias stands for a node that was there before
        raise YamlLineError("expected values written out, received an alias", line)
    seen.add(id(node))
    if not path:
        yield (), line
    if isinstance(node, yaml.MappingNode):
        keys: set[str] = set()
        for key, value in node.value:
            key_line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlLineError("expected a word as key", key_line)
            if key.value in keys:
                raise YamlLineError(f"the key {key.value!r} is there twice", key_line)
            keys.add(key.value)
            yield (*path, key.value), key_line
            yield from _find_lines(value, (*path, key.value), seen)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield (*path, index), value.start_mark.line + 1
            yield from _find_lines(value, (*path, index), seen)
