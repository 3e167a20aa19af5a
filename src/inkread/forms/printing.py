"""Draws a form as a printable PDF, to scale: markers, labels, combs and boxes."""

from pathlib import Path

import reportlab
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFError, TTFont
from reportlab.pdfgen.canvas import Canvas

from inkread.files import replace_atomically
from inkread.forms import markers, print_layout
from inkread.forms.fields import DateField, FormField, Rect
from inkread.forms.template import Template, TemplateError

__all__ = ["print_form"]

_TEXT_GREY = 0.25  # 0 black, 1 white
_LINE_GREY = 0.62  # dark enough to write between the lines, and paler than any pen
_TITLE_PT, _LABEL_PT, _FOOT_PT = 15.0, 8.0, 6.5
_LABEL_GAP_MM = 1.2
_DEFAULT_FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"


def print_form(template: Template, out: Path, *, font: Path | None = None) -> None:
    """Write a form as PDF: one page of the template's size, to be printed at 100 %.

    Args:
        template: the form.
        out: file to write; replaced if it is there.
        font: a TrueType font for titles and labels; by default Bitstream Vera.

    Raises:
        TemplateError: the template is aligned by a picture of a form that is printed already, or
            the font can't be read or lacks a character of a label.
        OSError: the file can't be written.
    """
    if template.align != "markers":
        raise TemplateError(
            f"{template.form}: expected 'align: markers', received a picture: that form is printed"
        )
    face = _register_font(font or _DEFAULT_FONT, template)
    width, height = template.page
    with replace_atomically(out) as temporary:
        # Invariant leaves out dates, so that the same template always gives the same bytes.
        canvas = Canvas(str(temporary), pagesize=(width * mm, height * mm), invariant=True)
        canvas.setTitle(template.title or template.form)
        canvas.setCreator("inkread")
        # From here on coordinates are in millimetres from the top left corner; y is negative.
        canvas.translate(0, height * mm)
        canvas.scale(mm, mm)
        for identifier, rect in zip(
            markers.assign_identifiers(template),
            print_layout.place_markers(template.page),
            strict=True,
        ):
            _draw_marker(canvas, identifier, rect)
        _draw_texts(canvas, template, face)
        canvas.setStrokeGray(_LINE_GREY)
        for field in template.fields:
            for line in print_layout.place_lines(field, template.rects[field.name]):
                canvas.setLineWidth(line.width_mm)
                canvas.setLineCap(
                    2 if line.width_mm == print_layout.LINE_MM else 0
                )  # closed corners
                canvas.line(line.start[0], -line.start[1], line.end[0], -line.end[1])
        canvas.showPage()
        canvas.save()


def _register_font(path: Path, template: Template) -> str:
    """Register a font and return its name.

    Raises:
        TemplateError: it can't be read, or lacks a character of the form.
    """
    name = f"inkread-{path.stem}"
    try:
        font = TTFont(name, str(path))
    except (TTFError, OSError) as error:
        raise TemplateError(f"{path}: expected a TrueType font: {error}") from error
    pdfmetrics.registerFont(font)
    texts = [template.title, template.form, *(_label_of(field) for field in template.fields)]
    lacking = {c for text in texts for c in text} - {chr(code) for code in font.face.charToGlyph}
    if lacking:
        raise TemplateError(
            f"{template.form}: expected labels in the characters of the font {path.name}, "
            f"received {''.join(sorted(lacking))!r}; name another font"
        )
    return name


def _draw_marker(canvas: Canvas, identifier: int, rect: Rect) -> None:
    pattern = markers.draw_modules(identifier)
    side = rect.width / len(pattern)
    canvas.setFillGray(0)
    canvas.rect(rect.left, -rect.bottom, rect.width, rect.height, stroke=0, fill=1)
    canvas.setFillGray(1)
    for row, column in zip(*pattern.nonzero(), strict=True):
        # It overlaps a white neighbour, as some viewers draw a seam between two that only touch.
        right = 0.02 if column + 1 < len(pattern) and pattern[row, column + 1] else 0
        below = 0.02 if row + 1 < len(pattern) and pattern[row + 1, column] else 0
        canvas.rect(
            rect.left + column * side,
            -(rect.top + (row + 1) * side + below),
            side + right,
            side + below,
            stroke=0,
            fill=1,
        )


def _draw_texts(canvas: Canvas, template: Template, face: str) -> None:
    width, height = template.page
    canvas.setFillGray(_TEXT_GREY)
    middle = width / 2
    _draw_centred(
        canvas, template.title or template.form, face, _TITLE_PT, (middle, 16.0, width - 44)
    )
    numbers = "-".join(map(str, markers.assign_identifiers(template)))
    _draw_centred(
        canvas, f"{template.form}   {numbers}", face, _FOOT_PT, (middle, height - 12, width - 44)
    )
    for field in template.fields:
        rect = template.rects[field.name]
        size = _LABEL_PT / mm
        canvas.setFont(face, size)
        canvas.drawString(rect.left, -(rect.top - _LABEL_GAP_MM), _label_of(field))


def _draw_centred(
    canvas: Canvas, text: str, face: str, points: float, place: tuple[float, float, float]
) -> None:
    """Draw text in the middle of ``place``: x, baseline, and the width that it must fit in."""
    size = points / mm
    size *= min(1.0, place[2] / max(pdfmetrics.stringWidth(text, face, size), 1e-6))
    canvas.setFont(face, size)
    canvas.drawCentredString(place[0], -place[1], text)


def _label_of(field: FormField) -> str:
    label = field.label or field.name.replace("_", " ")
    return f"{label} [{field.format}]" if isinstance(field, DateField) and field.comb else label
