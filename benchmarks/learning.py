"""Measure fine-tuning on 200 corrections: the gain on an unusual handwriting, the loss on MNIST.

The handwriting is simulated: MNIST digits slanted by about 37 degrees, sevens with a bar, ones with
a flag and a foot; ``--habits zeros`` crosses zeros as well. It writes MNIST's training images until
200 of its digits are misread or rejected. Those are corrected, stored in a database, and used for
fine-tuning as by ``inkread train --from default --corrections URL``. Measured before and after:
digits made of MNIST's test images in the same handwriting, where a rejected digit counts as an
error, and MNIST's test images themselves.

python benchmarks/learning.py [--seeds N] [--habits zeros] [--picture F.png] [--data DIR]
python benchmarks/learning.py --seeds 2 --tune 0.2 0.4 0.6 0.8 1   (on validation images, to choose
how far the weights are interpolated)
"""

import argparse
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from provenance import mean_sd, print_provenance

from inkread.corrections.correction import Correction
from inkread.corrections.store import Store
from inkread.imaging import normalize
from inkread.models.registry import Registry
from inkread.models.runtime import Model
from inkread.training import finetune, mnist, promotion
from inkread.training.mnist import Mnist, Split

NUM_CORRECTIONS = 200
NUM_HELD_OUT = 4_000  # digits in the handwriting, for evaluation
FIRST_TUNING_SEED = 100  # later seeds are for choosing settings
SLANT = 0.75  # tangent of the angle
SCALE = 5  # enlargement while strokes are added

Glyphs = npt.NDArray[np.uint8]


def write_digit(image: Glyphs, label: int, habits: str, rng: np.random.Generator) -> Glyphs:
    """Redraw an MNIST image in the unusual handwriting, and normalise it to a glyph."""
    ink = cv2.resize(np.pad(image, 6), None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_CUBIC)
    left, top, width, height = cv2.boundingRect((ink > 127).astype(np.uint8))
    pen_px = int(rng.integers(9, 13))

    def stroke(start: tuple[int, int], end: tuple[int, int]) -> None:
        cv2.line(ink, start, end, 255, pen_px, cv2.LINE_AA)

    def middle(row: int) -> int:
        inked = np.flatnonzero(ink[row] > 127)
        return int(inked.mean()) if len(inked) else left + width // 2

    if label == 7:
        row = top + int(height * rng.uniform(0.5, 0.6))
        half, rise = int(rng.uniform(22, 32)), int(rng.integers(-8, 9))
        stroke((middle(row) - half, row), (middle(row) + half, row - rise))
    elif label == 1:
        head, foot = top + 3, top + height - 4
        across, down = int(rng.uniform(25, 38)), int(rng.uniform(28, 45))
        stroke((middle(head), head), (middle(head) - across, head + down))
        stroke((middle(foot) - across, foot), (middle(foot) + across, foot))
    elif label == 0 and habits == "zeros":
        over = int(rng.uniform(4, 10))
        stroke((left - over, top + height - over), (left + width + over, top + over))
    slant = SLANT + rng.uniform(-0.1, 0.1)
    size = ink.shape[0]
    shear = np.array([[1, -slant, slant * size / 2], [0, 1, 0]])
    return normalize.make_glyph(np.asarray(cv2.warpAffine(ink, shear, (size, size))))


def write_split(digits: Split, habits: str, seed: int) -> Split:
    """Redraw all images of a split in the unusual handwriting."""
    rng = np.random.default_rng([seed, 1])
    pairs = zip(digits.images, digits.labels.tolist(), strict=True)
    return Split(
        np.stack([write_digit(image, label, habits, rng) for image, label in pairs]), digits.labels
    )


def select(digits: Split, chosen: npt.NDArray[np.intp]) -> Split:
    """Return the chosen images of a split."""
    return Split(digits.images[chosen], digits.labels[chosen])


def store_corrections(url: str, model: Model, data: Mnist, habits: str, seed: int) -> int:
    """Write and read digits until enough are corrected; return the number written."""
    store = Store(url)
    order = np.random.default_rng([seed, 2]).permutation(len(data.train))
    for start in range(0, len(order), 500):
        digits = write_split(select(data.train, order[start : start + 500]), habits, seed + start)
        found = model.classify(digits.images)
        misread = np.flatnonzero(~promotion.mark_correct(model, digits))
        for index in misread.tolist():
            best = int(found.probabilities[index].argmax())
            store.add(
                Correction(
                    glyph=digits.images[index].tobytes(),
                    read=str(best),
                    confidence=float(found.probabilities[index, best] * (1 - found.junk[index])),
                    model=model.name,
                    model_sha256=model.sha256,
                    label=str(digits.labels[index]),
                )
            )
            if store.count() == NUM_CORRECTIONS:
                store.close()
                return start + index + 1
    raise SystemExit(f"expected {NUM_CORRECTIONS} misread digits, received {store.count()}")


def compute_errors(model: Model, digits: Split) -> tuple[float, float]:
    """Return the percentages of digits misread or rejected, and of digits misread."""
    found = model.classify(digits.images)
    is_misread = found.probabilities.argmax(axis=1) != digits.labels
    is_rejected = model.rejects(found.junk)
    return 100 * float((is_misread | is_rejected).mean()), 100 * float(is_misread.mean())


def tune(data: Mnist, habits: str, seed: int, shares: list[float]) -> None:
    """Print the errors on validation images for several interpolations of the weights."""
    before = Model("default")
    held_out = write_split(select(data.validation, np.arange(NUM_HELD_OUT)), habits, 10_000 + seed)
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name) / 'corrections.db'}"
        store_corrections(url, before, data, habits, seed)
        found = finetune.load_corrections(url, before, seed=seed)
        for interpolation in shares:
            folder = Path(name) / f"run-{interpolation}"
            run = finetune.finetune(
                before, found.train, data, folder, seed=seed, interpolation=interpolation
            )
            (old, _), (new, _), (_, mnist_old), (_, mnist_new) = [
                compute_errors(model, digits)
                for digits in (held_out, data.validation)
                for model in (before, Model(run.model_file))
            ]
            print(
                f"seed {seed}, interpolation {interpolation:g}: "
                f"errors on the hand {old:.2f} % -> {new:.2f} %, "
                f"MNIST validation accuracy {100 - mnist_old:.2f} % -> {100 - mnist_new:.2f} %",
                flush=True,
            )


def measure(data: Mnist, habits: str, seed: int) -> list[float]:
    """Fine-tune once; print and return the figures before and after."""
    before = Model("default")
    held_out = write_split(select(data.test, np.arange(NUM_HELD_OUT)), habits, 10_000 + seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'corrections.db'}"
        num_written = store_corrections(url, before, data, habits, seed)
        start = time.perf_counter(), time.process_time()
        found = finetune.load_corrections(url, before, seed=seed)
        run = finetune.finetune(before, found.train, data, folder / "run", seed=seed)
        trials = promotion.compare(before, run.model_file, data.validation, found.held_out)
        seconds, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        is_promoted = all(trial.is_passed for trial in trials)
        if is_promoted:
            promotion.promote(run.model_file, trials, Registry(folder / "models"), before.name)
        after = Model(run.model_file)
        measured = [
            compute_errors(model, digits)
            for digits in (held_out, data.test)
            for model in (before, after)
        ]
    old, new, old_mnist, new_mnist = measured
    figures = [*old, *new, *old_mnist, *new_mnist, seconds, cpu]
    print(
        f"seed {seed}: {NUM_CORRECTIONS} corrections of {num_written:,} digits; "
        f"errors on the hand {old[0]:.2f} % -> {new[0]:.2f} %, "
        f"MNIST test accuracy {100 - old_mnist[1]:.2f} % -> {100 - new_mnist[1]:.2f} %, "
        f"{seconds:.0f} s ({cpu:.0f} s of processor time), "
        f"{'promoted' if is_promoted else 'refused'}"
    )
    for trial in trials:
        print(f"  {trial.summary}", flush=True)
    return figures


def main() -> None:
    """Measure every seed, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--habits", choices=["plain", "zeros"], default="plain")
    parser.add_argument("--picture", type=Path, help="save samples of the hand here")
    parser.add_argument(
        "--tune",
        type=float,
        nargs="+",
        metavar="SHARE",
        help="judge these ways to move by validation images instead",
    )
    parser.add_argument("--data")
    options = parser.parse_args()
    print_provenance()
    data = mnist.load(options.data)
    if options.picture:
        order = np.argsort(data.test.labels[:1000], kind="stable")
        rows = [order[data.test.labels[order] == label][:16] for label in range(10)]
        samples = write_split(select(data.test, np.concatenate(rows)), options.habits, 0).images
        grid = samples.reshape(10, 16, 28, 28).swapaxes(1, 2).reshape(280, 448)
        cv2.imwrite(str(options.picture), 255 - cv2.resize(grid, None, fx=2, fy=2))
    if options.tune:
        for seed in range(options.seeds):
            tune(data, options.habits, FIRST_TUNING_SEED + seed, options.tune)
        return
    rows = [measure(data, options.habits, seed) for seed in range(options.seeds)]
    table = np.array(rows).T
    names = {"the hand: misread or rejected": 0, "the hand: misread": 1,
             "MNIST test: misread or rejected": 4, "MNIST test: misread": 5}  # fmt: skip
    for name, row in names.items():
        before, after = table[row], table[row + 2]
        print(f"{name}: {mean_sd(before, '%')} -> {mean_sd(after, '%')}")
        print(f"  change: {mean_sd(after - before, 'points')}")
    print(f"time: {mean_sd(table[8], 's')}, processor time: {mean_sd(table[9], 's')}")


if __name__ == "__main__":
    main()
