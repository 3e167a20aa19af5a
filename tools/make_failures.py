"""Make the pictures of docs/guide.md that show numbers read correctly, and numbers misread.

python tools/make_failures.py
"""

from pathlib import Path

import numpy as np

from inkread import Reader
from inkread.results import REJECTED
from inkread.training.evaluation import plots
from inkread.training.mnist import Split
from inkread.training.synthesis import drawn_digits
from inkread.training.synthesis.number_texts import SEPARATORS
from inkread.training.synthesis.numbers import number_on_paper

OUT = Path(__file__).parent.parent / "docs" / "pictures"
NUM_SHOWN = 20  # of each
PARTS = str.maketrans("", "", SEPARATORS)


def main() -> None:
    """Write numbers with drawn digits, and save the first of each kind without any selection."""
    rng = np.random.default_rng(11)
    glyphs = drawn_digits.draw_glyphs(200, rng)
    digits = Split(glyphs.images, glyphs.labels)
    reader = Reader()
    shown: dict[bool, list[tuple[np.ndarray, str]]] = {True: [], False: []}
    num_read = 0
    while min(map(len, shown.values())) < NUM_SHOWN:
        picture, raw = number_on_paper(digits, rng)
        written = raw.translate(PARTS)
        if not written or REJECTED in written:
            continue
        number = reader.read_number(picture)
        num_read += 1
        is_right = number.text == written
        caption = f"{raw} ({number.confidence:.0%})"
        if not is_right:
            caption = f"{raw}, read {number.text or 'as nothing'} ({number.confidence:.0%})"
        shown[is_right].append((255 - picture, caption))
    for name, is_right in (("read", True), ("misread", False)):
        pictures, captions = zip(*shown[is_right][:NUM_SHOWN], strict=True)
        title = f"the first {NUM_SHOWN} that are {'read right' if is_right else 'misread'}"
        plots.save(plots.draw_strips(pictures, captions, title), OUT / f"numbers-{name}.png")
    wrong = len(shown[False])
    print(f"{wrong} of {num_read} misread; saved {OUT}/numbers-read.png and numbers-misread.png")


if __name__ == "__main__":
    main()
