"""Read whole real pages with rapidocr, in an environment of its own, and count as `real_pages.py`.

A reported text counts as a number if at least half of its characters, but for spaces and `.,/:-`,
are digits.

python benchmarks/peers.py FOLDER [--environment runs/rapidocr]
"""

import argparse
import json
import subprocess
import sys
import venv
from collections import defaultdict
from pathlib import Path

from page_scores import Reported, Score, keep_digits, load_labels, print_scores, score_page
from provenance import print_provenance

PACKAGES = ("rapidocr==3.10.0", "onnxruntime")

# Runs in the peer's own environment: names of pictures come in, a line of JSON a picture goes out.
READ = """
import json, sys, time
from rapidocr import RapidOCR
reader = RapidOCR()
for line in sys.stdin:
    start = time.perf_counter()
    found = reader(line.rstrip("\\n"), use_cls=False)
    boxes = [] if found.boxes is None else [box.tolist() for box in found.boxes]
    texts = list(zip(boxes, found.txts or [], map(float, found.scores or [])))
    print(json.dumps([time.perf_counter() - start, texts]), flush=True)
"""


def make_environment(folder: Path) -> Path:
    """Install the peer, if it isn't there; returns its Python."""
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)
        (folder / ".installed").touch()
    return python


def is_number(text: str) -> bool:
    """Whether at least half of a text's characters are digits."""
    rest = [character for character in text if character not in " .,/:-"]
    digits = keep_digits(text)
    return bool(digits) and len(digits) >= 0.5 * len(rest)


def main() -> None:
    """Read every page with the peer and report by source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--environment", type=Path, default=Path("runs/rapidocr"))
    arguments = parser.parse_args()
    print_provenance()
    print("peer: " + ", ".join(PACKAGES))
    python = make_environment(arguments.environment)
    labels = load_labels(arguments.folder)
    names = "".join(f"{arguments.folder / file}\n" for file in labels)
    done = subprocess.run(
        [python, "-c", READ], input=names, stdout=subprocess.PIPE, text=True, check=True
    )
    totals: dict[str, Score] = defaultdict(Score)
    for rows, line in zip(labels.values(), done.stdout.splitlines(), strict=True):
        seconds, texts = json.loads(line)
        source = rows[0]["source"]
        totals[source].seconds.append(seconds)
        numbers = []
        for corners, text, confidence in texts:
            if is_number(text):
                across, down = zip(*corners, strict=True)
                box = (min(across), min(down), max(across), max(down))
                numbers.append(Reported(keep_digits(text), box, confidence))
        score_page(numbers, rows, totals[source])
    print_scores(totals)


if __name__ == "__main__":
    sys.exit(main())
