"""Small folders of other people's handwriting, with every file that trainings read."""

import numpy as np

from inkread.training.handwriting.archives import ARCHIVES, write_arrays
from inkread.training.handwriting.pens import PenSample, is_validation, write_pen_file

__all__ = ["write_pen_folder"]

SHAPES = {
    "0": [[60, 0], [0, 128], [60, 256], [120, 128], [60, 0]],
    "1": [[0, 60], [40, 0], [40, 256]],
    "7": [[0, 0], [128, 0], [64, 256]],
}


def write_pen_folder(folder):
    """Write digits, letters, numbers, scans and foreign characters of a few people."""
    people = [f"ced/ced/{number}.dat" for number in range(40)]
    cross = (np.array([[0, 0], [256, 256]]), np.array([[256, 0], [0, 256]]))

    def write(key, samples):
        write_pen_file(folder / ARCHIVES[key].name, samples)

    assert {is_validation(person) for person in people} == {False, True}
    digits = [
        PenSample((np.array(shape),), label, person)
        for person in people
        for label, shape in SHAPES.items()
    ]
    write("digits", digits)
    write("pendigits", [PenSample(each.strokes, each.label, "pendigits/x") for each in digits])
    write("numbers", [PenSample((np.array([[0, 0], [0, 96]]),), "11", person) for person in people])
    for key, label in (("capitals", "X"), ("small_letters", "x"), ("symbols", "#")):
        write(key, [PenSample(cross, label, person) for person in people])
    images = np.full((20, 40, 40), 230, np.uint8)
    images[:, 8:32, 18:22] = 20
    scans = {"images": images, "labels": np.full(20, 1), "writer": np.arange(20)}
    write_arrays(folder / ARCHIVES["scans"].name, scans)
    ink = np.zeros((8, 105, 105), bool)
    ink[:, 20:85, [20, 84]] = ink[:, [20, 84], 20:85] = True
    foreign = {
        "ink": np.packbits(ink, axis=2),
        "label_id": np.zeros(8, int),
        "labels": np.array(["Greek/character01"]),
        "drawer": np.arange(1, 9),
    }
    write_arrays(folder / ARCHIVES["foreign"].name, foreign)
    return folder
