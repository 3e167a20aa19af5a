"""Fit the constants behind the confidences of form fields, on synthetic scans of forms.

Cells filled in with MNIST's validation digits say how much the two models count where they read
the same cell (`_GLYPH_POWER`, `_LINE_POWER` in forms/field_reader.py). Scans of blank forms, and of
forms filled in so faintly that nothing is read, say how sure an empty field is by the marks in it
(`_EMPTY_LOGIT` in forms/form_reader.py), and a box to tick by its ink (`_TICK_SLOPE`). Run it again
when a model is replaced. What stands at which error, `benchmarks/forms.py --split validation` says.

python tools/fit_form_confidence.py [--count 60] [--seed 1]
"""

import argparse
import itertools
from pathlib import Path

import cv2
import numpy as np

from inkread import Reader
from inkread.forms.align import Aligner
from inkread.forms.extract import FieldInk, extract_field
from inkread.forms.field_reader import make_field_reader, multiply
from inkread.forms.fields import TickField
from inkread.forms.form_reader import measure_marks, measure_tick
from inkread.forms.template import Template, load
from inkread.imaging import images, normalize
from inkread.training import mnist
from inkread.training.synthesis import filled_forms

TEMPLATE = Path(__file__).parent.parent / "benchmarks" / "forms-plain.yaml"
POWERS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0), (0.0, 0.2, 0.35, 0.5, 0.65, 0.8)
FAINT_SHARES = 0.03, 0.25  # of a pen's darkness
RIDGE = 0.01  # keeps the slopes finite where the two kinds are told apart without an error
SURE = 0.999  # cells from here on get no second look


def scan(
    template: Template, page: np.ndarray, aligner: Aligner, rng: np.random.Generator
) -> dict[str, FieldInk]:
    """Scan a page and extract its fields."""
    pixels = images.load(filled_forms.scan_page(template, page, rng).data)
    alignment = aligner.locate(pixels)
    return {
        field.name: extract_field(pixels, alignment, field, template.rects[field.name])
        for field in template.fields
    }


def fit_logit(values: np.ndarray, is_true: np.ndarray) -> tuple[float, float]:
    """Fit log-odds that are linear in a value: their offset and slope, by Newton's method."""
    inputs = np.column_stack([np.ones_like(values), values])
    weights = np.zeros(2)
    for _ in range(50):
        chances = 1 / (1 + np.exp(-inputs @ weights))
        gradient = inputs.T @ (is_true - chances) - RIDGE * weights
        curvature = (inputs * (chances * (1 - chances))[:, None]).T @ inputs + RIDGE * np.eye(2)
        weights += np.clip(np.linalg.solve(curvature, gradient), -2, 2)
    return float(weights[0]), float(weights[1])


def fit_powers(glyph: np.ndarray, line: np.ndarray, truth: np.ndarray) -> None:
    """Print the powers with which the truth is the most probable."""
    losses = {
        powers: -np.log(multiply(glyph, line, powers)[np.arange(len(truth)), truth]).mean()
        for powers in itertools.product(*POWERS)
    }
    alone = -np.log(np.maximum(glyph[np.arange(len(truth)), truth], 1e-6)).mean()
    print(f"{len(truth):,} doubtful cells; glyph model alone: {alone:.4f} nats")
    for powers in sorted(losses, key=losses.get)[:3]:
        right = (multiply(glyph, line, powers).argmax(axis=1) == truth).mean()
        print(f"  powers {powers}: {losses[powers]:.4f} nats, right {right:.2%}")


def main() -> None:
    """Make the scans, fit, and print the constants."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="forms, half of them faint")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    template = load(TEMPLATE)
    split = mnist.load().validation
    fields, aligner = make_field_reader(Reader(threads=1)), Aligner(template)
    model = Reader(threads=1).model
    blank = filled_forms.render_blank_page(template)
    rng = np.random.default_rng(options.seed)
    cells, truths = [], []
    marks, emptiness, inks, ticked = [], [], [], []
    for number in range(options.count):
        texts = filled_forms.draw_texts(template, rng)
        written = filled_forms.write_texts(template, blank, texts, split, rng)
        is_faint = number % 2 == 1
        share = rng.uniform(*FAINT_SHARES) if is_faint else 1.0
        page = np.uint8(blank - share * (blank.astype(np.float32) - written))
        for filled in (True, False):  # the same form, and a blank one
            found = scan(template, page if filled else blank, aligner, rng)
            for field in template.fields:
                ink = found[field.name]
                if isinstance(field, TickField):
                    is_ticked = filled and texts[field.name] == filled_forms.TICKED
                    if not (is_ticked and is_faint):
                        inks.append(measure_tick(ink))
                        ticked.append(is_ticked)
                elif sum(ink.areas_mm2) == 0:
                    marks.append(measure_marks(ink))
                    emptiness.append(not filled)
                elif field.num_cells and filled and len(ink.filled_cells) == len(texts[field.name]):
                    cells += [ink.cells[place] for place in ink.filled_cells]
                    truths += map(int, texts[field.name])
    glyphs = np.stack([normalize.make_glyph(cell, model.shape) for cell in cells])
    by_glyph = model.classify(glyphs).probabilities
    (doubtful,) = np.nonzero(by_glyph.max(axis=1) < SURE)
    by_line = fields.read_as_lines([cells[index] for index in doubtful])
    fit_powers(by_glyph[doubtful], by_line, np.array(truths)[doubtful])
    is_empty = np.array(emptiness)
    offset, slope = fit_logit(np.array(marks), is_empty)
    print(f"{is_empty.sum():,} empty, {(~is_empty).sum():,} faint fields without ink: ", end="")
    print(f"_EMPTY_LOGIT = ({offset:.1f}, {-slope:.1f})")
    offset, slope = fit_logit(np.array(inks), np.array(ticked))
    print(f"{sum(ticked)} of {len(ticked)} ticked: _TICK_SLOPE = {slope:.1f}, offset {offset:.1f}")


if __name__ == "__main__":
    main()
