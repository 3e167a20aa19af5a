"""Computes feature maps: the outputs of a network's first layers for one glyph."""

import numpy as np
import numpy.typing as npt
import onnx
from onnx.reference import ReferenceEvaluator

from inkread.errors import ConfigError
from inkread.models.runtime import INPUT, Model, prepare_glyphs

__all__ = ["compute_feature_maps"]


def compute_feature_maps(
    model: Model, glyph: npt.NDArray[np.uint8], num_layers: int = 3
) -> tuple[npt.NDArray[np.float32], ...]:
    """Compute the feature maps of the first convolutional layers, each after its ReLU.

    A cascade's first network, which sees every glyph, comes first.

    ONNX's reference evaluator computes them: ONNX Runtime gives only a file's outputs, and may fuse
    the layers before them.

    Args:
        model: the model file.
        glyph: (28, 28) uint8, ink 255 on paper 0.
        num_layers: how many layers at most, from the first on.

    Returns:
        One array a layer: (maps, height, width) float32, 0 or more.

    Raises:
        ConfigError: the network has no convolutions with ReLU.
    """
    proto = onnx.load(model.path)
    names = [node.output[0] for node in proto.graph.node if node.op_type == "Relu"]
    run = ReferenceEvaluator(proto).run(names, {INPUT: prepare_glyphs(glyph[None])})
    answers = [np.asarray(answer, np.float32) for answer in run]
    # Other networks of a cascade that were not run have maps of no glyph.
    layers = [answer[0] for answer in answers if answer.ndim == 4 and len(answer)][:num_layers]
    if not layers:
        raise ConfigError(f"expected a network of convolutions and ReLU, received {model.name}")
    return tuple(layers)
