"""Measure the share of non-digits that a model rejects, and the share of digits rejected with them.

The non-digits are letters and symbols of Debian's handwriting fonts, which nothing was trained on,
except those that look like digits; and pictures of blank paper, scribbles, ruled lines, smudges,
fragments of digits and pairs of digits. For a model without a "no digit" output, the score is 1
minus its highest probability. ``tune`` uses other fonts than ``measure``, and MNIST's validation
digits instead of its test digits, so use only ``tune`` to choose a model or a threshold.

``--pens`` adds a threshold that also keeps the digits of other people than MNIST's, those who are
kept for validation; DIR has the files that ``inkread data import`` makes.

python benchmarks/rejection.py [--model MODEL] [--split tune|measure] [--data DIR] [--pens DIR]
"""

import argparse
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from inkread.privacy import keep_library_files_in_cache

keep_library_files_in_cache()

import cv2
import numpy as np
import numpy.typing as npt
from hands import draw_sample
from matplotlib.font_manager import findSystemFonts
from matplotlib.ft2font import FT2Font
from PIL import Image, ImageDraw, ImageFont
from provenance import print_provenance
from sklearn.metrics import roc_auc_score

from inkread.imaging import ink, normalize, segmentation
from inkread.imaging.normalize import GlyphShape
from inkread.models.runtime import Model
from inkread.training import mnist
from inkread.training.evaluation.calibrate import fit_rejection_threshold
from inkread.training.evaluation.evaluate import estimate_share
from inkread.training.handwriting.pens import load_pens
from inkread.training.handwriting.scans import load_scans
from inkread.training.mnist import Split
from inkread.training.synthesis.drawn_digits import put_on_paper

Picture = npt.NDArray[np.uint8]

MIN_SHARE_OF_DIGITS_KEPT = 0.995  # at the threshold at which models are compared
MIN_SHARE_OF_OTHERS_KEPT = 0.99  # of the digits of other people, with --pens
LETTERS = "ACDEFGHJKLMNPRTUVWXYacdefhjkmnprtuvwxy"  # without O o I i l Z z S s B b g q Q
SYMBOLS = "+-=#%&?*()[]<>@$~^"  # without | ! /
NUM_VARIANTS = 3  # of each character of each font
NUM_PICTURES = 200  # of each kind of junk

# Font files with their Debian packages. Each package is in one split only, since its fonts may be
# by one writer.
FONTS = {
    "tune": {
        "Breip": "fonts-breip",
        "BecauseWeOrganize-Regular": "fonts-bwht",
        "BecauseWeCreate-Regular": "fonts-bwht",
        "BecauseWeConnect-Regular": "fonts-bwht",
        "BecauseWeLearn-Regular": "fonts-bwht",
        "BecauseWeMentor-Regular": "fonts-bwht",
        "BecauseWeBuild-Regular": "fonts-bwht",
        "Rufscript010": "fonts-rufscript",
        "DancingScript-Regular": "fonts-dancingscript",
        "KleeOne-Regular": "fonts-klee",
        "kiloji": "fonts-kiloji",
        "ComicNeue-Regular": "fonts-comic-neue",
    },
    "measure": {
        "dkg": "fonts-dkg-handwriting",
        "Delphine": "fonts-sjfonts",
        "SteveHand": "fonts-sjfonts",
        "Kristi": "fonts-kristi",
        "Ecolier-court": "fonts-ecolier-court",
        "KaushanScript-Regular": "fonts-kaushanscript",
        "Havana-Regular": "fonts-havana",
        "Humor-Sans": "fonts-humor-sans",
        "setofont": "fonts-seto",
        "NanumPen": "fonts-nanum-extra",
        "NanumBrush": "fonts-nanum-extra",
    },
}


@dataclass(frozen=True)
class Sample:
    """A picture that is not a digit.

    Attributes:
        group: ``letters``, ``symbols`` or a kind of junk.
        name: the character, or the kind of junk.
        source: the font, or the kind of junk.
        glyph: (28, 28) uint8, ink 255 on paper 0; ``None`` where the reader found no ink, and so
            rejects the picture before the model.
    """

    group: str
    name: str
    source: str
    glyph: Picture | None


def draw_characters(split: str, shape: GlyphShape, rng: np.random.Generator) -> Iterator[Sample]:
    """Draw every character of the split's fonts several times with random variation."""
    files = {Path(path).stem: path for path in findSystemFonts()}
    fonts = FONTS[split]
    if missing := sorted({package for name, package in fonts.items() if name not in files}):
        raise SystemExit(
            f"expected the handwriting fonts of split {split!r}, but some are not installed: "
            f"apt-get install {' '.join(missing)}"
        )
    for name in fonts:
        known = FT2Font(files[name]).get_charmap()
        font = ImageFont.truetype(files[name], 200)
        for character in LETTERS + SYMBOLS:
            drawn = draw_character(font, character)
            if ord(character) not in known or drawn.max() < 255:  # some fonts have gaps
                continue
            group = "letters" if character in LETTERS else "symbols"
            for _ in range(NUM_VARIANTS):
                glyph = normalize.make_glyph(vary(drawn, rng), shape)
                yield Sample(group, character, name, glyph)


def draw_character(font: ImageFont.FreeTypeFont, character: str) -> Picture:
    """Draw a character with a margin: (H, W) uint8, ink 255 on paper 0."""
    left, top, right, bottom = (round(side) for side in font.getbbox(character))
    picture = Image.new("L", (right - left + 80, bottom - top + 80))
    ImageDraw.Draw(picture).text((40 - left, 40 - top), character, fill=255, font=font)
    return np.array(picture)


def vary(drawn: Picture, rng: np.random.Generator) -> Picture:
    """Rotate and slant a picture slightly, and thicken its strokes by a random width."""
    height, width = drawn.shape
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), rng.uniform(-6, 6), 1.0)
    turn[0] += rng.uniform(-0.1, 0.15) * np.array([0, -1, height / 2])
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, [int(rng.integers(1, 13))] * 2)
    return np.asarray(cv2.dilate(cv2.warpAffine(drawn, turn, (width, height)), pen))


def draw_scribble(rng: np.random.Generator) -> Picture:
    """Draw a scribble of many long strokes, as over text that is struck out."""
    drawn = np.zeros((140, 140), np.uint8)
    points = rng.integers(20, 120, (int(rng.integers(12, 30)), 2), np.int32)
    cv2.polylines(drawn, [points], False, 255, int(rng.integers(2, 6)), cv2.LINE_AA)
    return drawn


def draw_blank(rng: np.random.Generator) -> Picture:
    """Draw a picture without ink."""
    return np.zeros((140, 140), np.uint8)


def draw_rules(rng: np.random.Generator) -> Picture:
    """Draw two or more lines across the picture, or a grid."""
    drawn = np.zeros((140, 140), np.uint8)
    gap, pen_px = int(rng.integers(12, 50)), int(rng.integers(1, 5))
    for place in range(int(rng.integers(4, gap)), 140, gap):
        cv2.line(drawn, (0, place), (139, place + int(rng.integers(-3, 4))), 255, pen_px)
    if rng.random() < 0.5:
        for place in range(int(rng.integers(4, gap)), 140, gap):
            cv2.line(drawn, (place, 0), (place, 139), 255, pen_px)
    return drawn


def draw_smudge(rng: np.random.Generator) -> Picture:
    """Draw one to four blurred blots."""
    drawn = np.zeros((140, 140), np.uint8)
    for _ in range(rng.integers(1, 5)):
        centre, axes = rng.integers(40, 100, 2).tolist(), rng.integers(6, 30, 2).tolist()
        cv2.ellipse(drawn, centre, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1)
    return np.asarray(cv2.GaussianBlur(drawn, (0, 0), rng.uniform(2, 8)))


def cut_fragment(digits: Split, rng: np.random.Generator) -> Picture:
    """Cut out the lowest two fifths of a 0, 2, 3 or 5, or the highest two fifths of a 0."""
    label = rng.choice([0, 0, 2, 3, 5])
    image = enlarge(pick_digit(digits, int(label), rng))
    if label == 0 and rng.random() < 0.5:
        image = image[::-1]
    top, height = cv2.boundingRect((image > 63).astype(np.uint8))[1::2]
    return np.ascontiguousarray(image[top + round(0.6 * height) :])


def join_pair(digits: Split, rng: np.random.Generator) -> Picture:
    """Put two digits side by side, apart or touching; never a 1, which could complete a digit."""
    parts = [pick_digit(digits, int(label), rng) for label in rng.choice([0, 2, 3, 4, 5, 7, 8], 2)]
    columns = [cv2.boundingRect((part > 63).astype(np.uint8))[::2] for part in parts]
    cut = [part[:, x : x + width] for part, (x, width) in zip(parts, columns, strict=True)]
    return enlarge(np.hstack([cut[0], np.zeros((28, rng.integers(0, 4)), np.uint8), cut[1]]))


def pick_digit(digits: Split, label: int, rng: np.random.Generator) -> Picture:
    """Return a random image with this label."""
    return np.asarray(digits.images[rng.choice(np.flatnonzero(digits.labels == label))])


def enlarge(image: Picture) -> Picture:
    """Return an image at five times its size."""
    return np.asarray(cv2.resize(image, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC))


def draw_junk(digits: Split, shape: GlyphShape, rng: np.random.Generator) -> Iterator[Sample]:
    """Draw every kind of junk on paper, and find its ink as the reader does."""
    kinds: dict[str, tuple[Callable[[], Picture], tuple[str, ...]]] = {
        "blank": (
            lambda: draw_blank(rng),
            ("plain", "grain", "gradient", "shadow", "ruled", "grid"),
        ),
        "scribbles": (lambda: draw_scribble(rng), ("plain", "grain")),
        "ruled lines": (lambda: draw_rules(rng), ("plain",)),
        "smudges": (lambda: draw_smudge(rng), ("plain", "grain")),
        "fragments": (lambda: cut_fragment(digits, rng), ("plain",)),
        "two digits": (lambda: join_pair(digits, rng), ("plain", "grain")),
    }
    for name, (draw, papers) in kinds.items():
        for index in range(NUM_PICTURES):
            drawn = np.pad(draw(), 20)
            page = cv2.cvtColor(
                put_on_paper(drawn, rng, paper=papers[index % len(papers)]), cv2.COLOR_RGB2GRAY
            )
            region = segmentation.find_single_digit(ink.find(np.asarray(page)))
            found = None if region is None else normalize.make_glyph(region.ink, shape)
            yield Sample(name, name, name, found)


def make_glyphs_of_others(folder: Path, shape: GlyphShape) -> npt.NDArray[np.uint8]:
    """Make glyphs of UNIPEN's and Swiss digits of people who are kept for validation."""
    pictures = [draw_sample(sample) for sample in load_pens(folder, validation=True).digits]
    pictures += list(load_scans(folder, validation=True).images)
    regions = [segmentation.find_single_digit(ink.find(picture)) for picture in pictures]
    return np.stack([normalize.make_glyph(each.ink, shape) for each in regions if each])


def compute_scores(model: Model, glyphs: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return the model's "no digit" score of each glyph, (N,) float32 in [0, 1]."""
    found = model.classify(glyphs)
    if model.metadata.junk_threshold is None:
        return np.asarray(1 - found.probabilities.max(axis=1))
    return found.junk


def report(what: str, passed: npt.NDArray[np.bool_]) -> None:
    """Print the share of true values with its 95 % interval."""
    figure = estimate_share(int(passed.sum()), len(passed))
    print(
        f"  {what}: {figure.value:.2%} (95 % interval {figure.low:.2%} to {figure.high:.2%}, "
        f"n = {figure.n:,})"
    )


def report_groups(
    samples: list[Sample], rejected: npt.NDArray[np.bool_], of: str, least: int | None = None
) -> None:
    """Print the share rejected by value of an attribute; with ``least``, only the lowest."""
    groups: dict[str, list[bool]] = defaultdict(list)
    for sample, is_rejected in zip(samples, rejected.tolist(), strict=True):
        groups[getattr(sample, of)].append(is_rejected)
    ranked = sorted(groups, key=lambda name: float(np.mean(groups[name]))) if least else groups
    for name in list(ranked)[:least]:
        report(name, np.array(groups[name]))


def main() -> None:
    """Measure a model on a split, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="default")
    parser.add_argument("--split", choices=sorted(FONTS), default="measure")
    parser.add_argument("--data")
    parser.add_argument("--pens", type=Path)
    options = parser.parse_args()
    print_provenance()
    model = Model(options.model)
    shape, stored = model.metadata.shape, model.metadata.junk_threshold
    data = mnist.load(options.data)
    digits = data.test if options.split == "measure" else data.validation
    rng = np.random.default_rng(0)
    samples = [*draw_characters(options.split, shape, rng), *draw_junk(digits, shape, rng)]

    digit_scores = compute_scores(model, digits.images)
    seen = [sample.glyph for sample in samples if sample.glyph is not None]
    junk_scores = np.full(len(samples), np.inf)  # without ink: rejected whatever the threshold
    junk_scores[[sample.glyph is not None for sample in samples]] = compute_scores(
        model, np.stack(seen)
    )
    is_written = np.array([sample.group in ("letters", "symbols") for sample in samples])

    print(f"model {model.name}, split {options.split}, {len(digits):,} digits of MNIST, seed 0")
    for what, part in (
        ("letters and symbols", is_written),
        ("all junk", np.full_like(is_written, True)),
    ):
        truth = np.repeat([0, 1], [len(digits), part.sum()])
        area = roc_auc_score(truth, np.append(digit_scores, np.minimum(junk_scores[part], 1)))
        print(f"AUROC, digits against {what}: {area:.4f}")
    at_share = fit_rejection_threshold(digit_scores, MIN_SHARE_OF_DIGITS_KEPT)
    thresholds = {f"threshold that keeps {MIN_SHARE_OF_DIGITS_KEPT:.1%} of these digits": at_share}
    if options.pens:
        scores = compute_scores(model, make_glyphs_of_others(options.pens, shape))
        what = f"{MIN_SHARE_OF_OTHERS_KEPT:.0%} of {len(scores):,} digits of other people"
        of_others = fit_rejection_threshold(scores, MIN_SHARE_OF_OTHERS_KEPT)
        thresholds[f"threshold that keeps {what} too"] = max(at_share, of_others)
    if stored is not None:
        thresholds["the model's own threshold, from validation data"] = stored
    for what, threshold in thresholds.items():
        rejected = junk_scores > threshold
        print(f"\n{what}: {threshold:.5g}")
        report("digits kept", digit_scores <= threshold)
        report("rejected: letters and symbols", rejected[is_written])
        report("rejected: all junk", rejected)
        print(" rejected, by group")
        report_groups(samples, rejected, "group")
        written = [sample for sample in samples if sample.group in ("letters", "symbols")]
        print(" rejected, the ten characters that fare worst")
        report_groups(written, rejected[is_written], "name", 10)
        print(" rejected, by font")
        report_groups(written, rejected[is_written], "source")


if __name__ == "__main__":
    main()
