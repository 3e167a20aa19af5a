"""Aligns scans with their form: by its corner markers, or by features of what is printed on it.

An alignment is a homography, so a scan may be upside down, turned, scaled or in perspective. A scan
that is blank, too coarse, cut off, of another form or of a page that isn't flat is refused, each
with a reason of its own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from inkread.errors import ImageError
from inkread.forms import markers, print_layout
from inkread.forms.fields import Rect
from inkread.forms.template import PictureAlignment, Template, TemplateError
from inkread.imaging import images
from inkread.imaging.resize import resize_by

__all__ = ["MM_PER_INCH", "Aligner", "Alignment", "Refusal", "ScanError", "corners_of"]

Grey = npt.NDArray[np.uint8]
Points = npt.NDArray[np.float64]

MM_PER_INCH = 25.4
_MIN_DPI = 60.0  # at which a digit 5 mm tall is 12 pixels tall
_MARKER_DPI = 200.0  # finer scans are shrunk to it before markers are looked for
_FEATURE_DPI = 100.0  # likewise before SIFT features are
_MAX_RESIDUAL_MM = 0.8
_MIN_PRINT_SHARE = 0.6  # of a blank form's print that must be found on a scan of it
_MIN_PRINT_CONTRAST = 0.16  # of print to its paper
_MIN_SEEN_CONTRAST = 0.05  # the same on a scan, where it may be blurred
_MIN_INLIERS = 20  # features
_MIN_CONTRAST_GREY_LEVELS = 14.0  # a page with less is blank


class Refusal(StrEnum):
    """Why a scan can't be read as this form."""

    RESOLUTION = "resolution"
    BLANK = "blank"
    NO_FORM = "no form"
    OTHER_FORM = "other form"
    CUT_OFF = "cut off"
    NOT_FLAT = "not flat"


class ScanError(ImageError):
    """A scan that can't be read as this form.

    Attributes:
        refusal: the kind of reason.
        residual_mm: root mean square distance between where marks of the form were found and
            where they should be; ``None`` if none were found.
    """

    def __init__(self, refusal: Refusal, reason: str, residual_mm: float | None = None) -> None:
        """Compose the message from the kind of reason, its details and the residual."""
        text = f"{refusal}: {reason}"
        super().__init__(text if residual_mm is None else f"{text}; residual {residual_mm:.2f} mm")
        self.refusal = refusal
        self.residual_mm = residual_mm


@dataclass(frozen=True)
class Alignment:
    """Where a form lies on a scan.

    Attributes:
        homography: (3, 3), from millimetres on the form to pixels of the scan.
        residual_mm: root mean square distance between where marks of the form were found and
            where the homography puts them, in millimetres.
        dpi: resolution of the scan in the middle of the form, in pixels per inch.
    """

    homography: Points
    residual_mm: float
    dpi: float

    @property
    def turned_deg(self) -> float:
        """Rotation of the form on the scan, clockwise, from -180 to 180 degrees."""
        origin, right = self.to_pixels(np.array([[0.0, 0.0], [100.0, 0.0]]))
        return float(np.degrees(np.arctan2(right[1] - origin[1], right[0] - origin[0])))

    def to_pixels(self, points: Points) -> Points:
        """Map points (N, 2) on the form, in millimetres, to pixels of the scan, (N, 2)."""
        return _map_points(self.homography, points)

    def crop(self, page: Grey, rect: Rect, px_per_mm: float) -> Grey:
        """Cut a rectangle of the form out of its scan, upright.

        Args:
            page: (H, W) uint8, the scan.
            rect: in millimetres on the form.
            px_per_mm: scale of the crop.

        Returns:
            (h, w) uint8, upright; white where it reaches beyond the scan.
        """
        size = max(1, round(rect.width * px_per_mm)), max(1, round(rect.height * px_per_mm))
        # Pixel i is the square from i to i + 1: its centre is at i + 0.5.
        to_mm = np.array(
            [
                [1 / px_per_mm, 0, rect.left + 0.5 / px_per_mm],
                [0, 1 / px_per_mm, rect.top + 0.5 / px_per_mm],
                [0, 0, 1],
            ]
        )
        to_index = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
        matrix = to_index @ self.homography @ to_mm
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(
            cv2.warpPerspective(
                page, matrix, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=255
            )
        )


class Aligner:
    """Finds a form on its scans."""

    def __init__(self, template: Template, blank: images.Picture | None = None) -> None:
        """Prepare for a form.

        Args:
            template: the form.
            blank: a picture of the blank form; by default the file that the template names.

        Raises:
            TemplateError: the picture of the blank form can't be used.
        """
        self.template = template
        self._print_matcher: _PrintMatcher | None = None
        if isinstance(template.align, PictureAlignment):
            picture = template.folder / template.align.picture if blank is None else blank
            self._print_matcher = _PrintMatcher(template, picture)

    def locate(self, page: Grey) -> Alignment:
        """Find the form on a scan.

        Args:
            page: (H, W) uint8, the scan, 0 black, 255 white; any way up.

        Raises:
            ScanError: the form isn't on it, or can't be read from it.
        """
        width, height = self.template.page
        coarse_dpi = MM_PER_INCH * max(page.shape) / max(width, height)
        if coarse_dpi < _MIN_DPI:
            raise ScanError(
                Refusal.RESOLUTION,
                f"expected at least {_MIN_DPI:g} dpi, received about {coarse_dpi:.0f}",
            )
        alignment = (
            self._print_matcher.locate(page)
            if self._print_matcher
            else self._locate_by_markers(page)
        )
        if alignment.dpi < _MIN_DPI:
            raise ScanError(
                Refusal.RESOLUTION,
                f"expected at least {_MIN_DPI:g} dpi, received {alignment.dpi:.0f}",
                alignment.residual_mm,
            )
        if alignment.residual_mm > _MAX_RESIDUAL_MM:
            raise ScanError(
                Refusal.NOT_FLAT,
                f"expected the form's marks within {_MAX_RESIDUAL_MM} mm of their places",
                alignment.residual_mm,
            )
        self._check_fields(page, alignment)
        return alignment

    @property
    def has_blank(self) -> bool:
        """Whether there is a picture of the blank form."""
        return self._print_matcher is not None

    def crop_blank(self, rect: Rect, shape: tuple[int, ...]) -> Grey:
        """Cut a rectangle out of the picture of the blank form.

        Args:
            rect: in millimetres on the form.
            shape: height and width of the result in pixels.

        Returns:
            (H, W) uint8; white beyond the page.

        Raises:
            TemplateError: there is no such picture.
        """
        if self._print_matcher is None:
            raise TemplateError(f"{self.template.form}: expected a picture of the blank form")
        return self._print_matcher.crop_blank(rect, shape)

    def _check_fields(self, page: Grey, alignment: Alignment) -> None:
        height, width = page.shape
        beyond = []
        for name, rect in self.template.rects.items():
            x, y = alignment.to_pixels(corners_of(rect)).T
            if x.min() < 0 or y.min() < 0 or x.max() > width or y.max() > height:
                beyond.append(name)
        if beyond:
            more = f" and {len(beyond) - 3} more" if len(beyond) > 3 else ""
            raise ScanError(
                Refusal.CUT_OFF,
                f"expected the whole form, but {', '.join(beyond[:3])}{more} "
                f"{'is' if len(beyond) == 1 else 'are'} beyond the edge of the scan",
            )

    def _locate_by_markers(self, page: Grey) -> Alignment:
        expected = markers.assign_identifiers(self.template)
        scale = min(1.0, _MARKER_DPI * max(self.template.page) / MM_PER_INCH / max(page.shape))
        found = markers.detect(resize_by(page, scale))
        own = {identifier: quad for identifier, quad in found.items() if identifier in expected}
        if len(own) < 3:
            raise _explain_missing_markers(page, expected, found)
        rects = print_layout.place_markers(self.template.page)
        places = np.concatenate(
            [corners_of(rects[markers.corner_of(identifier)]) for identifier in own]
        )
        # OpenCV's coordinates are 0 at the centre of the first pixel, ours at its edge.
        pixels = (np.concatenate(list(own.values())).astype(np.float64) + 0.5) / scale
        homography, _ = cv2.findHomography(places, pixels, 0)
        return _measure_alignment(self.template, homography, places, pixels)


class _PrintMatcher:
    """Finds the print of a blank form on scans by SIFT features (Lowe 2004)."""

    def __init__(self, template: Template, picture: images.Picture) -> None:
        try:
            blank = images.load(picture)
        except ImageError as error:
            raise TemplateError(f"{template.form}: the blank form: {error}") from error
        width, height = template.page
        if abs(blank.shape[1] / blank.shape[0] / (width / height) - 1) > 0.03:
            raise TemplateError(
                f"{template.form}: expected a picture of all of {width:g} x {height:g} mm, "
                f"received {blank.shape[1]} x {blank.shape[0]} pixels"
            )
        self._template = template
        self._picture = blank
        px_per_mm = _FEATURE_DPI / MM_PER_INCH
        size = round(width * px_per_mm), round(height * px_per_mm)
        self._blank = np.asarray(cv2.resize(blank, size, interpolation=cv2.INTER_AREA))
        self._px_per_mm = np.array([size[0] / width, size[1] / height])
        self._points, self._detect_features = _detect_features(self._blank)
        if len(self._points) < 3 * _MIN_INLIERS:
            raise TemplateError(
                f"{template.form}: expected a blank form with more print on it to find it by"
            )

    def crop_blank(self, rect: Rect, shape: tuple[int, ...]) -> Grey:
        """See ``Aligner``."""
        height, width = self._picture.shape
        scale = width / self._template.page[0], height / self._template.page[1]
        from_mm = np.diag([*scale, 1.0])
        alignment = Alignment(from_mm, 0.0, scale[0] * MM_PER_INCH)
        cut = alignment.crop(self._picture, rect, shape[1] / rect.width)
        return np.asarray(cv2.resize(cut, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))

    def locate(self, page: Grey) -> Alignment:
        scale = min(1.0, _FEATURE_DPI * max(self._template.page) / MM_PER_INCH / max(page.shape))
        small = resize_by(page, scale)
        points, features = _detect_features(small)
        if len(points) < _MIN_INLIERS:
            raise _explain_nothing_found(
                page, "expected what is printed on the form, found nothing"
            )
        matches = cv2.BFMatcher(cv2.NORM_L2).knnMatch(features, self._detect_features, k=2)
        good = [pair[0] for pair in matches if pair[0].distance < 0.8 * pair[1].distance]
        if len(good) < _MIN_INLIERS:
            raise ScanError(
                Refusal.OTHER_FORM,
                f"expected the print of {self._template.form}, found {len(good)} points of it",
            )
        places = self._points[[match.trainIdx for match in good]] / self._px_per_mm
        pixels = points[[match.queryIdx for match in good]] / scale
        homography, inlier = cv2.findHomography(
            places, pixels, cv2.USAC_MAGSAC, 3.0 / scale, maxIters=3000, confidence=0.999
        )
        if homography is None:
            raise ScanError(Refusal.OTHER_FORM, f"expected the print of {self._template.form}")
        inside = inlier.ravel() > 0
        alignment = _measure_alignment(self._template, homography, places[inside], pixels[inside])
        agreement = self._measure_agreement(page, alignment)
        if inside.sum() < _MIN_INLIERS or agreement < _MIN_PRINT_SHARE:
            raise ScanError(
                Refusal.OTHER_FORM,
                f"expected the print of {self._template.form}, found {agreement:.0%} of it",
                alignment.residual_mm,
            )
        return alignment

    def _measure_agreement(self, page: Grey, alignment: Alignment) -> float:
        """Return the share of the blank form's print that is on the scan, to within 0.5 mm."""
        whole = Rect(0, 0, *self._template.page)
        px_per_mm = float(self._px_per_mm.min())
        height, width = self._blank.shape
        seen = cv2.resize(alignment.crop(page, whole, px_per_mm), (width, height))
        reach = 2 * round(0.5 * px_per_mm) + 1
        printed = _measure_print(self._blank) > _MIN_PRINT_CONTRAST
        if not printed.any():
            return 0.0
        # Print is as pale as the photo is blurred: it counts where it is as dark as most of it.
        contrast = _measure_print(seen)
        usual = float(np.percentile(contrast[printed], 75))
        least = float(np.clip(0.4 * usual, _MIN_SEEN_CONTRAST, _MIN_PRINT_CONTRAST))
        found = np.asarray(contrast > least, np.uint8)
        near = cv2.dilate(found, np.ones((reach, reach), np.uint8))
        return float(near[printed].mean())


def _detect_features(grey: Grey) -> tuple[Points, npt.NDArray[np.float32]]:
    """Return the positions (N, 2) of SIFT features, x then y, and their descriptors (N, 128)."""
    points, features = cv2.SIFT.create(nfeatures=2500).detectAndCompute(grey, None)
    if features is None:
        return np.empty((0, 2)), np.empty((0, 128), np.float32)
    return np.array([point.pt for point in points], np.float64) + 0.5, features


def _measure_print(grey: Grey) -> npt.NDArray[np.float32]:
    """Measure how much darker than the paper around it each pixel is, as a share: (H, W)."""
    paper = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    return np.asarray(cv2.subtract(paper, grey) / np.maximum(paper, 30), np.float32)


def _explain_missing_markers(
    page: Grey, expected: tuple[int, ...], found: Mapping[int, npt.NDArray[np.float32]]
) -> ScanError:
    """Return the error that says why fewer than three of the form's markers were found."""
    foreign = [identifier for identifier in found if identifier not in expected]
    own = len(found) - len(foreign)
    if len(foreign) > own:
        return ScanError(
            Refusal.OTHER_FORM,
            f"expected the markers {_join_identifiers(expected)}, "
            f"received {_join_identifiers(foreign)}",
        )
    if own:
        return ScanError(
            Refusal.CUT_OFF, f"expected the form's 4 markers, or 3 of them, received {own}"
        )
    return _explain_nothing_found(
        page, f"expected the markers {_join_identifiers(expected)}, found none"
    )


def _explain_nothing_found(page: Grey, reason: str) -> ScanError:
    """Return an error that tells a blank page from one without the form."""
    small = resize_by(page, min(1.0, 800 / max(page.shape)))
    contrast = np.percentile(cv2.absdiff(small, cv2.medianBlur(small, 31)), 99.5)
    if contrast < _MIN_CONTRAST_GREY_LEVELS:
        return ScanError(Refusal.BLANK, "expected a form, received an empty page")
    return ScanError(Refusal.NO_FORM, reason)


def _join_identifiers(identifiers: tuple[int, ...] | list[int]) -> str:
    return "-".join(map(str, identifiers))


def corners_of(rect: Rect) -> Points:
    """Return the corners of a rectangle: (4, 2), x then y, clockwise from the top left."""
    return np.array(
        [
            [rect.left, rect.top],
            [rect.right, rect.top],
            [rect.right, rect.bottom],
            [rect.left, rect.bottom],
        ]
    )


def _map_points(homography: Points, points: Points) -> Points:
    return np.asarray(
        cv2.perspectiveTransform(np.asarray(points, np.float64)[None], homography)[0], np.float64
    )


def _measure_alignment(
    template: Template, homography: Points, places: Points, pixels: Points
) -> Alignment:
    """Measure the residual and the resolution of a homography from millimetres to pixels."""
    back = _map_points(np.asarray(np.linalg.inv(homography), np.float64), pixels)
    residual_mm = float(np.sqrt(((back - places) ** 2).sum(axis=1).mean()))
    middle = np.array(template.page) / 2
    ends = _map_points(homography, middle + np.array([[0, 0], [10, 0], [0, 10]]))
    px_per_mm = float(np.hypot(*(ends[1:] - ends[0]).T).mean()) / 10
    return Alignment(np.asarray(homography), residual_mm, px_per_mm * MM_PER_INCH)
