"""Rebuilds the Keras network of an exported model file, for further training.

Only the model file ships, and exporting folds batch normalisation into the preceding convolutions
where possible. So each convolution gets its weights from the file, and each batch normalisation the
remaining scale and shift, with statistics that change nothing: mean 0 and variance 1.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
import onnx
from scipy.special import softmax

from inkread.errors import ConfigError, ModelError
from inkread.imaging.layout_maps import network_input
from inkread.models.layout_model import LayoutModel
from inkread.models.runtime import LineModel, Model, prepare_glyphs, prepare_strips
from inkread.training.line_recipes import LineRecipe
from inkread.training.networks import architectures
from inkread.training.networks.export import away_from_threshold, check_parity
from inkread.training.networks.layout_network import layout
from inkread.training.recipes import recipe_from_dict

__all__ = ["rebuild_layout_network", "rebuild_line_network", "rebuild_network", "take_statistics"]

_KERNEL_AXES = {"Conv": (2, 3, 1, 0), "MatMul": (0, 1)}  # to Keras' order of axes


@dataclass
class _Affine:
    """A layer's kernel, and the scale and the shift of each of its outputs."""

    kernel: npt.NDArray[np.float32]
    scale: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]


def rebuild_network(model: Model, glyphs: npt.NDArray[np.uint8]) -> keras.Model:
    """Build the Keras network of a model file, with the file's weights.

    Its batch normalisation is frozen, because the file lacks the statistics of the training.

    Args:
        model: a single network or a cascade, exported by inkread.
        glyphs: (N, 28, 28) uint8, ink 255 on paper 0: real glyphs to check the result with.

    Returns:
        A network that is not compiled and maps (N, 28, 28, 1) float32 in [0, 1] to (N, num_outputs)
        probabilities, without test-time augmentation, which
        ``architectures.build_inference_network`` adds.

    Raises:
        ConfigError: the model is an ensemble, or its recipe is not valid.
        ModelError: the file's weights don't fit its recipe's network, or their probabilities
            differ.
    """
    recipe = recipe_from_dict(model.metadata.recipe)
    if recipe.members and recipe.sure is None:
        raise ConfigError(f"expected a model of one network, received the ensemble {model.name}")
    # The layers of a cascade's networks follow one another, as the members do.
    parts = iter(_collect_affine_layers(onnx.load(model.path).graph))
    networks = []
    for each in recipe.networks:
        network = architectures.build(each.network, model.metadata.num_outputs, each.dropout)
        try:
            _set_weights(network, parts)
        except (StopIteration, ValueError) as error:
            raise ModelError(
                f"{model.path}: expected the weights of network {each.network!r}: {error}"
            ) from error
        networks.append(network)
    network = architectures.join_members(networks, recipe) if recipe.members else networks[0]
    answering = architectures.build_inference_network(network, recipe)
    glyphs = away_from_threshold(answering, glyphs, recipe.sure)
    answers = keras.ops.convert_to_numpy(answering(prepare_glyphs(glyphs), training=False))
    check_parity(np.asarray(answers), model.predict_uncalibrated(glyphs))
    return network


def rebuild_line_network(model: LineModel, strips: Sequence[npt.NDArray[np.uint8]]) -> keras.Model:
    """Build the Keras network of a line model's file, with the file's weights.

    Large weights are in half precision in the file, and keep what was rounded off. Batch
    normalisation is frozen, as in ``rebuild_network``.

    Args:
        model: exported by inkread.
        strips: (H, W) uint8 each, ink 255 on paper 0, at least one: strips to check the result
            with.

    Returns:
        A network that is not compiled and maps (N, H, W, 1) float32 in [0, 1] to (N, frames,
        classes) logits.

    Raises:
        ConfigError: the model's recipe is not valid.
        ModelError: the file's weights don't fit its recipe's network, or their probabilities
            differ.
    """
    recipe = LineRecipe.from_dict(model.metadata.recipe)
    network = architectures.build_line(recipe.network, len(model.symbols), recipe.dropout)
    parts = iter(_collect_affine_layers(onnx.load(model.path).graph))
    expected = f"{model.path}: expected the weights of line network {recipe.network!r}"
    try:
        _set_weights(network, parts)
    except (StopIteration, ValueError) as error:
        raise ModelError(f"{expected}: {error}") from error
    if left := list(parts):
        raise ModelError(f"{expected}, received {len(left)} more kernels")
    inputs = prepare_strips(strips)
    answers = keras.ops.softmax(network(inputs, training=False))
    check_parity(
        np.asarray(keras.ops.convert_to_numpy(answers)),
        np.asarray(softmax(model.run(inputs), axis=-1)),
    )
    return network


def rebuild_layout_network(model: LayoutModel, pages: npt.NDArray[np.uint8]) -> keras.Model:
    """Build the Keras network of a layout model's file, with the file's weights.

    Its batch normalisation is not frozen: the statistics, which the file lacks, are taken from
    pages; see ``take_statistics``.

    Args:
        model: exported by inkread.
        pages: (N, H, W) uint8, sides multiples of ``STEP_PX``: such pages as it is trained on.

    Returns:
        A network that is not compiled, as ``layout_network.layout`` gives it.

    Raises:
        ModelError: the file's weights don't fit the network, or its maps differ.
    """
    network = layout()
    expected = f"{model.path}: expected the weights of the layout network"
    try:
        _set_weights(network, iter(_collect_affine_layers(onnx.load(model.path).graph)))
    except (StopIteration, ValueError) as error:
        raise ModelError(f"{expected}: {error}") from error
    inputs = np.stack([network_input(page) for page in pages])
    take_statistics(network, inputs)
    found = keras.ops.convert_to_numpy(network(inputs[:4], training=False))
    check_parity(np.asarray(found), model.run(inputs[:4]))
    return network


def take_statistics(network: keras.Model, inputs: npt.NDArray[np.float32]) -> None:
    """Unfreeze a rebuilt network's batch normalisation, with the statistics of some inputs.

    The network gives the same as before.

    Args:
        network: whose batch normalisation lacks the statistics of the training.
        inputs: (N, H, W, C) float32, as the network takes them.
    """
    normalising = [
        layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]
    probe = keras.Model(network.input, [layer.input for layer in normalising])
    found = zip(*(probe(inputs[k : k + 4]) for k in range(0, len(inputs), 4)), strict=True)
    for layer, parts in zip(normalising, found, strict=True):
        values = np.concatenate([keras.ops.convert_to_numpy(part) for part in parts])
        mean, variance = values.mean(axis=(0, 1, 2)), values.var(axis=(0, 1, 2))
        scale, shift = layer.get_weights()[:2]
        spread = np.sqrt(variance + layer.epsilon)
        layer.set_weights([scale * spread, shift + scale * mean, mean, variance])
        layer.trainable = True


def _set_weights(network: keras.Model, parts: Iterator[_Affine]) -> None:
    """Set a network's weights from the next parts, and freeze its batch normalisation."""
    scale = shift = np.zeros(0, np.float32)  # of the previous kernel
    for layer in network.layers:
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            part = next(parts)
            scale, shift = part.scale, part.shift
            layer.set_weights([part.kernel, shift] if layer.use_bias else [part.kernel])
        elif isinstance(layer, keras.layers.BatchNormalization):
            variance = np.full_like(scale, 1 - layer.epsilon)
            layer.set_weights([scale, shift, np.zeros_like(scale), variance])
            layer.trainable = False


def _collect_affine_layers(graph: onnx.GraphProto) -> list[_Affine]:
    """Collect the kernels of a graph with their scales and shifts, in the order of the layers.

    The graph names its layers in their order: a chain, two chains, or a layout network.
    """
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:  # weights that are stored in half precision
        if node.op_type == "Cast" and node.input[0] in constants:
            constants[node.output[0]] = constants[node.input[0]].astype(np.float32)
    found: list[_Affine] = []
    for node in graph.node:
        given = [constants[name] for name in node.input if name in constants]
        if node.op_type in _KERNEL_AXES and given:
            kernel = given[0].transpose(_KERNEL_AXES[node.op_type])
            ones = np.ones(kernel.shape[-1], np.float32)
            shift = given[1] if len(given) > 1 else np.zeros_like(ones)
            found.append(_Affine(kernel, ones, shift))
        elif node.op_type in ("Mul", "Add") and found and given:
            last, value = found[-1], given[0].reshape(-1)
            if value.size != last.scale.size:  # of no layer: a shape is computed
                continue
            if node.op_type == "Mul":
                last.scale, last.shift = last.scale * value, last.shift * value
            else:
                last.shift = last.shift + value
    return found
