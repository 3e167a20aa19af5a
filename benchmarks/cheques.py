"""Make many distinct pictures of the size of a cheque's amount, for other benchmarks."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from inkread.training import mnist
from inkread.training.synthesis.numbers import number_on_paper

NUM_DISTINCT = 300


def make_cheques(folder: Path, count: int, seed: int = 0) -> int:
    """Write JPEG files of a few hundred pictures; a comment makes each file distinct.

    Returns:
        Their size in bytes.
    """
    digits = mnist.load().test
    rng = np.random.default_rng(seed)
    encoded: list[bytes] = []
    while len(encoded) < min(count, NUM_DISTINCT):
        picture, text = number_on_paper(digits, rng)
        if 3 <= len(text) <= 9 and 35 <= picture.shape[0] <= 110:
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "JPEG", quality=85)
            encoded.append(file.getvalue())
    num_bytes = 0
    for index in range(count):
        picture = encoded[index % len(encoded)]
        comment = f"{index:08}".encode()
        marker = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big")
        num_bytes += (folder / f"{index}.jpg").write_bytes(
            picture[:2] + marker + comment + picture[2:]
        )
    return num_bytes
