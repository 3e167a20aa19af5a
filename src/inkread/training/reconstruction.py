"""From a model file back to the Keras network it was exported from, to train it further.

What ships is the model file alone, and exporting folds batch normalisation into the convolutions
before it where it can. Here each convolution gets its weights as they stand in the file, and each
batch normalisation the scale and the shift that are left to it, over statistics that change
nothing: mean 0 and variance 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import onnx
from scipy.special import softmax

from inkread.errors import ConfigError, ModelError
from inkread.runtime import LineModel, Model, as_input, as_strips
from inkread.training import models
from inkread.training.export import check_parity, settled
from inkread.training.line_recipes import LineRecipe
from inkread.training.recipes import recipe_from_dict

__all__ = ["rebuild_line", "rebuilt"]

_KERNELS = {"Conv": (2, 3, 1, 0), "MatMul": (0, 1)}  # to Keras' order of axes


@dataclass
class _Affine:
    """A product with a kernel, then a scale and a shift of each output."""

    kernel: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]


def rebuilt(model: Model, glyphs: npt.NDArray[np.uint8]) -> keras.Model:
    """Build the Keras network of a model file, with the file's weights.

    Its batch normalisation is frozen: the statistics that it was trained with are not in the file.

    Args:
        model: of one network or a cascade, exported by inkread.
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0: real ones, to check with.

    Returns:
        (N, 28, 28, 1) float32 in [0, 1] to (N, num_outputs) probabilities; not compiled. It answers
        from one view; ``models.answering`` adds those that the recipe wants.

    Raises:
        ConfigError: the model is an ensemble, or its recipe is of another program.
        ModelError: the file's weights don't fit its recipe's network, or their probabilities
            differ.
    """
    recipe = recipe_from_dict(model.metadata.recipe)
    if recipe.members and recipe.sure is None:
        raise ConfigError(f"expected a model of one network, received the ensemble {model.name}")
    # One network after the other: the second of a cascade needs the first's answers.
    parts = iter(_parts(onnx.load(model.path).graph))
    networks = []
    for each in recipe.networks:
        network = models.build(each.network, model.metadata.num_outputs, each.dropout)
        try:
            _set_weights(network, parts)
        except (StopIteration, ValueError) as error:
            raise ModelError(
                f"{model.path}: expected the weights of network {each.network!r}: {error}"
            ) from error
        networks.append(network)
    network = models.joined(networks, recipe) if recipe.members else networks[0]
    answering = models.answering(network, recipe)
    glyphs = settled(answering, glyphs, recipe.sure)
    answers = keras.ops.convert_to_numpy(answering(as_input(glyphs), training=False))
    check_parity(np.asarray(answers), model.raw(glyphs))
    return network


def rebuild_line(model: LineModel, strips: Sequence[npt.NDArray[np.uint8]]) -> keras.Model:
    """Build the Keras network of a line model's file, with the file's weights.

    Large weights are in the file in half precision, and come back as they are there. Batch
    normalisation is frozen, as in ``rebuilt``.

    Args:
        model: exported by inkread.
        strips: (H, W) uint8 each, at least one: real or synthetic ones, to check with.

    Returns:
        (N, H, W, 1) float32 in [0, 1] to (N, frames, classes) logits; not compiled.

    Raises:
        ConfigError: the model's recipe is of another program.
        ModelError: the file's weights don't fit its recipe's network, or their probabilities
            differ.
    """
    recipe = LineRecipe.from_dict(model.metadata.recipe)
    network = models.build_line(recipe.network, len(model.symbols), recipe.dropout)
    parts = iter(_parts(onnx.load(model.path).graph))
    expected = f"{model.path}: expected the weights of line network {recipe.network!r}"
    try:
        _set_weights(network, parts)
    except (StopIteration, ValueError) as error:
        raise ModelError(f"{expected}: {error}") from error
    if left := list(parts):
        raise ModelError(f"{expected}, received {len(left)} kernels more")
    inputs = as_strips(strips)
    answers = keras.ops.softmax(network(inputs, training=False))
    check_parity(
        np.asarray(keras.ops.convert_to_numpy(answers)), softmax(model.outputs(inputs), axis=-1)
    )
    return network


def _set_weights(network: keras.Model, parts: Iterator[_Affine]) -> None:
    """Take as many parts as a network needs, and freeze its batch normalisation."""
    scale = shift = np.zeros(0, np.float32)  # those of the kernel before
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            part = next(parts)
            scale, shift = part.scale, part.shift
            layer.set_weights([part.kernel, shift] if layer.use_bias else [part.kernel])
        elif isinstance(layer, keras.layers.BatchNormalization):
            variance = np.full_like(scale, 1 - layer.epsilon)
            layer.set_weights([scale, shift, np.zeros_like(scale), variance])
            layer.trainable = False


def _parts(graph: onnx.GraphProto) -> list[_Affine]:
    """Collect the kernels of a graph, and what scales and shifts each.

    The graph is a chain, or two, one after the other.
    """
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:  # weights that are stored in half precision
        if node.op_type == "Cast" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]].astype(np.float32)
    found: list[_Affine] = []
    for node in graph.node:
        given = [constants[name] for name in node.input if name in constants]
        if node.op_type in _KERNELS and given:
            kernel = given[0].transpose(_KERNELS[node.op_type])
            ones = np.ones(kernel.shape[-1], np.float32)
            shift = given[1] if len(given) > 1 else np.zeros_like(ones)
            found.append(_Affine(kernel, ones, shift))
        elif node.op_type in ("Mul", "Add") and found and given:
            last, value = found[-1], given[0].reshape(-1)
            if node.op_type == "Mul":
                last.scale, last.shift = last.scale * value, last.shift * value
            else:
                last.shift = last.shift + value
    return found
