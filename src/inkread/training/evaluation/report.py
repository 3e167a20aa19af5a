"""One self-contained HTML page on a model, or on several models side by side."""

import base64
import datetime
import io
import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jinja2
import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.figure import Figure as Canvas
from PIL import Image

from inkread.errors import ConfigError
from inkread.models.runtime import Model
from inkread.training.evaluation import plots, provenance
from inkread.training.evaluation.calibrate import NUM_BINS
from inkread.training.evaluation.cost import Cost, Speed, network_cost, speed
from inkread.training.evaluation.evaluate import Evaluation, evaluate, mcnemar
from inkread.training.evaluation.robustness import STRENGTHS, Robustness, measure
from inkread.training.mnist import Split

__all__ = ["Setting", "Subject", "examine", "page"]

MAX_PICTURES = 120  # of misread digits: a bad model misreads thousands
_TIMED = ((1, 300), (1_000, 30))  # glyphs in a call, calls


@dataclass(frozen=True)
class Setting:
    """What the models were measured on, and how.

    Attributes:
        split: the images.
        split_name: ``test`` or ``validation``.
        command: the command line that makes the page again.
        robustness_images: how many of the images, drawn at random, were distorted; 0: none.
    """

    split: Split
    split_name: str
    command: str
    robustness_images: int


@dataclass(frozen=True)
class Subject:
    """A model with all that was measured of it.

    Attributes:
        name: what the page calls it.
        model: the model.
        evaluation: on the setting's split.
        cost: its size.
        speeds: for one glyph a call, and for many.
        robustness: accuracy under each distortion; ``None`` if none was asked for.
        sha256: of its file.
    """

    name: str
    model: Model
    evaluation: Evaluation
    cost: Cost
    speeds: tuple[Speed, ...]
    robustness: Robustness | None
    sha256: str


def examine(
    model: Model, setting: Setting, *, name: str | None = None, evaluation: Evaluation | None = None
) -> Subject:
    """Measure all that a page says of a model.

    Args:
        model: what to measure.
        setting: on what.
        name: what the page calls it; ``None``: its own name.
        evaluation: of the same model on the same images, if it is known already.

    Raises:
        ConfigError: the setting has no images.
        ModelError: the model file's layers have no fixed size.
    """
    images = setting.split.images
    return Subject(
        name=name or model.name,
        model=model,
        evaluation=evaluation or evaluate(model, setting.split),
        cost=network_cost(model.path),
        speeds=tuple(speed(model, images[:count], calls) for count, calls in _TIMED),
        robustness=(
            measure(model, setting.split, limit=setting.robustness_images)
            if setting.robustness_images
            else None
        ),
        sha256=model.sha256,
    )


def page(subjects: Sequence[Subject], setting: Setting) -> str:
    """Return the page on a model, or the comparison of several, as HTML.

    It needs no script and no other file: pictures, plots and style are part of it.

    Args:
        subjects: at least one, all examined in this setting, with names of their own.
        setting: the same for all.

    Raises:
        ConfigError: no subject, or two of the same name.
    """
    names = [subject.name for subject in subjects]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"expected one model or more, each with its own name, received {names}")
    evaluations = {subject.name: subject.evaluation for subject in subjects}
    template = "model.html.jinja" if len(subjects) == 1 else "comparison.html.jinja"
    return _environment(setting.split).get_template(template).render(
        subjects=subjects,
        setting=setting,
        strengths=STRENGTHS,
        num_bins=NUM_BINS,
        max_pictures=MAX_PICTURES,
        reliability=_inline(plots.reliability(evaluations), "reliability"),
        risk_coverage=_inline(plots.risk_coverage(evaluations), "risk"),
        made=datetime.datetime.now(datetime.UTC).date().isoformat(),
        hardware=provenance.hardware(),
        versions=provenance.versions(),
        **(_comparison(subjects) if len(subjects) > 1 else {}),
    )  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """A row of the comparison: a figure of every model, and which of them are the best.

    Attributes:
        name: of the figure.
        values: one a model, as text.
        best: one a model; none is if all are equal.
    """

    name: str
    values: tuple[str, ...]
    best: tuple[bool, ...]


def _row(
    name: str, values: Sequence[float], show: Callable[[float], str], *, largest: bool = False
) -> _Row:
    best = (max if largest else min)(values)
    differ = len(set(values)) > 1
    return _Row(name, tuple(map(show, values)), tuple(differ and value == best for value in values))


def _comparison(subjects: Sequence[Subject]) -> dict[str, Any]:
    found = [subject.evaluation for subject in subjects]
    costs = [subject.cost for subject in subjects]
    quality = [
        _row("Accuracy", [each.accuracy.value for each in found], _percent, largest=True),
        _row("Error among the 98 % surest", [each.sure_error.value for each in found], _percent),
        _row("Expected calibration error",
             [each.expected_calibration_error for each in found], partial(_percent, decimals=3)),
        _row("Brier score", [each.brier_score for each in found], "{:.5f}".format),
        _row("Negative log-likelihood (nats)",
             [each.negative_log_likelihood for each in found], "{:.5f}".format),
        _row("Area under risk-coverage",
             [each.risk_coverage.area for each in found], "{:.6f}".format),
    ]  # fmt: skip
    price = [
        _row(
            f"Median for {speeds[0].num_glyphs:,} glyph{'s' if speeds[0].num_glyphs > 1 else ''}",
            [each.median_ms for each in speeds],
            _milliseconds,
        )
        for speeds in zip(*(subject.speeds for subject in subjects), strict=True)
    ]
    price += [
        _row("File", [cost.num_bytes for cost in costs], _megabytes),
        _row("Parameters", [cost.num_parameters for cost in costs], "{:,.0f}".format),
        _row("Multiply-adds a glyph, at least",
             [cost.least_multiply_adds for cost in costs], "{:,.0f}".format),
        _row("Multiply-adds a glyph, at most",
             [cost.num_multiply_adds for cost in costs], "{:,.0f}".format),
    ]  # fmt: skip
    misread = [{mistake.index for mistake in each.mistakes} for each in found]
    common = set.intersection(*misread)
    return {
        "quality": quality,
        "price": price,
        "robustness": _robustness([each.robustness for each in subjects if each.robustness]),
        "pairs": [
            (first, second, mcnemar(first.evaluation, second.evaluation))
            for first, second in itertools.combinations(subjects, 2)
        ],
        "misread_by_all": [
            [next(mistake for mistake in each.mistakes if mistake.index == index) for each in found]
            for index in sorted(common)
        ],
    }


def _robustness(found: Sequence[Robustness]) -> list[_Row]:
    if not found:
        return []
    rows = [("undistorted", [each.undistorted.value for each in found])]
    rows += [
        (each[0].distortion, [row.mean for row in each])
        for each in zip(*(one.distorted for one in found), strict=True)
    ]
    rows.append(("mean of all distortions", [each.mean for each in found]))
    return [_row(name, values, _percent, largest=True) for name, values in rows]


def _environment(split: Split) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("inkread", "training/evaluation/templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "percent": _percent,
        "milliseconds": _milliseconds,
        "megabytes": _megabytes,
        "flat": lambda values: list(_flat(values)),
        "picture": lambda index: _picture(split.images[index]),
        "number": lambda index: int(split.indices[index]),
    }
    environment.filters.update(filters)
    return environment


def _percent(value: float, decimals: int = 2) -> str:
    return f"{100 * value:.{decimals}f}\N{NARROW NO-BREAK SPACE}%"


def _milliseconds(value: float) -> str:
    digits = f"{value:.3g}" if value < 100 else f"{value:,.0f}"
    return f"{digits}\N{NARROW NO-BREAK SPACE}ms"


def _megabytes(num_bytes: float) -> str:
    return f"{num_bytes / 1e6:.2f}\N{NARROW NO-BREAK SPACE}MB"


def _flat(values: Mapping[str, Any] | Sequence[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give a recipe's names and values, those of its parts too, each with the part's name."""
    for name, value in values.items() if isinstance(values, Mapping) else enumerate(values):
        if isinstance(value, Mapping | list | tuple):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", "none" if value is None else value


def _picture(glyph: npt.NDArray[np.uint8]) -> str:
    """Return a glyph as the address of a picture that is part of it: dark ink on white paper."""
    data = io.BytesIO()
    Image.fromarray(255 - glyph).save(data, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def _inline(canvas: Canvas, prefix: str) -> Markup:
    """Return a plot for a page: its colours are the page's, and its ids unlike another plot's."""
    svg = plots.svg(canvas)
    for number, color in enumerate(plots.SERIES, start=1):
        svg = svg.replace(color, f"var(--series-{number})")
    svg = svg.replace("#000000", "currentColor")
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    # The size is the page's matter; the view box keeps the proportions.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 aria-hidden="true"', svg, count=1)
    return Markup(svg)  # noqa: S704 - Matplotlib escapes the names in the legend
