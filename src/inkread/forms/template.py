"""A form as a YAML file: where its fields are, what they hold, and what ties them together."""

import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_core import ErrorDetails

from inkread.errors import ConfigError
from inkread.forms import print_layout, yaml_lines
from inkread.forms.fields import (
    AmountField,
    CheckRule,
    DateField,
    FormField,
    OrderRule,
    Rect,
    Rule,
    Strict,
    SumRule,
    TickField,
)

__all__ = [
    "PictureAlignment",
    "Template",
    "TemplateError",
    "load",
    "parse",
]

Fault = tuple[tuple[str | int, ...], str]

PAGES_MM = {"a4": (210.0, 297.0), "a5": (148.0, 210.0), "letter": (215.9, 279.4)}
_QUIET_MM = 2.0  # what must stay white around a marker
_MIN_CELL_MM = (3.0, 4.0)
_MIN_BOX_MM = 2.5


class TemplateError(ConfigError):
    """A template that is no YAML, or describes a form that can't be; says the line and field.

    Attributes:
        faults: what is said of each place, by the path to it, such as ``("fields", 0, "box")``;
            none if it is not about places in a template.
    """

    def __init__(self, text: str, faults: Sequence[Fault] = ()) -> None:
        """Say what is wrong."""
        super().__init__(text)
        self.faults = tuple(faults)


class PictureAlignment(Strict):
    """Alignment by what is printed on the form: a picture of a blank one.

    Attributes:
        picture: of the whole page, edge to edge, upright; a relative path starts at the template.
    """

    picture: str


class Template(Strict):
    """A form.

    Attributes:
        form: its name.
        title: what is printed on top of it.
        page: width and height in millimetres, or the name of a paper size.
        unit: of the boxes: ``mm``, or ``fraction`` of the page's width and height.
        align: ``markers``, or a picture of the blank form.
        fields: what is written on it.
        rules: between the fields.
        folder: relative paths start here.
    """

    form: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,59}$")
    title: str = Field("", max_length=120)
    page: tuple[float, float] = PAGES_MM["a4"]
    unit: Literal["mm", "fraction"] = "mm"
    align: Literal["markers"] | PictureAlignment = "markers"
    fields: tuple[FormField, ...] = Field(min_length=1, max_length=500)
    rules: tuple[Rule, ...] = ()
    folder: Path = Field(Path(), exclude=True)

    @field_validator("page", mode="before")
    @classmethod
    def _page_by_name(cls, page: Any) -> Any:
        if isinstance(page, str):
            if page not in PAGES_MM:
                raise ValueError(f"expected one of {', '.join(PAGES_MM)}, or [width, height] in mm")
            return PAGES_MM[page]
        return page

    @field_validator("page")
    @classmethod
    def _page_is_paper(cls, page: tuple[float, float]) -> tuple[float, float]:
        if not all(50 <= side <= 1000 for side in page):
            raise ValueError("expected a page of 50 to 1000 mm in width and height")
        return page

    @cached_property
    def rects(self) -> dict[str, Rect]:
        """Where each field is, in millimetres, by its name."""
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
        """SHA-256 of what can be seen of the form: where it is written, and under which name."""
        seen = [self.form, self.page, self.align if isinstance(self.align, str) else "picture"]
        for field in self.fields:
            box = [round(side, 2) for side in self.rects[field.name]]
            seen.append((field.name, field.kind, field.num_cells, box))
        return hashlib.sha256(repr(seen).encode()).digest()

    def named(self, name: str) -> "FormField":
        """Return a field by its name."""
        return next(field for field in self.fields if field.name == name)


def parse(text: str, name: str = "template", folder: Path | None = None) -> Template:
    """Read a template.

    Args:
        text: YAML.
        name: of the file, for what is said about it.
        folder: relative paths in it start here; by default where the process runs.

    Raises:
        TemplateError: no YAML, unknown or missing keys, boxes that overlap or lie outside the page,
            constraints that no number meets, rules about fields that aren't there; every one of
            them with its line and field.
    """
    try:
        document = yaml_lines.load(text)
    except yaml_lines.MarkedError as error:
        raise TemplateError(f"{name}, {error}") from error
    if not isinstance(document.values, dict):
        raise TemplateError(f"{name}, line 1: expected keys and values, as in 'form: my-form'")
    if "folder" in document.values:
        line = document.line(("folder",))
        raise TemplateError(f"{name}, line {line}: 'folder': unknown key")
    try:
        template = Template.model_validate({**document.values, "folder": folder or Path()})
    except ValidationError as error:
        found = [
            (each["loc"], _described(each, document, name))
            for each in error.errors(include_url=False)
            # What is wrong with the things in a list is said of each, not of the list again.
            if not (each["type"] == "too_short" and each["input"])
        ]
        raise _refusal(found) from error
    found = [
        (path, f"{name}, line {document.line(path)}{_field_text(path, document)}: {reason}")
        for path, reason in _contradictions(template)
    ]
    if found:
        raise _refusal(found)
    return template


def _refusal(faults: Sequence[Fault]) -> TemplateError:
    said = {text: (path, text) for path, text in faults}
    return TemplateError("\n".join(said), tuple(said.values()))


def load(path: str | os.PathLike[str]) -> Template:
    """Read a template's file.

    Raises:
        TemplateError: it can't be read, or as for ``parse``.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise TemplateError(f"{path}: expected a template in YAML: {error}") from error
    return parse(text, str(path), Path(path).parent)


def _contradictions(template: Template) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield what pydantic can't see from one value alone, with the path to it."""
    names = [field.name for field in template.fields]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield ("fields", index, "name"), f"the name {name!r} is there twice"
            return
    yield from _misplaced(template)
    for index, rule in enumerate(template.rules):
        yield from ((("rules", index), reason) for reason in _impossible(rule, template))


def _misplaced(template: Template) -> Iterator[tuple[tuple[str | int, ...], str]]:
    page = Rect(0, 0, *template.page)
    rects = [template.rects[field.name] for field in template.fields]
    for index, (field, rect) in enumerate(zip(template.fields, rects, strict=True)):
        path = ("fields", index, "box")
        if not rect.within(page):
            yield path, f"outside: expected a box on the page of {_mm(page)}, received {_mm(rect)}"
        cells = max(1, field.num_cells)
        if min(rect.width, rect.height) < _MIN_BOX_MM:
            yield path, f"expected at least {_MIN_BOX_MM:g} mm in width and height"
        elif field.num_cells and (
            rect.width / cells < _MIN_CELL_MM[0] or rect.height < _MIN_CELL_MM[1]
        ):
            least = f"{_MIN_CELL_MM[0]:g} x {_MIN_CELL_MM[1]:g} mm"
            received = f"{rect.width / cells:.1f} x {rect.height:.1f} mm"
            yield path, f"expected cells of at least {least}, received {cells} of {received}"
        if template.align == "markers" and any(
            rect.overlaps(marker.grown(_QUIET_MM))
            for marker in print_layout.marker_rects(template.page)
        ):
            yield path, "overlaps a marker; those are in the corners of the page"
        for other, other_rect in zip(template.fields[:index], rects, strict=False):
            if rect.overlaps(other_rect):
                yield path, f"overlaps the box of {other.name!r}"


def _impossible(rule: Rule, template: Template) -> Iterator[str]:
    known = {field.name: field for field in template.fields}
    missing = [name for name in rule.over if name not in known]
    if missing:
        yield f"expected names of fields, received {', '.join(missing)}"
        return
    if len(set(rule.over)) < len(rule.over):
        yield "expected each field once"
    fields = [known[name] for name in rule.over]
    if any(isinstance(field, TickField) for field in fields):
        yield "expected fields with digits, received a box to tick"
    elif isinstance(rule, SumRule) and any(isinstance(field, DateField) for field in fields):
        yield "expected numbers or amounts to add up, received a date"
    elif isinstance(rule, OrderRule):
        for one, other in itertools.pairwise(fields):
            if isinstance(one, DateField) != isinstance(other, DateField):
                yield f"expected dates, or numbers: {one.name} and {other.name} can't be compared"
    elif isinstance(rule, CheckRule) and any(
        isinstance(field, DateField | AmountField) for field in fields
    ):
        yield "expected numbers to have a check digit, received a date or an amount"


def _mm(rect: Rect) -> str:
    return "[" + ", ".join(f"{side:g}" for side in rect) + "] mm"


def _described(error: ErrorDetails, document: yaml_lines.Marked, name: str) -> str:
    path = error["loc"]
    line = document.line(path)
    where = f"{name}, line {line}{_field_text(path, document)}"
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


def _field_text(path: Sequence[str | int], document: yaml_lines.Marked) -> str:
    """Name the field or the rule, and the key, that a path leads to."""
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
