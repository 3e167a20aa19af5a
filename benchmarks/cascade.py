"""Measure candidate thresholds of a cascade on validation images.

The threshold is the probability from which on the first network's answer is used. For each one:
the share of glyphs that the other networks process, the share misread, the negative
log-likelihood, and the share of answers with a confidence of at least 0.997, which a form's field
needs to be accepted. Measured on the original images, with two strengths of augmentation, and with
the degradations of pens, paper and cameras; with --pens also on digits of other people than
MNIST's, those who are kept for validation. The probabilities are uncalibrated.

python benchmarks/cascade.py runs/cascade-0 [--others runs/distilled-1/model.onnx ...] [--seed 0]
    [--pens DIR]
"""

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from provenance import print_provenance

from inkread.forms.form_reader import MIN_CONFIDENCE
from inkread.models.runtime import Model, calibrate_outputs
from inkread.training import mnist
from inkread.training.augmentation.distortions import spoil
from inkread.training.augmentation.elastic import augment
from inkread.training.evaluation.calibrate import negative_log_likelihood
from inkread.training.mnist import Split
from inkread.training.recipes import recipe_named
from inkread.training.synthesis.other_hands import OtherHands
from inkread.training.train import LABELS

NUM_OTHERS = 6000  # digits drawn from other people's strokes and scans
SURE = (0.0, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 1.0)


def make_splits(images: Split, seed: int, pens: Path | None) -> dict[str, Split]:
    """Return the images unchanged, augmented, and degraded, and other people's if there are."""
    rng = np.random.default_rng(seed)
    twice = np.concatenate([images.images] * 2)
    if hands := recipe_named("best").augmentation:
        twice = augment(twice, hands, rng)
    splits = {
        "as they are": images,
        "distorted": Split(twice, np.concatenate([images.labels] * 2)),
        "spoiled": Split(spoil(images.images, 1.0, rng), images.labels),
    }
    if pens:
        splits["of other people"] = OtherHands.load(pens, validation=True).draw_digits(
            NUM_OTHERS, rng
        )
    return splits


def describe_answers(outputs: npt.NDArray[np.float32], labels: npt.NDArray[np.uint8]) -> str:
    """Return a sentence with the errors and the log-likelihood of uncalibrated probabilities."""
    found = calibrate_outputs(outputs, len(LABELS), temperature=1.0)
    confidence = found.probabilities.max(axis=1) * (1 - found.junk)
    is_kept, is_wrong = confidence >= MIN_CONFIDENCE, found.probabilities.argmax(axis=1) != labels
    likelihood = negative_log_likelihood(found.probabilities, labels)
    return (
        f"{is_wrong.sum()} misread, NLL {likelihood:.5f}, {is_kept.mean():.1%} from "
        f"{MIN_CONFIDENCE} on, {(is_wrong & is_kept).sum()} of those wrong"
    )


def main() -> None:
    """Print the figures of every threshold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--others", type=Path, nargs="+", help="models in place of the others")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pens", type=Path)
    options = parser.parse_args()
    print_provenance()
    one, *rest = sorted((options.run / "members").glob("*/model.onnx")) or [None]
    if one is None or not rest:
        parser.error(f"expected the folder of a cascade's run, received {options.run}")
    first, others = Model(one), [Model(path) for path in options.others or rest]
    for name, split in make_splits(mnist.load().validation, options.seed, options.pens).items():
        print(f"validation images {name}, n = {len(split):,}")
        answers = first.predict_uncalibrated(split.images)
        better = np.mean([each.predict_uncalibrated(split.images) for each in others], axis=0)
        for sure in SURE:
            is_unsure = answers.max(axis=1) < sure
            joined = np.where(is_unsure[:, None], better, answers)
            print(
                f"  {sure}: {is_unsure.mean():.1%} asked, {describe_answers(joined, split.labels)}"
            )


if __name__ == "__main__":
    main()
