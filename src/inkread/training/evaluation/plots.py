"""Draws samples, learning curves, confusion matrices, mistakes, calibration and feature maps."""

import io
import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MultipleLocator

from inkread.files import check_target, replace_atomically
from inkread.training.evaluation.evaluate import Evaluation
from inkread.training.history import Epoch, LineEpoch, Step
from inkread.training.mnist import Split

__all__ = [
    "SERIES",
    "SUFFIXES",
    "Canvas",
    "draw_confusion",
    "draw_curves",
    "draw_feature_maps",
    "draw_mistakes",
    "draw_reliability",
    "draw_risk_coverage",
    "draw_samples",
    "draw_strips",
    "pick_samples",
    "save",
    "to_svg",
]

SERIES = ("#1f4e79", "#c55a11", "#3b7a3b", "#7a3b8c")  # each with its own line style and marker
# File formats that Matplotlib can save.
SUFFIXES = tuple(f".{name}" for name in sorted(FigureCanvasBase.get_supported_filetypes()))
_INK, _SECOND = SERIES[:2]
_NUM_MAP_COLUMNS = 16  # feature maps per row
_MIN_ERROR = 1e-4  # lower end of the axes: 10,000 pictures can't show a smaller share
_MIN_COVERAGE = 0.8  # left end of the risk-coverage plot
_LINES, _MARKERS = ("-", "--", "-.", ":"), "os^D"


def save(canvas: Canvas, path: Path) -> None:
    """Save a figure atomically, in the format given by the file's suffix.

    Raises:
        ConfigError: unknown format, or the path is a folder.
        OSError: the file can't be written.
    """
    check_target(path, SUFFIXES)
    with replace_atomically(path) as temporary:
        canvas.savefig(temporary, dpi=120)


def to_svg(canvas: Canvas) -> str:
    """Return a figure as an SVG element for a page: text kept as text, output deterministic."""
    text = io.StringIO()
    metadata = dict.fromkeys(("Creator", "Date", "Format", "Type"))  # left out of the SVG
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "inkread"}):
        canvas.savefig(text, format="svg", transparent=True, metadata=metadata)
    return text.getvalue()[text.getvalue().index("<svg") :]


def pick_samples(split: Split, per_digit: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Draw the indices of random images of each digit.

    Args:
        split: the images.
        per_digit: number of images of each digit, without replacement.
        seed: of the random generator.

    Returns:
        (10, per_digit) int64.
    """
    rng = np.random.default_rng(seed)
    return np.stack(
        [
            rng.choice(np.flatnonzero(split.labels == digit), per_digit, replace=False)
            for digit in range(10)
        ]
    )


def draw_samples(split: Split, indices: npt.NDArray[np.int64], title: str) -> Canvas:
    """Draw images with their labels and indices.

    Args:
        split: the images.
        indices: (rows, columns) int64 indices into the split.
        title: the figure's title.
    """
    rows, columns = indices.shape
    canvas = Canvas(figsize=(max(4.0, 0.85 * columns), 0.95 * rows + 0.6), layout="constrained")
    canvas.suptitle(title, parse_math=False)
    axes = canvas.subplots(rows, columns, squeeze=False)
    for axis, index in zip(axes.flat, indices.flat, strict=True):
        _show_glyph(axis, split.images[index], f"{split.labels[index]}  #{split.indices[index]}")
    return canvas


def draw_strips(
    pictures: Sequence[npt.NDArray[np.uint8]], texts: Sequence[str], title: str
) -> Canvas:
    """Draw strips with their texts as captions.

    Args:
        pictures: (H, W) uint8 each, ink 255 on paper 0; at least one.
        texts: the text of each strip.
        title: the figure's title.
    """
    columns = 4
    rows = -(-len(pictures) // columns)
    canvas = Canvas(figsize=(2.6 * columns, 0.8 * rows + 0.5), layout="constrained")
    canvas.suptitle(title, parse_math=False)
    axes = canvas.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, picture, text in zip(axes, pictures, texts, strict=False):
        axis.imshow(picture, cmap="gray_r", vmin=0, vmax=255)
        axis.set_title(text or "(blank)", fontsize=8, parse_math=False)
    return canvas


def draw_curves(
    history: Sequence[Epoch] | Sequence[LineEpoch], title: str, steps: Sequence[Step] = ()
) -> Canvas:
    """Draw the loss and the accuracy of every epoch, on training and validation images.

    Args:
        history: the epochs.
        title: the figure's title.
        steps: if given, the training loss is drawn at each step, as the running mean of its epoch.
    """
    canvas = Canvas(figsize=(9, 3.8), layout="constrained")
    canvas.suptitle(title, parse_math=False)
    left, right = canvas.subplots(1, 2)
    epochs = [row.epoch for row in history]
    training = {"color": _INK, "marker": "o", "label": "training"}
    validation = {"color": _SECOND, "marker": "s", "linestyle": "--", "label": "validation"}
    if steps:
        places = [step.epoch - 1 + step.step / step.num_steps for step in steps]
        left.plot(places, [step.loss for step in steps], color=_INK, label="training")
    else:
        left.plot(epochs, [row.loss for row in history], **training)
    left.plot(epochs, [row.validation_loss for row in history], **validation)
    left.set(xlabel="epoch", ylabel="loss (nats)", yscale="log")
    accuracies = [100 * row.accuracy for row in history if isinstance(row, Epoch)]
    if accuracies:
        right.plot(epochs, accuracies, **training)
    right.plot(epochs, [100 * row.validation_accuracy for row in history], **validation)
    right.set(xlabel="epoch", ylabel="accuracy (%)")
    for axis in (left, right):
        axis.grid(alpha=0.3)
        axis.legend()
        axis.set_xlim(
            0, epochs[-1] + 0.5
        )  # with a single epoch, the ticks would be fractions otherwise
        axis.xaxis.get_major_locator().set_params(integer=True)
    return canvas


def draw_confusion(evaluation: Evaluation, title: str) -> Canvas:
    """Draw the confusion matrix."""
    counts = evaluation.confusion
    wrong = counts.astype(float)
    np.fill_diagonal(wrong, 0)  # shade mistakes only: correct answers far outnumber them
    canvas = Canvas(figsize=(6.2, 6), layout="constrained")
    axis = canvas.subplots()
    axis.imshow(wrong, cmap="Oranges", vmin=0, vmax=max(1.0, wrong.max()))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            axis.text(
                column, row, str(count), ha="center", va="center",
                weight="bold" if row == column else "normal",
            )  # fmt: skip
    axis.set_title(title, parse_math=False)
    axis.set(xlabel="read as", ylabel="label", xticks=range(10), yticks=range(10))
    return canvas


def draw_mistakes(evaluation: Evaluation, split: Split, title: str, num_shown: int = 40) -> Canvas:
    """Draw up to ``num_shown`` misread images, the most confident mistakes first."""
    shown = evaluation.mistakes[:num_shown]
    columns = 8
    rows = max(1, -(-len(shown) // columns))
    canvas = Canvas(figsize=(1.25 * columns, 1.4 * rows + 0.6), layout="constrained")
    canvas.suptitle(title, parse_math=False)
    axes = canvas.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes[len(shown) :]:
        axis.set_axis_off()
    for axis, mistake in zip(axes, shown, strict=False):
        number = split.indices[mistake.index]
        caption = f"{mistake.label} read {mistake.read}\n{mistake.confidence:.0%}  #{number}"
        _show_glyph(axis, split.images[mistake.index], caption)
    return canvas


def draw_reliability(evaluations: Mapping[str, Evaluation]) -> Canvas:
    """Draw a reliability diagram: accuracy against mean confidence, a point per bin.

    The axes are logarithmic in the distance from 1, where accurate networks differ.

    Args:
        evaluations: the evaluations, keyed by their names in the legend.
    """
    canvas = Canvas(figsize=(5, 4), layout="constrained")
    axis = canvas.subplots()
    least = _MIN_ERROR
    axis.plot([least, 1], [least, 1], color="#808080", linewidth=1, label="as sure as right")
    for (name, evaluation), style in zip(evaluations.items(), _cycle_styles(), strict=False):
        doubt = [max(least, 1 - each.confidence) for each in evaluation.reliability]
        wrong = [max(least, 1 - each.accuracy) for each in evaluation.reliability]
        axis.plot(doubt, wrong, **style, markersize=5, clip_on=False, label=name)
    ticks = [10.0**exponent for exponent in range(-4, 1)]
    labels = ["≥ 99.99 %", "99.9 %", "99 %", "90 %", "0 %"]
    axis.set(xlabel="mean confidence of a bin", ylabel="accuracy of the bin", xscale="log",
             yscale="log", xlim=(1, least), ylim=(1, least))  # fmt: skip
    axis.set_xticks(ticks, labels)
    axis.set_yticks(ticks, labels)
    axis.minorticks_off()
    axis.grid(alpha=0.3)
    _add_legend(axis)
    return canvas


def draw_risk_coverage(evaluations: Mapping[str, Evaluation]) -> Canvas:
    """Draw risk-coverage curves, from a coverage of 80 % on.

    At lower coverage the error of an accurate network hardly changes.

    Args:
        evaluations: the evaluations, keyed by their names in the legend.
    """
    canvas = Canvas(figsize=(5, 4), layout="constrained")
    axis = canvas.subplots()
    for (name, evaluation), style in zip(evaluations.items(), _cycle_styles(), strict=False):
        curve = evaluation.risk_coverage
        shown = curve.coverage >= _MIN_COVERAGE
        axis.plot(100 * curve.coverage[shown], 100 * curve.risk[shown],
                  **{**style, "marker": ""}, label=name)  # fmt: skip
    axis.set(xlabel="share accepted, the most confident first", ylabel="error among the accepted",
             xlim=(100 * _MIN_COVERAGE, 100), ylim=(0, None))  # fmt: skip
    axis.xaxis.set_major_locator(MultipleLocator(5))
    for each in (axis.xaxis, axis.yaxis):
        each.set_major_formatter("{x:g} %")
    axis.grid(alpha=0.3)
    if len(evaluations) > 1:
        _add_legend(axis)
    return canvas


def _cycle_styles() -> Iterator[dict[str, Any]]:
    """Yield line styles that differ in colour, dashes and marker, repeating after the last."""
    for color, line, marker in itertools.cycle(zip(SERIES, _LINES, _MARKERS, strict=True)):
        yield {"color": color, "linestyle": line, "marker": marker}


def _add_legend(axis: Axes) -> None:
    """Add a legend that shows every label literally.

    Matplotlib hides labels that begin with an underscore and parses text between dollar signs as a
    formula, but a model may have any name.
    """
    legend = axis.legend(axis.lines, [""] * len(axis.lines), frameon=False)
    for text, line in zip(legend.get_texts(), axis.lines, strict=True):
        text.set(text=line.get_label(), parse_math=False)


def _show_glyph(axis: Axes, glyph: npt.NDArray[np.uint8], caption: str) -> None:
    axis.imshow(glyph, cmap="gray_r", vmin=0, vmax=255)
    axis.set_title(caption, fontsize=7, pad=2)
    axis.set_axis_off()


def draw_feature_maps(layers: Sequence[npt.NDArray[np.float32]], title: str) -> Canvas:
    """Draw feature maps, one block per layer; white is 0, black is the layer's maximum.

    Args:
        layers: (maps, height, width) float32 each, non-negative.
        title: the figure's title.
    """
    blocks = [_tile_maps(layer) for layer in layers]
    heights = [block.shape[0] / block.shape[1] for block in blocks]
    canvas = Canvas(figsize=(9, 8.7 * sum(heights) + 0.3 * len(blocks) + 0.4), layout="constrained")
    canvas.suptitle(title, parse_math=False)
    axes = canvas.subplots(len(blocks), 1, squeeze=False, height_ratios=heights)
    for index, (axis, layer, block) in enumerate(zip(axes[:, 0], layers, blocks, strict=True), 1):
        num_maps, height, width = layer.shape
        axis.imshow(block, cmap="gray_r", vmin=0, vmax=max(float(layer.max()), 1e-9))
        axis.set_title(f"layer {index}: {num_maps} maps of {height} x {width}", fontsize=9)
        axis.set_axis_off()
    return canvas


def _tile_maps(layer: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Arrange (maps, height, width) in a grid with grey lines between the maps."""
    num_maps, height, width = layer.shape
    columns = min(_NUM_MAP_COLUMNS, num_maps)
    rows = -(-num_maps // columns)
    line = np.float32(0.3 * layer.max())
    padded = np.full((rows * columns, height + 1, width + 1), line, np.float32)
    padded[:num_maps, :height, :width] = layer
    grid = padded.reshape(rows, columns, height + 1, width + 1)
    return grid.transpose(0, 2, 1, 3).reshape(rows * (height + 1), columns * (width + 1))
