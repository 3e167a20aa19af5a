"""Measure the time to decode a line network's scores, with and without constraints.

The scores are synthetic and seeded: 60 frames of 17 classes. Most frames are nearly certain blanks;
each symbol has a peak of one or two frames, in which another digit is usually, but not always, far
less probable. Each constraint is true of the written number, except the last, which never holds.
CPU time is printed beside wall-clock time.

python benchmarks/decoding.py [--frames 60] [--count 400]
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from provenance import print_provenance

from inkread.decoding import decoder
from inkread.decoding.constraints import Constraint

SYMBOLS = "0123456789.,-/=?"
CLASSES = len(SYMBOLS) + 1

Scores = npt.NDArray[np.float32]


def make_scores(rng: np.random.Generator, written: str, num_frames: int) -> Scores:
    """Return synthetic log-probabilities of a strip, (T, C) float32."""
    logits = rng.normal(-11, 1, size=(num_frames, CLASSES))
    logits[:, 0] = 0
    places = np.sort(rng.choice(np.arange(0, num_frames - 1, 2), len(written), replace=False))
    for place, symbol in zip(places, written, strict=True):
        logits[place, SYMBOLS.index(symbol) + 1] = 5
        rival = rng.integers(1, 11)
        logits[place, rival] = max(logits[place, rival], 5 - rng.exponential(25))
        logits[place, 0] = 5 - rng.exponential(25)
        logits[place + 1, 1:] = logits[place, 1:] - 5 - rng.exponential(2)
    totals = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return (logits - totals).astype(np.float32)


def append_luhn_digit(digits: str) -> str:
    """Append the check digit of Luhn's algorithm."""
    constraint = Constraint(check="luhn")
    return next(digits + last for last in "0123456789" if constraint.accepts(digits + last))


def main() -> None:
    """Print latency and accuracy under each constraint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=60, help="of each strip")
    parser.add_argument("--count", type=int, default=400, help="of strips")
    arguments = parser.parse_args()
    print_provenance()
    rng = np.random.default_rng(0)
    texts = [
        append_luhn_digit("".join(rng.choice(list("123456789"), rng.integers(4, 9))))
        for _ in range(arguments.count)
    ]
    raws = [f"{text[:-2]}.{text[-2:]}" for text in texts]
    strips = [make_scores(rng, raw, arguments.frames) for raw in raws]
    ways: dict[str, Callable[[str], Constraint | None]] = {
        "no constraint": lambda _: None,
        "length": lambda text: Constraint(length=len(text)),
        "length from 5 to 9": lambda _: Constraint(length=(5, 9)),
        "pattern of digits": lambda _: Constraint(pattern=r"[1-9]\d{4,8}"),
        "pattern with separators": lambda _: Constraint(pattern=r"\d+[.,]\d\d"),
        "luhn": lambda _: Constraint(check="luhn"),
        "length and luhn": lambda text: Constraint(length=len(text), check="luhn"),
        "a function": lambda _: Constraint(check=Constraint(check="luhn").accepts),
        "one digit too many": lambda text: Constraint(length=len(text) + 1),
    }
    for name, constraint_of in ways.items():
        constraints = [constraint_of(text) for text in texts]
        decoder.decode_candidates(strips[0], SYMBOLS, constraints[0], count=1)
        times, cpu_times, right = [], [], 0
        for scores, text, constraint in zip(strips, texts, constraints, strict=True):
            start, cpu_start = time.perf_counter(), time.thread_time()
            readings = decoder.decode_candidates(scores, SYMBOLS, constraint, count=1)
            times.append(1000 * (time.perf_counter() - start))
            cpu_times.append(1000 * (time.thread_time() - cpu_start))
            right += bool(readings) and readings[0].text == text
        p50, p95, p99 = np.percentile(times, [50, 95, 99])
        print(
            f"{name:24} p50 {p50:6.2f} ms, p95 {p95:6.2f} ms, p99 {p99:6.2f} ms, "
            f"CPU p50 {np.median(cpu_times):6.2f} ms, "
            f"right {right / len(times):6.1%}, n = {len(times)}",
            flush=True,
        )


if __name__ == "__main__":
    main()
