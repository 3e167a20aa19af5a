"""Read real forms with templates written for them, and count the fields that are right.

FOLDER holds the pictures that the templates in `benchmarks/real-forms` name, and `labels.csv` with
the columns file, left, top, right, bottom, truth and kind (`field`, or `empty`: nothing is written
there). The blank form is the picture with its fields painted out: no blank ones exist. A dash is
nothing written, too, if it is read as void. A value stands if no person has to look at it.

python benchmarks/real_forms.py FOLDER [--show] [--form NAME]
"""

import argparse
import csv
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from provenance import print_provenance

from inkread import Reader
from inkread.forms.field_reader import make_field_reader
from inkread.forms.form_reader import FieldReading, FormReader
from inkread.forms.print_layout import place_cells
from inkread.forms.template import PictureAlignment, Template, load
from inkread.imaging import images

MIN_ALIKE = 6  # with fewer cells of a size, writing would be taken for print
MAX_SHIFT_MM = 0.3  # of a cell from where its template has it
MARGIN_MM = 0.4  # of the cells that are painted out: their lines
TEMPLATES = Path(__file__).parent / "real-forms"
LABELLED = ("left", "top", "right", "bottom")


def paint_out(page: np.ndarray, template: Template) -> np.ndarray:
    """Return the picture of a form with its fields empty: as most cells of a size are."""
    blank = page.copy()
    scale = page.shape[1] / template.page[0]
    reach = max(1, round(MAX_SHIFT_MM * scale))
    groups: dict[tuple[int, int], list[tuple[int, int, int, int]]] = {}
    for field in template.fields:
        for cell in place_cells(field, template.rects[field.name]):
            left, top, right, bottom = (round(side * scale) for side in cell.expand(MARGIN_MM))
            size = round((right - left) / 6), round((bottom - top) / 6)
            groups.setdefault(size, []).append((left, top, right, bottom))
    for boxes in groups.values():
        left, top, right, bottom = boxes[0]
        shape = right - left, bottom - top
        cells = [cv2.resize(page[t:b, x:r], shape) for x, t, r, b in boxes]
        if len(boxes) < MIN_ALIKE:
            light = np.broadcast_to(
                np.percentile(np.stack(cells), 80, axis=(0, 1, 2)), (*shape[::-1], 3)
            )
            shifts = [(0, 0)] * len(cells)
        else:
            light, shifts = average_cells(cells, reach)
        for (x, t, r, b), shift in zip(boxes, shifts, strict=True):
            moved = np.roll(light, (-shift[1], -shift[0]), axis=(0, 1))
            blank[t:b, x:r] = cv2.resize(moved.astype(np.uint8), (r - x, b - t))
    return blank


def average_cells(cells: list[np.ndarray], reach: int) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Return what most cells show, none being quite in its place, and how far each is from it."""
    shifts = [(0, 0)] * len(cells)
    for _ in range(3):
        moved = [np.roll(c, s[::-1], axis=(0, 1)) for c, s in zip(cells, shifts, strict=True)]
        light = np.percentile(np.stack(moved), 80, axis=0)
        core = light[reach:-reach, reach:-reach].astype(np.float32)
        for index, cell in enumerate(cells):
            scores = cv2.matchTemplate(cell.astype(np.float32), core, cv2.TM_CCOEFF_NORMED)
            x, y = cv2.minMaxLoc(scores)[3]
            shifts[index] = reach - x, reach - y
    return light, shifts


def find_truths(template: Template, rows: list[dict[str, str]], scale: float) -> dict[str, str]:
    """Return what is written in each field, by the label in the middle of its box."""
    truths = {}
    for name, rect in template.rects.items():
        x, y = (rect.left + rect.right) / 2 * scale, (rect.top + rect.bottom) / 2 * scale
        for row in rows:
            left, top, right, bottom = (int(row[side]) for side in LABELLED)
            if left <= x <= right and top <= y <= bottom:
                truths[name] = row["truth"]
    return truths


def is_right(reading: FieldReading, truth: str) -> bool:
    """Return whether what was read is what is written; leading zeros and dashes mean nothing."""
    if truth in ("", "-"):
        return reading.value is None
    return reading.text.lstrip("0") == truth.lstrip("0")


def main() -> None:
    """Read each form, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--form", help="only this one")
    parser.add_argument("--show", action="store_true", help="print each field that is not right")
    options = parser.parse_args()
    print_provenance()
    with (options.folder / "labels.csv").open(newline="") as file:
        labels = list(csv.DictReader(file))
    fields = make_field_reader(Reader(threads=1))
    total: Counter[str] = Counter()
    for path in sorted(TEMPLATES.glob(f"{options.form or '*'}.yaml")):
        template = load(path)
        assert isinstance(template.align, PictureAlignment)
        picture = options.folder / template.align.picture
        blank = paint_out(cv2.imread(str(picture)), template)
        reader = FormReader(template, fields, blank=cv2.cvtColor(blank, cv2.COLOR_BGR2RGB))
        rows = [row for row in labels if row["file"] == picture.name]
        truths = find_truths(template, rows, blank.shape[1] / template.page[0])
        counts: Counter[str] = Counter()
        for reading in reader.read(images.load(picture)).fields:
            truth = truths[reading.name]
            right, stands = is_right(reading, truth), not reading.is_set_aside
            counts["fields"] += 1
            counts["right"] += right
            counts["standing"] += stands
            counts["standing and wrong"] += stands and not right
            counts["writing called empty"] += reading.status == "empty" and truth not in ("", "-")
            if options.show and not (right and stands):
                print(
                    f"  {template.form} {reading.name}: {truth!r} read as {reading.text!r} "
                    f"{reading.confidence:.4f} {reading.status} {reading.note}"
                )
        print(f"{template.form}: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
        total += counts
    print("all: " + ", ".join(f"{n} {name}" for name, n in total.items()), flush=True)


if __name__ == "__main__":
    main()
