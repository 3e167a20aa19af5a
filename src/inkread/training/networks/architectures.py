"""Defines the networks as Keras models, and the operations that combine them.

A digit network maps (N, 28, 28, 1) float32 in [0, 1], ink 1, to (N, num_outputs) probabilities. Its
function is named after the architecture, as recipes name it, and takes the number of outputs and
the dropout rate.
"""

from collections.abc import Callable, Sequence

import keras
from keras import layers

from inkread.errors import ConfigError
from inkread.imaging.normalize import GlyphShape
from inkread.models.runtime import INPUT, LOGITS, OUTPUT, STRIPS
from inkread.training.recipes import Recipe

__all__ = [
    "LINE_NETWORKS",
    "NETWORKS",
    "average_shifted_views",
    "branch_cascade",
    "broad",
    "build",
    "build_inference_network",
    "build_line",
    "classic",
    "compact",
    "deep",
    "get_members",
    "grow",
    "join_members",
    "line",
    "line_deep",
    "medium",
    "tiny",
]

_GLYPH = (GlyphShape.side_px, GlyphShape.side_px, 1)


def classic(num_outputs: int, dropout: float) -> keras.Model:
    """Build the textbook network: two convolutions with ReLU and max-pooling, dropout, softmax.

    34,826 parameters. The architecture of Keras' example "Simple MNIST convnet" (F. Chollet, 2015).
    """
    inputs = hidden = keras.Input(_GLYPH, name=INPUT)
    hidden = layers.Conv2D(32, 3, activation="relu")(hidden)  # (26, 26, 32)
    hidden = layers.MaxPooling2D(2)(hidden)  # (13, 13, 32)
    hidden = layers.Conv2D(64, 3, activation="relu")(hidden)  # (11, 11, 64)
    hidden = layers.MaxPooling2D(2)(hidden)  # (5, 5, 64)
    return _head(inputs, hidden, num_outputs, dropout)


def compact(num_outputs: int, dropout: float) -> keras.Model:
    """Build a small network that trains fast: a strided first layer and batch normalisation.

    53,450 parameters, 0.7 million multiply-adds per glyph: the margin of a glyph, which hardly
    holds any ink, is cropped; the stride and the unpadded convolutions keep the feature maps of the
    expensive layers small. Batch normalisation (Ioffe and Szegedy 2015) allows a ten times larger
    learning rate.
    """
    inputs = keras.Input(_GLYPH, name=INPUT)
    hidden = layers.Cropping2D(2)(inputs)  # (24, 24, 1)
    hidden = _convolution(hidden, 16, 6, strides=2, padding="valid", momentum=0.9)  # (10, 10, 16)
    hidden = _convolution(hidden, 48, 3, pool=True, padding="valid", momentum=0.9)  # (4, 4, 48)
    hidden = _convolution(hidden, 96, 3, padding="valid", momentum=0.9)  # (2, 2, 96)
    return _head(inputs, hidden, num_outputs, dropout)


def tiny(num_outputs: int, dropout: float) -> keras.Model:
    """Build four narrow convolutions with fewer than 10,000 parameters.

    9,970 parameters, 1.1 million multiply-adds per glyph. Sixteen filters fill a vector
    register of the processor; depthwise convolutions would save parameters but train slower.
    """
    inputs = hidden = keras.Input(_GLYPH, name=INPUT)
    hidden = _convolution(hidden, 16, 5, strides=2)  # (14, 14, 16)
    hidden = _convolution(hidden, 16, 3)
    hidden = _convolution(hidden, 16, 3, pool=True)  # (7, 7, 16)
    hidden = _convolution(hidden, 20, 3, pool=True)  # (3, 3, 20)
    return _head(inputs, hidden, num_outputs, dropout)


def medium(num_outputs: int, dropout: float) -> keras.Model:
    """Build four convolutions with batch normalisation, for training in minutes.

    92,554 parameters, 4.5 million multiply-adds per glyph: a third of ``deep``'s.
    """
    inputs = hidden = keras.Input(_GLYPH, name=INPUT)
    hidden = _convolution(hidden, 24, 6, strides=2)  # (14, 14, 24)
    hidden = _convolution(hidden, 48, 3, pool=True)  # (7, 7, 48)
    hidden = _convolution(hidden, 64, 3)
    hidden = _convolution(hidden, 64, 3, padding="valid")  # (5, 5, 64)
    return _head(inputs, hidden, num_outputs, dropout)


def deep(num_outputs: int, dropout: float) -> keras.Model:
    """Build six convolutions with batch normalisation, for long training with strong augmentation.

    327,690 parameters, 14.9 million multiply-adds per glyph. After the strided first layer,
    unpadded convolutions instead of pooling reduce the feature maps, as in S. An, M. Lee, S. Park,
    H. Yang and J. So 2020 ("An ensemble of simple convolutional neural network models for MNIST
    digit recognition").
    """
    inputs = hidden = keras.Input(_GLYPH, name=INPUT)
    hidden = _convolution(hidden, 32, 6, strides=2)  # (14, 14, 32)
    hidden = _convolution(hidden, 64, 3, padding="valid")
    hidden = _convolution(hidden, 64, 3, padding="valid")  # (10, 10, 64)
    hidden = _convolution(hidden, 96, 3, padding="valid")
    hidden = _convolution(hidden, 96, 3, padding="valid")  # (6, 6, 96)
    hidden = _convolution(hidden, 128, 3, padding="valid")  # (4, 4, 128)
    return _head(inputs, hidden, num_outputs, dropout)


def broad(num_outputs: int, dropout: float) -> keras.Model:
    """Build a variant of ``deep`` with one 5 x 5 kernel in place of two 3 x 3 kernels.

    Its mistakes differ from those of ``deep``, which helps an ensemble. 470,922 parameters,
    13.2 million multiply-adds per glyph.
    """
    inputs = hidden = keras.Input(_GLYPH, name=INPUT)
    hidden = _convolution(hidden, 32, 6, strides=2)  # (14, 14, 32)
    hidden = _convolution(hidden, 64, 5, padding="valid")  # (10, 10, 64)
    hidden = _convolution(hidden, 96, 5, padding="valid")  # (6, 6, 96)
    hidden = _convolution(hidden, 128, 3, padding="valid")
    hidden = _convolution(hidden, 128, 3, padding="valid")  # (2, 2, 128)
    return _head(inputs, hidden, num_outputs, dropout)


def line(num_symbols: int, dropout: float, height_px: int = 40) -> keras.Model:
    """Build the line network: (N, 40, W, 1) strips to (N, W / 2, num_symbols + 1) logits, for CTC.

    2-D convolutions reduce the strip to one feature vector for every four pixels of width; residual
    1-D convolutions follow. Each feature vector gives the logits of two frames, so that adjacent
    narrow digits fall into different frames. Connectionist temporal classification: Graves,
    Fernández, Gomez and Schmidhuber 2006. 647,000 parameters, about 500,000 multiply-adds per pixel
    column.

    Args:
        num_symbols: number of symbols besides the blank, which is class 0.
        dropout: share of the features before the last layer set to zero in training, in [0, 1).
        height_px: height of the strip, a multiple of 8.
    """
    inputs = hidden = keras.Input((height_px, None, 1), name=STRIPS)
    hidden = _convolution(hidden, 24, 6, strides=2)  # (20, W / 2, 24)
    hidden = _convolution(hidden, 48, 3, pool=True)  # (10, W / 4, 48)
    hidden = _convolution(hidden, 72, 3)
    hidden = _convolution(hidden, 72, 3, pool=(2, 1))  # (5, W / 4, 72)
    hidden = _convolution(hidden, 96, 3)
    hidden = layers.ZeroPadding2D((0, 1))(hidden)
    hidden = _convolution(hidden, 160, (height_px // 8, 3), padding="valid")  # (1, W / 4, 160)
    for _ in range(2):
        hidden = layers.Add()([hidden, _convolution(hidden, 160, (1, 5))])
    return _frame_logits(inputs, hidden, num_symbols, dropout)


def line_deep(num_symbols: int, dropout: float, height_px: int = 40) -> keras.Model:
    """Build a deeper ``line``, which can begin with the weights of a trained ``line``.

    It is ``line`` with four residual convolutions more, two of which reach far along the strip; see
    ``grow``. 1,239,000 parameters, about 840,000 multiply-adds per pixel column. Arguments as for
    ``line``.
    """
    inputs = hidden = keras.Input((height_px, None, 1), name=STRIPS)
    hidden = _convolution(hidden, 24, 6, strides=2)  # (20, W / 2, 24)
    hidden = _convolution(hidden, 48, 3, pool=True)  # (10, W / 4, 48)
    hidden = _convolution(hidden, 72, 3)
    hidden = _add_convolution(hidden, 72, 3, 0)
    hidden = _convolution(hidden, 72, 3, pool=(2, 1))  # (5, W / 4, 72)
    hidden = _convolution(hidden, 96, 3)
    hidden = _add_convolution(hidden, 96, 3, 1)
    hidden = layers.ZeroPadding2D((0, 1))(hidden)
    hidden = _convolution(hidden, 160, (height_px // 8, 3), padding="valid")  # (1, W / 4, 160)
    for number in (2, 3):
        hidden = layers.Add()([hidden, _convolution(hidden, 160, (1, 5))])
        hidden = _add_convolution(hidden, 160, (1, 9), number)
    return _frame_logits(inputs, hidden, num_symbols, dropout)


def _add_convolution(
    hidden: keras.KerasTensor, filters: int, kernel: int | tuple[int, int], number: int
) -> keras.KerasTensor:
    """Apply a residual convolution that changes nothing until it is trained; see ``grow``.

    Args:
        hidden: features of at least 0.
        filters: how many features there are.
        kernel: of the convolution.
        number: of the convolution in its network; part of its layers' names.
    """
    change = layers.Conv2D(
        filters, kernel, padding="same", use_bias=False, name=f"{_ADDED_PREFIX}{number}"
    )(hidden)
    change = layers.BatchNormalization(
        gamma_initializer="zeros", name=f"{_ADDED_PREFIX}{number}_normalised"
    )(change)
    return layers.ReLU()(layers.Add()([hidden, change]))


def grow(network: keras.Model, known: keras.Model) -> None:
    """Set a network's weights so that it gives what a smaller trained network gives.

    The layers that the smaller one lacks change nothing until they are trained: growth that
    preserves the function (Chen, Goodfellow and Shlens 2016, "Net2Net").

    Args:
        network: untrained; the same as ``known``, or ``line_deep`` for a ``line``.
        known: the trained network.

    Raises:
        ConfigError: the two don't fit.
    """
    is_same = len(known.layers) == len(network.layers)
    trained = [layer for layer in known.layers if layer.weights]
    kept = [
        layer
        for layer in network.layers
        if layer.weights and (is_same or not layer.name.startswith(_ADDED_PREFIX))
    ]
    shapes = [[part.shape for layer in each for part in layer.weights] for each in (kept, trained)]
    if shapes[0] != shapes[1]:
        raise ConfigError("expected the weights of this network or of the one that it grows from")
    for layer, old in zip(kept, trained, strict=True):
        layer.set_weights(old.get_weights())


def _frame_logits(
    inputs: keras.KerasTensor, hidden: keras.KerasTensor, num_symbols: int, dropout: float
) -> keras.Model:
    """Map each feature vector to the logits of two frames."""
    hidden = layers.Dropout(dropout)(hidden)
    num_classes = num_symbols + 1
    # Logits are computed in float32, whatever the precision of the rest.
    frames = layers.Conv2D(2 * num_classes, 1, dtype="float32")(hidden)  # (1, W / 4, 2 * classes)
    frames = layers.Reshape((-1, num_classes), dtype="float32", name=LOGITS)(frames)  # (W / 2, ..)
    return keras.Model(inputs, frames)


LINE_NETWORKS: dict[str, Callable[[int, float], keras.Model]] = {
    network.__name__: network for network in (line, line_deep)
}
_ADDED_PREFIX = "added_"  # of the layer names of convolutions that grow a network
_MEMBER_PREFIX = "member_"  # of the layer names of joined networks

NETWORKS: dict[str, Callable[[int, float], keras.Model]] = {
    network.__name__: network for network in (classic, compact, tiny, medium, deep, broad)
}


def build(network: str, num_outputs: int = 10, dropout: float = 0.0) -> keras.Model:
    """Build an untrained network.

    Args:
        network: a name in ``NETWORKS``.
        num_outputs: number of probabilities: one per label, and one more for "no digit".
        dropout: share of the features before the last layer set to zero in training, in [0, 1).

    Raises:
        ConfigError: no network has this name.
    """
    if network not in NETWORKS:
        raise ConfigError(f"expected a network among {sorted(NETWORKS)}, received {network!r}")
    return NETWORKS[network](num_outputs, dropout)


def build_line(network: str, num_symbols: int, dropout: float = 0.0) -> keras.Model:
    """Build an untrained line network.

    Args:
        network: a name in ``LINE_NETWORKS``.
        num_symbols: as for ``line``.
        dropout: as for ``line``.

    Raises:
        ConfigError: no line network has this name.
    """
    if network not in LINE_NETWORKS:
        raise ConfigError(
            f"expected a line network among {sorted(LINE_NETWORKS)}, received {network!r}"
        )
    return LINE_NETWORKS[network](num_symbols, dropout)


def join_members(networks: Sequence[keras.Model], recipe: Recipe) -> keras.Model:
    """Combine the networks of a recipe's members into an ensemble or a cascade; weights are shared.

    An ensemble averages its members' probabilities. In a cascade (``recipe.sure`` is set), the mean
    of the other networks' probabilities replaces the first's where the first's highest probability
    is below ``sure`` (Viola and Jones 2001, "Rapid object detection using a boosted cascade of
    simple features"). Here all networks process every glyph, so that all can be trained;
    ``branch_cascade`` makes the version for inference.
    """
    inputs = keras.Input(_GLYPH, name=INPUT)
    # Renamed because the networks' own names may clash: Keras numbers them anew in every process.
    parts = [
        keras.Model(network.inputs[0], network.outputs[0], name=f"{_MEMBER_PREFIX}{index}")
        for index, network in enumerate(networks)
    ]
    answers = [part(inputs) for part in parts]
    if recipe.sure is None:
        return keras.Model(inputs, layers.Average(name=OUTPUT)(answers))
    first, *others = answers
    is_unsure = _is_unsure(first, recipe.sure)
    return keras.Model(inputs, keras.ops.where(is_unsure[:, None], _average(others), first))


def branch_cascade(network: keras.Model, sure: float) -> keras.Model:
    """Make a cascade run its other networks only on the glyphs that the first is unsure of.

    Most glyphs are then as cheap as the first network alone. The other networks' batch size
    depends on the data and may be 0, which ONNX Runtime supports but TensorFlow and LiteRT don't.

    Args:
        network: a cascade made by ``join_members``.
        sure: the highest probability from which on the first network's answer is used, in (0, 1].
    """
    inputs = keras.Input(_GLYPH, name=INPUT)
    first, *others = get_members(network)
    answers = first(inputs)
    (unsure,) = keras.ops.nonzero(_is_unsure(answers, sure))
    chosen = keras.ops.take(inputs, unsure, axis=0)
    better = _average([other(chosen) for other in others])
    return keras.Model(inputs, keras.ops.scatter_update(answers, unsure[:, None], better))


def average_shifted_views(network: keras.Model) -> keras.Model:
    """Add test-time augmentation: the mean over a glyph and two copies shifted by half a pixel.

    Nearly all training glyphs are distorted and so interpolated between pixels; the shifted copies
    are interpolated alike. One is shifted up and to the left, the other down and to the right. This
    triples the computation. Weights are shared.
    """
    inputs = keras.Input(_GLYPH, name=INPUT)
    between = layers.AveragePooling2D(2, strides=1)(inputs)  # (27, 27, 1)
    views = [
        inputs,
        layers.ZeroPadding2D(((0, 1), (0, 1)))(between),
        layers.ZeroPadding2D(((1, 0), (1, 0)))(between),
    ]
    answers = network(keras.ops.concatenate(views, axis=0))
    each = keras.ops.reshape(answers, (len(views), -1, answers.shape[-1]))
    return keras.Model(inputs, keras.ops.mean(each, axis=0))


def build_inference_network(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Return a trained network with the test-time augmentation of its recipe and of its members."""
    if recipe.members:
        parts = zip(get_members(network), recipe.members, strict=True)
        return join_members(
            [build_inference_network(part, member) for part, member in parts], recipe
        )
    return average_shifted_views(network) if recipe.shifted else network


def get_members(network: keras.Model) -> list[keras.Model]:
    """Return the networks that ``join_members`` combined."""
    return [layer for layer in network.layers if layer.name.startswith(_MEMBER_PREFIX)]


def _average(answers: Sequence[keras.KerasTensor]) -> keras.KerasTensor:
    return layers.Average()(answers) if len(answers) > 1 else answers[0]


def _is_unsure(answers: keras.KerasTensor, sure: float) -> keras.KerasTensor:
    return keras.ops.max(answers, axis=1) < sure


def _convolution(  # noqa: PLR0913 - the options of one layer
    inputs: keras.KerasTensor,
    filters: int,
    kernel: int | tuple[int, int],
    *,
    strides: int = 1,
    pool: bool | tuple[int, int] = False,
    padding: str = "same",
    momentum: float = 0.99,
) -> keras.KerasTensor:
    """Apply convolution, pooling, batch normalisation and ReLU.

    Pooling comes first because it makes the other two four times cheaper.
    """
    hidden = layers.Conv2D(filters, kernel, strides, padding, use_bias=False)(inputs)
    if pool:
        hidden = layers.MaxPooling2D(2 if pool is True else pool)(hidden)
    hidden = layers.BatchNormalization(momentum=momentum)(hidden)
    return layers.ReLU()(hidden)


def _head(
    inputs: keras.KerasTensor, hidden: keras.KerasTensor, num_outputs: int, dropout: float
) -> keras.Model:
    hidden = layers.Flatten()(hidden)
    if dropout:
        hidden = layers.Dropout(dropout)(hidden)
    outputs = layers.Dense(num_outputs, activation="softmax", name=OUTPUT)(hidden)
    return keras.Model(inputs, outputs)
