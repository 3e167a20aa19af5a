"""A template as a printable PDF: markers, labels, combs and boxes, exact to the millimetre."""

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

_INK = 0.25  # grey level of text, 0 black
_LINE = 0.62  # of lines: seen well enough to write between, and paler than any pen
_TITLE_PT, _LABEL_PT, _FOOT_PT = 15.0, 8.0, 6.5
_LABEL_GAP_MM = 1.2
_OWN_FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"


def print_form(template: Template, out: Path, *, font: Path | None = None) -> None:
    """Write a form as PDF, a page of the template's size; print it at 100 %.

    Args:
        template: the form.
        out: file to write; it is replaced.
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
    face = _font(font or _OWN_FONT, template)
    width, height = template.page
    with replace_atomically(out) as temporary:
        # Invariant: the same template makes the same bytes, whenever it is printed.
        canvas = Canvas(str(temporary), pagesize=(width * mm, height * mm), invariant=True)
        canvas.setTitle(template.title or template.form)
        canvas.setCreator("inkread")
        # From here on millimetres, from the top left corner, y down.
        canvas.translate(0, height * mm)
        canvas.scale(mm, mm)
        for identifier, rect in zip(
            markers.identifiers(template), print_layout.marker_rects(template.page), strict=True
        ):
            _draw_marker(canvas, identifier, rect)
        _draw_texts(canvas, template, face)
        canvas.setStrokeGray(_LINE)
        for field in template.fields:
            for line in print_layout.lines(field, template.rects[field.name]):
                canvas.setLineWidth(line.width)
                canvas.setLineCap(2 if line.width == print_layout.LINE_MM else 0)  # closed corners
                canvas.line(line.start[0], -line.start[1], line.end[0], -line.end[1])
        canvas.showPage()
        canvas.save()


def _font(path: Path, template: Template) -> str:
    """Register a font that has every character of the form; return its name."""
    name = f"inkread-{path.stem}"
    try:
        font = TTFont(name, str(path))
    except (TTFError, OSError) as error:
        raise TemplateError(f"{path}: expected a TrueType font: {error}") from error
    pdfmetrics.registerFont(font)
    texts = [template.title, template.form, *(_label(field) for field in template.fields)]
    lacking = {c for text in texts for c in text} - {chr(code) for code in font.face.charToGlyph}
    if lacking:
        raise TemplateError(
            f"{template.form}: expected labels in the characters of the font {path.name}, "
            f"received {''.join(sorted(lacking))!r}; name another font"
        )
    return name


def _draw_marker(canvas: Canvas, identifier: int, rect: Rect) -> None:
    pattern = markers.modules(identifier)
    side = rect.width / len(pattern)
    canvas.setFillGray(0)
    canvas.rect(rect.left, -rect.bottom, rect.width, rect.height, stroke=0, fill=1)
    canvas.setFillGray(1)
    for row, column in zip(*pattern.nonzero(), strict=True):
        # Reaching into a white neighbour, so that no viewer draws a seam between the two.
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
    canvas.setFillGray(_INK)
    middle = width / 2
    _centred(canvas, template.title or template.form, face, _TITLE_PT, (middle, 16.0, width - 44))
    numbers = "-".join(map(str, markers.identifiers(template)))
    _centred(
        canvas, f"{template.form}   {numbers}", face, _FOOT_PT, (middle, height - 12, width - 44)
    )
    for field in template.fields:
        rect = template.rects[field.name]
        size = _LABEL_PT / mm
        canvas.setFont(face, size)
        canvas.drawString(rect.left, -(rect.top - _LABEL_GAP_MM), _label(field))


def _centred(
    canvas: Canvas, text: str, face: str, points: float, place: tuple[float, float, float]
) -> None:
    """Draw text in the middle of ``place``: x, baseline, and the width that it must fit in."""
    size = points / mm
    size *= min(1.0, place[2] / max(pdfmetrics.stringWidth(text, face, size), 1e-6))
    canvas.setFont(face, size)
    canvas.drawCentredString(place[0], -place[1], text)


def _label(field: FormField) -> str:
    label = field.label or field.name.replace("_", " ")
    return f"{label} [{field.format}]" if isinstance(field, DateField) and field.comb else label
