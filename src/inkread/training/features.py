"""Feature maps: what the first layers of a network make of a glyph."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import onnx
from matplotlib.figure import Figure as Canvas
from onnx.reference import ReferenceEvaluator

from inkread.errors import ConfigError
from inkread.runtime import INPUT, Model, as_input

__all__ = ["feature_maps", "picture"]

_COLUMNS = 16  # maps beside each other


def feature_maps(
    model: Model, glyph: npt.NDArray[np.uint8], num_layers: int = 3
) -> tuple[npt.NDArray[np.float32], ...]:
    """Compute what the first convolutional layers answer, each after its ReLU.

    In a cascade those of the first network come first, which sees every glyph.

    With ONNX's own evaluator: ONNX Runtime gives nothing but a file's outputs, and may fuse the
    layers before them.

    Args:
        model: the model file.
        glyph: (28, 28) uint8, ink 255 on paper 0.
        num_layers: at most how many, from the first on.

    Returns:
        One array a layer: (maps, height, width) float32, 0 or more.

    Raises:
        ConfigError: the network has no such layers.
    """
    proto = onnx.load(model.path)
    names = [node.output[0] for node in proto.graph.node if node.op_type == "Relu"]
    run = ReferenceEvaluator(proto).run(names, {INPUT: as_input(glyph[None])})
    answers = [np.asarray(answer, np.float32) for answer in run]
    # A second network that was not asked has answers of no glyph.
    layers = [answer[0] for answer in answers if answer.ndim == 4 and len(answer)][:num_layers]
    if not layers:
        raise ConfigError(f"expected a network of convolutions and ReLU, received {model.name}")
    return tuple(layers)


def picture(layers: Sequence[npt.NDArray[np.float32]], title: str) -> Canvas:
    """Show feature maps, a block a layer; black is the layer's largest answer, white is 0.

    Args:
        layers: (maps, height, width) float32 each, 0 or more.
        title: above the picture.
    """
    blocks = [_tiled(layer) for layer in layers]
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


def _tiled(layer: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Lay (maps, height, width) out in rows, with a grey line around each map."""
    num_maps, height, width = layer.shape
    columns = min(_COLUMNS, num_maps)
    rows = -(-num_maps // columns)
    line = np.float32(0.3 * layer.max())
    padded = np.full((rows * columns, height + 1, width + 1), line, np.float32)
    padded[:num_maps, :height, :width] = layer
    grid = padded.reshape(rows, columns, height + 1, width + 1)
    return grid.transpose(0, 2, 1, 3).reshape(rows * (height + 1), columns * (width + 1))
