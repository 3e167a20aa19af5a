"""Computes feature maps: the answers of a network's first layers to one glyph."""

import numpy as np
import numpy.typing as npt
import onnx
from onnx.reference import ReferenceEvaluator

from inkread.errors import ConfigError
from inkread.models.runtime import INPUT, Model, prepare_glyphs

__all__ = ["feature_maps"]


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
    run = ReferenceEvaluator(proto).run(names, {INPUT: prepare_glyphs(glyph[None])})
    answers = [np.asarray(answer, np.float32) for answer in run]
    # A second network that was not asked has answers of no glyph.
    layers = [answer[0] for answer in answers if answer.ndim == 4 and len(answer)][:num_layers]
    if not layers:
        raise ConfigError(f"expected a network of convolutions and ReLU, received {model.name}")
    return tuple(layers)
