"""Make the scan of the sample form that ships, and the picture of docs/forms.md.

The form is printed, filled in with digits drawn from strokes, and scanned. The last digits of the
telephone number are too faint, as where a pen runs dry: a person has to look at them.

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
FAINT, FAINT_SHARE = "phone", 0.1  # the field where the pen runs dry, and what is left of its ink


def main() -> None:
    """Fill in the form with digits drawn from strokes, and scan it."""
    template = load(SAMPLE)
    rng = np.random.default_rng(3)
    glyphs = drawn_digits.draw_glyphs(200, rng)
    blank = filled_forms.render_blank_page(template)
    digits = Split(glyphs.images, glyphs.labels)
    page = filled_forms.write_texts(template, blank, TEXTS, digits, rng)
    left, top, right, bottom = (
        round(side * page.shape[1] / template.page[0]) for side in template.rects[FAINT]
    )
    columns = slice((left + right) // 2, right)
    lost = blank[top:bottom, columns].astype(np.float32) - page[top:bottom, columns]
    page[top:bottom, columns] += np.uint8((1 - FAINT_SHARE) * lost)
    scan = filled_forms.scan_page(template, page, rng)
    shipped = SAMPLE.with_name(f"{SAMPLE.stem}-filled.jpg")
    shipped.write_bytes(scan.data)
    print(f"saved {shipped.relative_to(ROOT)}, {len(scan.data) / 1000:.0f} kB")
    pixels = cv2.imdecode(np.frombuffer(scan.data, np.uint8), cv2.IMREAD_GRAYSCALE)
    small = cv2.resize(pixels, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA)
    out = ROOT / "docs" / "pictures" / "form.png"
    cv2.imwrite(str(out), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"saved {out.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
