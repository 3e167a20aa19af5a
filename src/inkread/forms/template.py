"""Loads and validates form templates in YAML: fields, their positions, and rules between them."""

import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from inkread.decoding.automaton import limit_work
from inkread.errors import ConfigError
from inkread.forms import print_layout, yaml_lines
from inkread.forms.fields import (
    AmountField,
    DateField,
    DecimalField,
    FormField,
    NumberField,
    Rect,
    StrictModel,
    TickField,
    TimeField,
)
from inkread.forms.relations import CheckRule, OrderRule, Rule, SumRule

__all__ = [
    "PAGE_SIZES_MM",
    "PictureAlignment",
    "Template",
    "TemplateError",
    "load",
    "parse",
]

Fault = tuple[tuple[str | int, ...], str]  # the path to a value, and what is wrong with it

PAGE_SIZES_MM = {"a4": (210.0, 297.0), "a5": (148.0, 210.0), "letter": (215.9, 279.4)}
_MIN_MARKER_MARGIN_MM = 2.0  # white around a marker, to be detected
_MIN_CELL_SIZE_MM = (2.0, 2.5)  # width, height
_MIN_BOX_SIDE_MM = 2.0
_MAX_FAULTS = 50  # that are told of at once
_MAX_STEPS = 6_000_000  # to build the constraints of all fields: about three seconds


class TemplateError(ConfigError):
    """An invalid template; the message names the line and the field.

    Attributes:
        faults: the path to each invalid value, such as ``("fields", 0, "box")``, and what is wrong
            with it; empty if the error isn't about values in a template.
    """

    def __init__(self, text: str, faults: Sequence[Fault] = ()) -> None:
        """Keep the message and the faults."""
        super().__init__(text)
        self.faults = tuple(faults)


class PictureAlignment(StrictModel):
    """Alignment by the print of the form, as it is in a picture of a blank one.

    Attributes:
        picture: path of a picture of the whole page, edge to edge, upright; a relative path starts
            at the template's folder.
    """

    picture: str


class Template(StrictModel):
    """A form.

    Attributes:
        form: its name.
        title: its printed title; by default the name.
        page: width and height in millimetres; in YAML also the name of a paper size.
        unit: unit of the boxes: ``mm``, or ``fraction`` of the page's width and height.
        align: how scans are aligned: by ``markers``, or by a picture of the blank form.
        fields: the fields that are filled in.
        rules: the rules between the fields.
        folder: where relative paths start.
    """

    form: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}$")
    title: str = Field("", max_length=120)
    page: tuple[float, float] = PAGE_SIZES_MM["a4"]
    unit: Literal["mm", "fraction"] = "mm"
    align: Literal["markers"] | PictureAlignment = "markers"
    fields: tuple[FormField, ...] = Field(min_length=1, max_length=500)
    rules: tuple[Rule, ...] = ()
    folder: Path = Field(Path(), exclude=True)

    @field_validator("page", mode="before")
    @classmethod
    def _look_up_page_size(cls, page: Any) -> Any:
        if isinstance(page, str):
            if page not in PAGE_SIZES_MM:
                raise ValueError(
                    f"expected one of {', '.join(PAGE_SIZES_MM)}, or [width, height] in mm"
                )
            return PAGE_SIZES_MM[page]
        return page

    @field_validator("page")
    @classmethod
    def _has_valid_page_size(cls, page: tuple[float, float]) -> tuple[float, float]:
        if not all(50 <= side <= 1000 for side in page):
            raise ValueError("expected a page of 50 to 1000 mm in width and height")
        return page

    @cached_property
    def rects(self) -> dict[str, Rect]:
        """The box of each field, in millimetres, by the field's name."""
        width, height = (1.0, 1.0) if self.unit == "mm" else self.page
        return {
            field.name: Rect(
                field.box[0] * width,
                field.box[1] * height,
                field.box[2] * width,
                field.box[3] * height,
            )
            for field in self.fields
        }

    @cached_property
    def digest(self) -> bytes:
        """SHA-256 of the form's visible properties: names, page, kinds and boxes of its fields."""
        seen = [self.form, self.page, self.align if isinstance(self.align, str) else "picture"]
        for field in self.fields:
            box = [round(side, 2) for side in self.rects[field.name]]
            seen.append((field.name, field.kind, field.num_cells, box))
        return hashlib.sha256(repr(seen).encode()).digest()

    def field_named(self, name: str) -> "FormField":
        """Return the field with this name."""
        return next(field for field in self.fields if field.name == name)


def parse(text: str, name: str = "template", folder: Path | None = None) -> Template:
    """Parse a template.

    Args:
        text: YAML.
        name: name of the file, for error messages.
        folder: where relative paths in it start; by default the working directory.

    Raises:
        TemplateError: it isn't YAML, keys are unknown or missing, boxes overlap or lie outside the
            page, no number satisfies a constraint, or a rule names an unknown field; the message
            lists all faults, each with its line and field.
    """
    try:
        document = yaml_lines.load(text)
    except yaml_lines.YamlLineError as error:
        raise TemplateError(f"{name}, {error}") from error
    if not isinstance(document.values, dict):
        raise TemplateError(f"{name}, line 1: expected keys and values, as in 'form: my-form'")
    if "folder" in document.values:
        line = document.line(("folder",))
        raise TemplateError(f"{name}, line {line}: 'folder': unknown key")
    try:
        with limit_work(_MAX_STEPS):
            template = Template.model_validate({**document.values, "folder": folder or Path()})
    except ValidationError as error:
        found = [
            (each["loc"], _describe_error(each, document, name))
            for each in error.errors(include_url=False)[:_MAX_FAULTS]
            # Faults of the items of a list are reported for each; the list needn't be named too.
            if not (each["type"] == "too_short" and each["input"])
        ]
        raise _make_error(found) from error
    found = [
        (path, f"{name}, line {document.line(path)}{_describe_place(path, document)}: {reason}")
        for path, reason in itertools.islice(_find_contradictions(template), _MAX_FAULTS)
    ]
    if found:
        raise _make_error(found)
    return template


def _make_error(faults: Sequence[Fault]) -> TemplateError:
    said = {text: (path, text) for path, text in faults}
    return TemplateError("\n".join(said), tuple(said.values()))


def load(path: str | os.PathLike[str]) -> Template:
    """Load a template from its file.

    Raises:
        TemplateError: it can't be read, or as for ``parse``.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TemplateError(f"{path}: expected a template in YAML: {error}") from error
    return parse(text, str(path), Path(path).parent)


def _find_contradictions(template: Template) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield faults that involve several values, which pydantic's validation of each can't find."""
    names = [field.name for field in template.fields]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("fields", index, "name"), f"the name {name!r} is there twice"
            return
    yield from _find_misplaced_boxes(template)
    for index, rule in enumerate(template.rules):
        yield from ((("rules", index), reason) for reason in _find_rule_errors(rule, template))


def _find_misplaced_boxes(template: Template) -> Iterator[tuple[tuple[str | int, ...], str]]:
    page = Rect(0, 0, *template.page)
    rects = [template.rects[field.name] for field in template.fields]
    for index, (field, rect) in enumerate(zip(template.fields, rects, strict=True)):
        path = ("fields", index, "box")
        if not rect.is_within(page):
            reason = f"outside: expected a box on the page of {_format_rect(page)}"
            yield path, f"{reason}, received {_format_rect(rect)}"
        cells = max(1, field.num_cells)
        if min(rect.width, rect.height) < _MIN_BOX_SIDE_MM:
            yield path, f"expected at least {_MIN_BOX_SIDE_MM:g} mm in width and height"
        elif field.num_cells and (
            rect.width / cells < _MIN_CELL_SIZE_MM[0] or rect.height < _MIN_CELL_SIZE_MM[1]
        ):
            least = f"{_MIN_CELL_SIZE_MM[0]:g} x {_MIN_CELL_SIZE_MM[1]:g} mm"
            received = f"{rect.width / cells:.1f} x {rect.height:.1f} mm"
            yield path, f"expected cells of at least {least}, received {cells} of {received}"
        if template.align == "markers" and any(
            rect.overlaps(marker.expand(_MIN_MARKER_MARGIN_MM))
            for marker in print_layout.place_markers(template.page)
        ):
            yield path, "overlaps a marker; those are in the corners of the page"
        for other, other_rect in zip(template.fields[:index], rects, strict=False):
            if rect.overlaps(other_rect):
                yield path, f"overlaps the box of {other.name!r}"


def _find_rule_errors(rule: Rule, template: Template) -> Iterator[str]:
    known = {field.name: field for field in template.fields}
    missing = [name for name in rule.field_names if name not in known]
    if missing:
        yield f"expected names of fields, received {', '.join(missing)}"
        return
    if len(set(rule.field_names)) < len(rule.field_names):
        yield "expected each field once"
    yield from _find_kind_errors(rule, [known[name] for name in rule.field_names])


def _find_kind_errors(rule: Rule, fields: Sequence[FormField]) -> Iterator[str]:
    if any(isinstance(field, TickField) for field in fields):
        yield "expected fields with digits, received a box to tick"
    elif any(isinstance(field, NumberField) and field.count > 1 for field in fields):
        yield "expected fields with one number each, received one with several"
    elif isinstance(rule, SumRule) and any(isinstance(f, DateField | TimeField) for f in fields):
        yield "expected numbers or amounts to add up, received a date or a time"
    elif isinstance(rule, SumRule) and any(_has_separators(field) for field in fields):
        yield "expected numbers of digits to add up, received a pattern with separators"
    elif isinstance(rule, OrderRule):
        for one, other in itertools.pairwise(fields):
            if any(isinstance(one, k) != isinstance(other, k) for k in (DateField, TimeField)):
                yield f"expected dates, or numbers: {one.name} and {other.name} can't be compared"
            elif _has_separators(one) or _has_separators(other):
                yield "expected numbers of digits in order, received a pattern with separators"
    elif isinstance(rule, CheckRule) and any(
        isinstance(field, DateField | AmountField | DecimalField | TimeField) for field in fields
    ):
        yield "expected numbers to have a check digit, received a date, time or an amount"


def _has_separators(field: FormField) -> bool:
    return isinstance(field, NumberField) and field.constraint.names_separators


def _format_rect(rect: Rect) -> str:
    return "[" + ", ".join(f"{side:g}" for side in rect) + "] mm"


def _describe_error(error: ErrorDetails, document: yaml_lines.YamlDocument, name: str) -> str:
    path = error["loc"]
    line = document.line(path)
    where = f"{name}, line {line}{_describe_place(path, document)}"
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key {path[-1]!r}"
    if error["type"] == "union_tag_not_found":
        return f"{where}: missing key 'kind'"
    if error["type"] == "missing":
        if isinstance(path[-1], int):
            return f"{where}: expected more than {path[-1]} values"
        return f"{where}: missing key {path[-1]!r}"
    reason = error["msg"].removeprefix("Value error, ").replace("Input should", "expected to", 1)
    reason = reason.replace("expected to be ", "expected ", 1)
    received = error["input"]
    text = "" if isinstance(received, dict) else f", received {received!r}"
    return f"{where}: {reason}{text}"


def _describe_place(path: Sequence[str | int], document: yaml_lines.YamlDocument) -> str:
    """Describe the field or the rule, and the key, that a path leads to."""
    if len(path) < 2 or path[0] not in ("fields", "rules"):
        return f", {path[0]!r}" if path else ""
    index = path[1]
    keys = [part for part in path[2:] if (*path[:2], part) in document.lines]
    inside = f" ({keys[-1]})" if keys else ""
    if path[0] == "rules":
        return f", rule {int(index) + 1}{inside}"
    try:
        name = document.values["fields"][index]["name"]
    except (LookupError, TypeError):
        name = f"number {int(index) + 1}"
    return f", field {name}{inside}"
