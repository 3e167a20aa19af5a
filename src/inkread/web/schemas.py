"""Bodies of answers, for OpenAPI; ``inkread.results`` describes their values in full.

A class whose name another type of the package has ends in ``Body``; in OpenAPI it does not.
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "About",
    "CellBody",
    "Classified",
    "CorrectionsBody",
    "Current",
    "Deleted",
    "DigitBody",
    "Evidence",
    "ExplanationBody",
    "FigureBody",
    "FormAlignment",
    "FormBody",
    "FormFieldBody",
    "FormTemplate",
    "Kinds",
    "Limits",
    "Models",
    "NumberBody",
    "PageBody",
    "Promoted",
    "Proposal",
    "ProposedBox",
    "Saved",
    "StoredCorrection",
    "TableBody",
]

_Probability = Annotated[float, Field(ge=0, le=1)]
_Box = Annotated[
    list[int], Field(min_length=4, max_length=4, description="left, top, right, bottom; in pixels")
]


class _Body(BaseModel):
    """A body whose name in OpenAPI is that of its class without ``Body``."""

    model_config = ConfigDict(model_title_generator=lambda cls: cls.__name__.removesuffix("Body"))

    def __init_subclass__(cls) -> None:
        """Set the name that components of OpenAPI are called by."""
        cls.__qualname__ = cls.__name__.removesuffix("Body")


class DigitBody(_Body):
    """One recognised digit."""

    label: int | None = Field(ge=0, le=9)
    confidence: _Probability
    box: _Box
    probabilities: list[float] = Field(description="of 0 to 9, given that it is a digit")
    rejected: bool
    junk: _Probability = Field(description="probability that it is no digit")


class NumberBody(_Body):
    """One run of digits."""

    text: str = Field(description="`?` stands for a rejected digit")
    confidence: _Probability
    box: _Box
    digits: list[DigitBody]
    rejected: bool
    raw: str = Field(description="what was written, with separators")
    unconstrained: str | None = Field(
        None,
        description="the text as read without the length, pattern or check, where they changed it",
    )
    printed: bool = Field(False, description="printed rather than handwritten")
    print_probability: _Probability = 0.0
    struck: bool = Field(False, description="crossed out, and not read")
    value: str | None = Field(None, description="with sign and point; null if it is no number")
    unit: str = Field("", description="what is written beside the value")
    date: str | None = Field(None, description="as 2024-12-31, if it is one")
    time: str | None = Field(None, description="as 09:30:00, if it is one")
    value_confidence: _Probability = Field(0.0, description="that the separators are right, too")
    notation: dict[str, str | int | bool | list[int]] = Field(
        {}, description="the options that say how it is written"
    )


class CellBody(_Body):
    """One cell of a ruled table."""

    box: _Box
    number: NumberBody | None


class TableBody(_Body):
    """A ruled table: rows from top to bottom, cells from left to right."""

    box: _Box
    rows: list[list[CellBody | None]]


class PageBody(_Body):
    """Everything that was read on one picture, in reading order."""

    numbers: list[NumberBody]
    width: int
    height: int
    model: str
    page: int | None = None
    tables: list[TableBody] = []
    notes: list[str] = Field([], description="what was seen where nothing sure could be read")


class Evidence(BaseModel):
    """What ink, or empty paper, adds to the odds against the runner-up: (28, 28) each."""

    ink: list[list[float]]
    paper: list[list[float]]


class ExplanationBody(DigitBody):
    """Why a digit was read as it was, and not as the runner-up."""

    runner_up: int
    summary: str
    glyph: list[list[int]] = Field(description="(28, 28), ink 255 on paper 0")
    evidence: Evidence


class Classified(BaseModel):
    """What glyphs are, one row each."""

    model: str
    probabilities: list[list[float]] = Field(description="of 0 to 9, given that it is a digit")
    junk: list[float] = Field(description="probability that it is no digit")


class FigureBody(_Body):
    """A measured share with its 95 % interval."""

    value: float
    n: int
    low: float
    high: float


class Current(BaseModel):
    """A model in use."""

    name: str
    recipe: str
    trained: str
    figures: dict[str, FigureBody]


class Kinds(BaseModel):
    """The models in use: of single digits, and of numbers."""

    glyph: Current
    line: Current


class Promoted(BaseModel):
    """A promoted model."""

    version: int
    name: str
    in_use: bool


class Models(BaseModel):
    """The models in use, and those that were promoted."""

    current: Kinds
    promoted: list[Promoted]


class Limits(BaseModel):
    """What a request may carry."""

    body_bytes: int
    megapixels: float
    batch: int


class About(BaseModel):
    """What this service is and does."""

    version: str
    models: dict[str, str] = Field(description="names of the models in use, by kind")
    limits: Limits
    corrections: str | None = Field(
        description="what is stored of a correction: `picture`, `glyph`, or nothing"
    )
    forms: bool = Field(description="whether it has the routes and the page for forms")


class StoredCorrection(BaseModel):
    """A reading, and what a person says it should have been."""

    id: int
    read: str
    confidence: _Probability
    model: str
    label: str | None = Field(None, description="digits, `not a digit`, or nothing yet")
    created: str
    glyph: str = Field(description="784 bytes in base64: (28, 28), ink 255 on paper 0")
    has_picture: bool
    box: tuple[int, int, int, int] | None = Field(
        None, description="where it is on its picture: left, top, right, bottom"
    )
    strip: str | None = Field(
        None, description="of a whole number: its picture, a PNG file in base64, ink bright"
    )


class CorrectionsBody(_Body):
    """A part of the list, the least confident first."""

    corrections: list[StoredCorrection]
    next: str | None = Field(description="pass it as `after` to go on")
    left: int = Field(description="how many wait for a label")


class Saved(BaseModel):
    """A correction is stored, for good."""

    id: int
    read: str
    confidence: _Probability
    label: str | None


class Deleted(BaseModel):
    """How many corrections are gone."""

    deleted: int


class FormTemplate(BaseModel):
    """A template as text and as values; keys that have their default are left out."""

    yaml: str
    template: dict[str, object]


class ProposedBox(BaseModel):
    """A box found on a blank form."""

    kind: str = Field(description="`comb`, `tick` or `number`: what it looks like")
    cells: int = Field(ge=0, description="of a comb; else 0")
    box: list[float] = Field(
        min_length=4, max_length=4, description="left, top, right, bottom; in mm"
    )


class Proposal(BaseModel):
    """The boxes found on a blank form, in reading order."""

    page: list[float] = Field(description="width and height in mm")
    fields: list[ProposedBox]


class FormFieldBody(_Body):
    """What was read in a field of a form."""

    name: str
    value: str = Field(description="as tables hold it; nothing if empty or unreadable")
    confidence: _Probability
    status: str = Field(description="`ok`, `empty`, `doubtful` or `missing`")
    note: str = Field(description="why a person has to look; else nothing")
    corners: list[list[float]] = Field(
        description="of its box on the scan, in pixels: top left, then clockwise"
    )


class FormAlignment(BaseModel):
    """Where the form lies on its scan."""

    residual_mm: float = Field(description="how far its marks are from where they should be")
    dpi: float
    turned_deg: float


class FormBody(_Body):
    """What was read on a form, in the template's order."""

    form: str
    fields: list[FormFieldBody]
    alignment: FormAlignment
    width: int = Field(description="of the scan, in pixels")
    height: int
    model: str
