"""The markers in the corners of a form: where it is, which way up, and which form it is.

They are AprilTags of the family 36h11 (Olson 2011), which OpenCV finds. An identifier says its
corner by its remainder by 4, and a part of the template's digest by the rest: four of them tell
some 450 million forms apart.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from inkread.forms.template import Template

__all__ = ["corner_of", "detected", "identifiers", "modules"]

_NUM_TAGS = 587
_NUM_PARTS = _NUM_TAGS // 4


def _dictionary() -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36H11)


def identifiers(template: Template) -> tuple[int, int, int, int]:
    """Return the identifiers of a form's markers, clockwise from the top left."""
    parts = [
        int.from_bytes(template.digest[2 * corner : 2 * corner + 2], "big") % _NUM_PARTS
        for corner in range(4)
    ]
    first, second, third, fourth = (4 * part + corner for corner, part in enumerate(parts))
    return first, second, third, fourth


def corner_of(identifier: int) -> int:
    """Return which corner a marker stands in: 0 top left, then clockwise."""
    return identifier % 4


def modules(identifier: int) -> npt.NDArray[np.bool_]:
    """Return a marker's modules: (8, 8), true where white; the outermost ones are black."""
    return np.asarray(cv2.aruco.generateImageMarker(_dictionary(), identifier, 8) > 127)


def detected(page: npt.NDArray[np.uint8]) -> Mapping[int, npt.NDArray[np.float32]]:
    """Find markers.

    Args:
        page: (H, W) uint8, 0 black, 255 white; any way up.

    Returns:
        By the identifier the marker's corners, (4, 2) pixels, x then y: clockwise from its own top
        left.
    """
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(_dictionary(), parameters)
    corners, found, _ = detector.detectMarkers(page)
    if found is None:
        return {}
    return {
        int(identifier): np.asarray(quad, np.float32).reshape(4, 2)
        for identifier, quad in zip(np.ravel(found), corners, strict=True)
        if identifier < 4 * _NUM_PARTS
    }
