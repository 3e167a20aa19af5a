"""The markers in the corners of a form, which tell its position, orientation and identity.

They are AprilTags of the family 36h11 (Olson 2011), detected by OpenCV. A marker's identifier is
4 x code + corner; the codes are taken from the template's digest. Four codes distinguish some 450
million forms.
"""

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt

from inkread.forms.template import Template

__all__ = ["assign_identifiers", "corner_of", "detect", "draw_modules"]

_NUM_TAGS = 587  # of the family
_NUM_CODES = _NUM_TAGS // 4


def _get_dictionary() -> cv2.aruco.Dictionary:
    return cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_APRILTAG_36H11)


def assign_identifiers(template: Template) -> tuple[int, int, int, int]:
    """Return the identifiers of a form's markers, clockwise from the top left."""
    codes = [
        int.from_bytes(template.digest[2 * corner : 2 * corner + 2], "big") % _NUM_CODES
        for corner in range(4)
    ]
    first, second, third, fourth = (4 * code + corner for corner, code in enumerate(codes))
    return first, second, third, fourth


def corner_of(identifier: int) -> int:
    """Return the corner of a marker from its identifier: 0 top left, then clockwise."""
    return identifier % 4


def draw_modules(identifier: int) -> npt.NDArray[np.bool_]:
    """Return the modules of a marker: (8, 8) bool, true where white; the outermost are black."""
    return np.asarray(cv2.aruco.generateImageMarker(_get_dictionary(), identifier, 8) > 127)


def detect(page: npt.NDArray[np.uint8]) -> Mapping[int, npt.NDArray[np.float32]]:
    """Detect markers.

    Args:
        page: (H, W) uint8, 0 black, 255 white; any way up.

    Returns:
        The corners of each marker by its identifier: (4, 2) pixels, x then y, clockwise from the
        marker's own top left.
    """
    parameters = cv2.aruco.DetectorParameters()
    parameters.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
    detector = cv2.aruco.ArucoDetector(_get_dictionary(), parameters)
    corners, found, _ = detector.detectMarkers(page)
    if found is None:
        return {}
    return {
        int(identifier): np.asarray(quad, np.float32).reshape(4, 2)
        for identifier, quad in zip(np.ravel(found), corners, strict=True)
        if identifier < 4 * _NUM_CODES
    }
