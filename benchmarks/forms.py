"""Measure how accurately and how fast forms are read that are filled in with MNIST's digits.

20 fields on A4 at 150 dpi, turned by up to 6 degrees, scaled, in perspective, with shadows, noise
and JPEG; 5 % upside down, 3 % of another form. The written digits are MNIST's test images, which no
setting was chosen by; use `--split validation` to choose settings.

python benchmarks/forms.py [--template FILE] [--count N] [--split test|validation]
    [--min-confidence P] [--processes N]
"""

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import cv2
import numpy as np
from provenance import print_provenance

from inkread.forms.align import Aligner
from inkread.forms.form_batch import FormBatchJob, read_scans
from inkread.forms.form_reader import MIN_CONFIDENCE
from inkread.forms.journal import Journal
from inkread.forms.template import Template, load
from inkread.forms.values import Value
from inkread.imaging import images
from inkread.training import mnist
from inkread.training.synthesis import filled_forms

UPSIDE_DOWN, OTHER_FORM = 0.05, 0.03
# Only those from the used threshold on have an effect.
THRESHOLDS = (0.9, 0.98, 0.99, 0.995, 0.996, 0.997, 0.998, 0.999)
UNSURE = ("not sure enough", "faint marks: empty or not?")  # the notes of doubts that are no more
WRONG_SHARES = (0.0005, 0.001, 0.005)
FOLDER = Path(__file__).parent


def make_scans(
    template: Template, count: int, split: mnist.Split, folder: Path
) -> tuple[dict[str, dict[str, Value]], list[float]]:
    """Write scans; return the values by file, and the alignment errors in millimetres."""
    other = template.model_copy(update={"form": "another-form"})
    other.__dict__.pop("digest", None)  # computed again: the name is a part of it
    pages = {each.form: filled_forms.render_blank_page(each) for each in (template, other)}
    rng = np.random.default_rng(0)
    aligner = Aligner(template)
    grid = np.array([[x, y] for x in np.linspace(15, 195, 7) for y in np.linspace(15, 280, 9)])
    values: dict[str, dict[str, Value]] = {}
    errors: list[float] = []
    for number in range(count):
        chosen = other if rng.random() < OTHER_FORM else template
        texts = filled_forms.draw_texts(chosen, rng)
        page = filled_forms.write_texts(chosen, pages[chosen.form], texts, split, rng)
        scan = filled_forms.scan_page(chosen, page, rng, upside_down=rng.random() < UPSIDE_DOWN)
        path = folder / f"{number:05}.jpg"
        path.write_bytes(scan.data)
        if chosen is other:
            values[str(path)] = {}
            continue
        values[str(path)] = filled_forms.texts_to_values(template, texts)
        if number < 200:
            found = aligner.locate(images.load(scan.data))
            true = cv2.perspectiveTransform(grid[None], scan.homography)[0]
            distances = np.hypot(*(found.to_pixels(grid) - true).T) / found.dpi * 25.4
            errors += distances.tolist()
    return values, errors


def get_peak_memory_mib() -> float:
    """Return the largest peak memory of the finished child processes, in MiB."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> None:
    """Make and read the forms, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--template", type=Path, default=FOLDER / "forms-plain.yaml")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--split", choices=("test", "validation"), default="test")
    parser.add_argument("--min-confidence", type=float, default=MIN_CONFIDENCE)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    print_provenance()
    template = load(arguments.template)
    with tempfile.TemporaryDirectory() as name:
        split = getattr(mnist.load(), arguments.split)
        values, errors = make_scans(template, arguments.count, split, Path(name))
        job = FormBatchJob(template, min_confidence=arguments.min_confidence)
        journal = Journal(Path(name) / "journal", template, {})
        journal.open()
        marks: list[float] = []
        start = time.perf_counter()
        read_scans(
            list(values),
            job,
            journal,
            num_processes=arguments.processes,
            on_progress=lambda done, set_aside: marks.append(time.perf_counter()),
        )
        num_skipped = min(20, len(marks) - 1)  # starting the processes is left out
        rate = (len(marks) - 1 - num_skipped) / max(marks[-1] - marks[num_skipped], 1e-9)
        records = {record.scan: record for record in journal.read_records()}
    report(values, records)
    print(
        f"alignment error: p50 {np.percentile(errors, 50):.3f} mm, "
        f"p95 {np.percentile(errors, 95):.3f} mm, n = {len(errors):,} points"
    )
    print(
        f"speed: {rate:.2f} forms/s with {arguments.processes} processes "
        f"({marks[-1] - start:.0f} s in all), at most {get_peak_memory_mib():.0f} MiB per process"
    )


def report(values: dict[str, dict[str, Value]], records: dict) -> None:
    """Print the shares of correct fields and of rejected scans."""
    num = right = accepted = accepted_wrong = num_other = other_refused = own_refused = 0
    kept: list[tuple[float, bool]] = []
    by_confidence: list[tuple[float, bool]] = []  # and those that only lack confidence
    kinds: dict[str, list[int]] = {}
    for scan, truth in values.items():
        record = records[scan]
        if not truth:
            num_other += 1
            other_refused += (record.error or "").startswith("other form")
            continue
        own_refused += record.error is not None
        read = {field.name: field for field in record.fields}
        for name, value in truth.items():
            num += 1
            field = read.get(name)
            is_right = field is not None and field.value == value
            right += is_right
            counts = kinds.setdefault(name, [0, 0, 0])
            counts[0] += 1
            counts[1] += is_right
            if field is not None and (not field.is_set_aside or field.note in UNSURE):
                by_confidence.append((field.confidence, is_right))
            if field is not None and not field.is_set_aside:
                accepted += 1
                counts[2] += not is_right
                kept.append((field.confidence, is_right))
                accepted_wrong += not is_right
    print(f"fields: {num:,}; right {right / num:.2%}; kept {accepted / num:.2%} of them")
    print(f"wrong among those kept: {accepted_wrong / max(1, accepted):.3%} ({accepted_wrong})")
    print(f"other forms refused: {other_refused} of {num_other}; own forms refused: {own_refused}")
    for threshold in THRESHOLDS:
        sure = [kept_right for confidence, kept_right in kept if confidence >= threshold]
        wrong = len(sure) - sum(sure)
        print(
            f"  from a confidence of {threshold} on: {len(sure) / num:.2%} of the fields, "
            f"{wrong / max(1, len(sure)):.3%} of them wrong ({wrong})"
        )
    order = sorted(by_confidence, key=lambda each: -each[0])
    errors = np.cumsum([not is_right for _, is_right in order])
    for share in WRONG_SHARES:
        (within,) = np.nonzero(errors <= share * np.arange(1, len(order) + 1))
        most = int(within.max()) + 1 if within.size else 0
        least = order[most - 1][0] if most else 1.0
        print(f"  at {share:.2%} wrong: {most / num:.2%} of the fields stand, from {least:.4f} on")
    for name, (total, good, wrong) in kinds.items():
        print(f"  {name}: right {good / total:.1%}, wrong and kept {wrong}")


if __name__ == "__main__":
    main()
