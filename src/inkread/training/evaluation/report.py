"""Measures models and renders the results as one self-contained HTML page."""

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
from inkread.training.evaluation.cost import Cost, Speed, measure_cost, measure_speed
from inkread.training.evaluation.evaluate import Evaluation, evaluate, mcnemar
from inkread.training.evaluation.robustness import STRENGTHS, Robustness, measure_robustness
from inkread.training.mnist import Split

__all__ = ["Setting", "Subject", "examine", "render_page"]

MAX_PICTURES = 120  # misread digits that a page shows: a poor model misreads thousands
_TIMINGS = ((1, 300), (1_000, 30))  # (glyphs per call, number of calls)


@dataclass(frozen=True)
class Setting:
    """The images and the options of a measurement.

    Attributes:
        split: the images.
        split_name: ``test`` or ``validation``.
        command: the command line that reproduces the page.
        robustness_images: number of randomly drawn images that the robustness is measured on; with
            0 it isn't measured.
    """

    split: Split
    split_name: str
    command: str
    robustness_images: int


@dataclass(frozen=True)
class Subject:
    """A model and its measurements.

    Attributes:
        name: the model's name on the page.
        model: the model.
        evaluation: its evaluation on the setting's split.
        cost: its size and its multiply-adds.
        speeds: its latency with one glyph per call, and with many.
        robustness: its accuracy under each distortion; ``None`` if it was not measured.
        sha256: SHA-256 of the model file.
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
    """Evaluate a model, its size, its speed and its robustness.

    Args:
        model: the model to measure.
        setting: the images and the options.
        name: the model's name on the page; ``None``: the model's own name.
        evaluation: an evaluation of the same model on the same images, to save computing it again.

    Raises:
        ConfigError: the setting has no images.
        ModelError: the sizes of the model's layers can't be inferred.
    """
    images = setting.split.images
    return Subject(
        name=name or model.name,
        model=model,
        evaluation=evaluation or evaluate(model, setting.split),
        cost=measure_cost(model.path),
        speeds=tuple(measure_speed(model, images[:count], calls) for count, calls in _TIMINGS),
        robustness=(
            measure_robustness(model, setting.split, limit=setting.robustness_images)
            if setting.robustness_images
            else None
        ),
        sha256=model.sha256,
    )


def render_page(subjects: Sequence[Subject], setting: Setting) -> str:
    """Render the report on one model, or the comparison of several, as HTML.

    The page has no script and refers to no other file: images, plots and styles are embedded.

    Args:
        subjects: at least one model, all measured with this setting, with distinct names.
        setting: the images and the options.

    Raises:
        ConfigError: no subject, or two of the same name.
    """
    names = [subject.name for subject in subjects]
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"expected one model or more, each with its own name, received {names}")
    evaluations = {subject.name: subject.evaluation for subject in subjects}
    template = "model.html.jinja" if len(subjects) == 1 else "comparison.html.jinja"
    return _make_environment(setting.split).get_template(template).render(
        subjects=subjects,
        setting=setting,
        strengths=STRENGTHS,
        num_bins=NUM_BINS,
        max_pictures=MAX_PICTURES,
        reliability=_inline_svg(plots.draw_reliability(evaluations), "reliability"),
        risk_coverage=_inline_svg(plots.draw_risk_coverage(evaluations), "risk"),
        made=datetime.datetime.now(datetime.UTC).date().isoformat(),
        hardware=provenance.describe_hardware(),
        versions=provenance.list_versions(),
        **(_compare(subjects) if len(subjects) > 1 else {}),
    )  # fmt: skip


@dataclass(frozen=True)
class _Row:
    """A row of the comparison table: one metric of every model.

    Attributes:
        name: the metric's name.
        values: one formatted value per model.
        best: per model, whether its value is the best; all false if all values are equal.
    """

    name: str
    values: tuple[str, ...]
    best: tuple[bool, ...]


def _make_row(
    name: str, values: Sequence[float], show: Callable[[float], str], *, largest: bool = False
) -> _Row:
    best = (max if largest else min)(values)
    differ = len(set(values)) > 1
    return _Row(name, tuple(map(show, values)), tuple(differ and value == best for value in values))


def _compare(subjects: Sequence[Subject]) -> dict[str, Any]:
    found = [subject.evaluation for subject in subjects]
    costs = [subject.cost for subject in subjects]
    quality = [
        _make_row("Accuracy",
             [each.accuracy.value for each in found], _format_percent, largest=True),
        _make_row("Error among the 98 % surest",
             [each.sure_error.value for each in found], _format_percent),
        _make_row("Expected calibration error",
             [each.expected_calibration_error for each in found],
             partial(_format_percent, decimals=3)),
        _make_row("Brier score", [each.brier_score for each in found], "{:.5f}".format),
        _make_row("Negative log-likelihood (nats)",
             [each.negative_log_likelihood for each in found], "{:.5f}".format),
        _make_row("Area under risk-coverage",
             [each.risk_coverage.area for each in found], "{:.6f}".format),
    ]  # fmt: skip
    price = [
        _make_row(
            f"Median for {speeds[0].num_glyphs:,} glyph{'s' if speeds[0].num_glyphs > 1 else ''}",
            [each.median_ms for each in speeds],
            _format_milliseconds,
        )
        for speeds in zip(*(subject.speeds for subject in subjects), strict=True)
    ]
    price += [
        _make_row("File", [cost.num_bytes for cost in costs], _format_megabytes),
        _make_row("Parameters", [cost.num_parameters for cost in costs], "{:,.0f}".format),
        _make_row("Multiply-adds a glyph, at least",
             [cost.least_multiply_adds for cost in costs], "{:,.0f}".format),
        _make_row("Multiply-adds a glyph, at most",
             [cost.num_multiply_adds for cost in costs], "{:,.0f}".format),
    ]  # fmt: skip
    misread = [{mistake.index for mistake in each.mistakes} for each in found]
    common = set.intersection(*misread)
    return {
        "quality": quality,
        "price": price,
        "robustness": _compare_robustness(
            [each.robustness for each in subjects if each.robustness]
        ),
        "pairs": [
            (first, second, mcnemar(first.evaluation, second.evaluation))
            for first, second in itertools.combinations(subjects, 2)
        ],
        "misread_by_all": [
            [next(mistake for mistake in each.mistakes if mistake.index == index) for each in found]
            for index in sorted(common)
        ],
    }


def _compare_robustness(found: Sequence[Robustness]) -> list[_Row]:
    if not found:
        return []
    rows = [("undistorted", [each.undistorted.value for each in found])]
    rows += [
        (each[0].distortion, [row.mean for row in each])
        for each in zip(*(one.distorted for one in found), strict=True)
    ]
    rows.append(("mean of all distortions", [each.mean for each in found]))
    return [_make_row(name, values, _format_percent, largest=True) for name, values in rows]


def _make_environment(split: Split) -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("inkread", "training/evaluation/templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    filters: dict[str, Callable[..., Any]] = {
        "percent": _format_percent,
        "milliseconds": _format_milliseconds,
        "megabytes": _format_megabytes,
        "flat": lambda values: list(_flatten(values)),
        "picture": lambda index: _encode_picture(split.images[index]),
        "number": lambda index: int(split.indices[index]),
    }
    environment.filters.update(filters)
    return environment


def _format_percent(value: float, decimals: int = 2) -> str:
    return f"{100 * value:.{decimals}f}\N{NARROW NO-BREAK SPACE}%"


def _format_milliseconds(value: float) -> str:
    digits = f"{value:.3g}" if value < 100 else f"{value:,.0f}"
    return f"{digits}\N{NARROW NO-BREAK SPACE}ms"


def _format_megabytes(num_bytes: float) -> str:
    return f"{num_bytes / 1e6:.2f}\N{NARROW NO-BREAK SPACE}MB"


def _flatten(
    values: Mapping[str, Any] | Sequence[Any], prefix: str = ""
) -> Iterator[tuple[str, Any]]:
    """Yield a nested recipe's settings as (dotted name, value) pairs."""
    for name, value in values.items() if isinstance(values, Mapping) else enumerate(values):
        if isinstance(value, Mapping | list | tuple):
            yield from _flatten(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", "none" if value is None else value


def _encode_picture(glyph: npt.NDArray[np.uint8]) -> str:
    """Encode a glyph as a PNG data URL with dark ink on white paper."""
    data = io.BytesIO()
    Image.fromarray(255 - glyph).save(data, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(data.getvalue()).decode()


def _inline_svg(canvas: Canvas, prefix: str) -> Markup:
    """Return a plot as inline SVG with the page's colours and with ids unique to this plot."""
    svg = plots.to_svg(canvas)
    for number, color in enumerate(plots.SERIES, start=1):
        svg = svg.replace(color, f"var(--series-{number})")
    svg = svg.replace("#000000", "currentColor")
    svg = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    # The page's style sheet sets the size; the view box keeps the aspect ratio.
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r'\1 aria-hidden="true"', svg, count=1)
    return Markup(svg)  # noqa: S704 - Matplotlib escapes the names in the legend
