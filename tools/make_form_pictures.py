"""Make the scan of the sample form that ships, printed and filled in; and docs/forms.md's picture.

python tools/make_form_pictures.py
"""

from pathlib import Path

import cv2
import numpy as np

from inkread.forms.template import load
from inkread.training.mnist import Split
from inkread.training.synthesis import drawn_digits, filled_forms

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "src" / "inkread" / "forms" / "samples" / "meter-reading.yaml"
TEXTS = {
    "customer": "56148836", "read_on": "03102025", "previous": "4071", "current": "4133",
    "used": "62", "phone": "4071335", "paid": "16713", "leak": "",
}  # fmt: skip


def main() -> None:
    """Fill in the form with digits drawn from strokes, and scan it."""
    template = load(SAMPLE)
    rng = np.random.default_rng(3)
    glyphs = drawn_digits.draw_glyphs(200, rng)
    page = filled_forms.write_texts(
        template,
        filled_forms.render_blank_page(template),
        TEXTS,
        Split(glyphs.images, glyphs.labels),
        rng,
    )
    scan = filled_forms.scan_page(template, page, rng)
    SAMPLE.with_suffix(".jpg").write_bytes(scan.data)
    pixels = cv2.imdecode(np.frombuffer(scan.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    out = ROOT / "docs" / "pictures" / "form.png"
    cv2.imwrite(str(out), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"saved {out}")


if __name__ == "__main__":
    main()
