"""Measure fine-tuning on 100 corrected numbers: the gain on an unusual hand, the loss on amounts.

The hand is that of `learning.py`, slanted by about 37 degrees, and its digits stand close together:
numbers of three to seven digits, made of MNIST's training images, on simulated paper. They are read
until 100 are misread; those are corrected, stored as the service stores them, and used as by
`inkread train --from default --corrections URL`. Measured before and after with `read_number`:
numbers in the same hand made of MNIST's test images, synthetic ones in other hands made of these,
and, with `--amounts`, the pictures of a folder with `labels.csv` (file, digits).

python benchmarks/learning_numbers.py [--seeds N] [--held-out N] [--habits zeros] [--amounts FOLDER]
"""

import argparse
import csv
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from learning import write_digit
from provenance import mean_sd, print_provenance

from inkread.corrections.correction import Correction
from inkread.corrections.store import Store
from inkread.imaging import ink, normalize
from inkread.imaging.normalize import GlyphShape
from inkread.models.runtime import LineModel
from inkread.reader import Reader
from inkread.training import finetune_line, mnist, promotion
from inkread.training.mnist import Mnist, Split
from inkread.training.synthesis import papers
from inkread.training.synthesis.numbers import number_on_paper

NUM_CORRECTIONS = 100
HEIGHT_PX = 40.0  # of the digits
Picture = npt.NDArray[np.uint8]


def write_number(digits: Split, habits: str, rng: np.random.Generator) -> tuple[Picture, str]:
    """Write a number of the hand on paper, and say what it is."""
    chosen = rng.integers(len(digits), size=rng.integers(3, 8))
    zoom = HEIGHT_PX / 20
    canvas = np.zeros((round(28 * zoom) + 12, round(30 * zoom * len(chosen)) + 40), np.float32)
    left = 0
    for index in chosen:
        glyph = write_digit(digits.images[index], int(digits.labels[index]), habits, rng)
        large = cv2.resize(glyph, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_CUBIC) / 255
        columns = np.flatnonzero(large.max(axis=0) > 0.3)
        patch = np.clip(large[:, columns[0] : columns[-1] + 1], 0, 1).astype(np.float32)
        top = int(rng.integers(0, 12))
        view = canvas[top : top + patch.shape[0], left : left + patch.shape[1]]
        np.maximum(view, patch, out=view)
        left += max(4, patch.shape[1] + round(rng.normal(-0.08, 0.08) * HEIGHT_PX))
    rows, columns = (np.flatnonzero(canvas.max(axis=axis) > 0.3) for axis in (1, 0))
    own = canvas[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    margin = round(0.3 * HEIGHT_PX)
    text = "".join(str(digits.labels[index]) for index in chosen)
    return papers.picture(np.pad(own, margin), rng, HEIGHT_PX), text


def store_corrections(url: str, reader: Reader, data: Mnist, habits: str, seed: int) -> int:
    """Write and read numbers until enough are corrected; return how many were written."""
    store = Store(url)
    rng = np.random.default_rng([seed, 1])
    num_written = 0
    while store.count() < NUM_CORRECTIONS:
        picture, text = write_number(data.train, habits, rng)
        num_written += 1
        found = reader.read_number(picture)
        if found.text == text:
            continue
        dark = ink.make_dark_on_light(picture)
        strip = normalize.make_strip(dark, reader.line_model.shape).pixels
        store.add(
            Correction(
                glyph=bytes(GlyphShape.side_px**2),  # number models don't see it
                read=found.text,
                confidence=found.confidence,
                model=reader.line_model.name,
                model_sha256=reader.line_model.sha256,
                label=text,
                strip=bytes(cv2.imencode(".png", strip)[1]),
            )
        )
    store.close()
    return num_written


def load_amounts(folder: Path | None) -> list[tuple[Picture | Path, str]]:
    """Return the pictures of a folder with the digits on them."""
    if folder is None:
        return []
    with (folder / "labels.csv").open(newline="") as file:
        return [(folder / row["file"], row["digits"]) for row in csv.DictReader(file)]


def compute_errors(reader: Reader, numbers: list[tuple[Picture | Path, str]]) -> float:
    """Return the percentage of numbers that are misread."""
    wrong = [reader.read_number(picture).text != text for picture, text in numbers]
    return 100 * float(np.mean(wrong)) if wrong else 0.0


def measure(data: Mnist, options: argparse.Namespace, seed: int) -> list[float]:
    """Fine-tune once; print and return the errors before and after."""
    rng = np.random.default_rng([seed, 2])
    hand = [write_number(data.test, options.habits, rng) for _ in range(options.held_out)]
    others: list[tuple[Picture | Path, str]] = []
    while len(others) < options.held_out:
        picture, raw = number_on_paper(data.test, rng)
        digits = "".join(character for character in raw if character.isdigit())
        if "?" not in raw and len(digits) >= 3:
            others.append((picture, digits))
    sets = [list(hand), others, load_amounts(options.amounts)]
    before = Reader()
    with tempfile.TemporaryDirectory() as name:
        url = f"sqlite:///{Path(name) / 'corrections.db'}"
        num_written = store_corrections(url, before, data, options.habits, seed)
        found = finetune_line.load_number_corrections(url, seed=seed)
        start = time.perf_counter(), time.process_time()
        model = LineModel("default")
        run = finetune_line.finetune_line(model, found.train, data, Path(name) / "run", seed=seed)
        seconds, cpu = time.perf_counter() - start[0], time.process_time() - start[1]
        trials = promotion.compare_lines(model, run.model_file, run.validation, found.held_out)
        after = Reader(line_model=run.model_file)
        errors = [compute_errors(reader, each) for each in sets for reader in (before, after)]
    is_promoted = all(trial.is_passed for trial in trials)
    print(
        f"seed {seed}: {NUM_CORRECTIONS} corrections of {num_written:,} numbers; errors on the "
        f"hand {errors[0]:.1f} % -> {errors[1]:.1f} %, on synthetic numbers {errors[2]:.1f} % -> "
        f"{errors[3]:.1f} %, on amounts {errors[4]:.2f} % -> {errors[5]:.2f} %; {seconds:.0f} s "
        f"({cpu:.0f} s of processor time), {'promoted' if is_promoted else 'refused'}"
    )
    for trial in trials:
        print(f"  {trial.summary}", flush=True)
    return errors


def main() -> None:
    """Measure every seed, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--held-out", type=int, default=1000, metavar="N")
    parser.add_argument("--habits", choices=["plain", "zeros"], default="plain")
    parser.add_argument("--amounts", type=Path, metavar="FOLDER")
    parser.add_argument("--data")
    options = parser.parse_args()
    print_provenance()
    data = mnist.load(options.data)
    table = np.array([measure(data, options, seed) for seed in range(options.seeds)]).T
    for row, name in enumerate(("the hand", "synthetic numbers", "amounts")):
        before, after = table[2 * row], table[2 * row + 1]
        print(f"{name}, misread: {mean_sd(before, '%')} -> {mean_sd(after, '%')}")
        print(f"  change: {mean_sd(after - before, 'points')}")


if __name__ == "__main__":
    main()
