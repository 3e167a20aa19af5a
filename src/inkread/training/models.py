"""The networks, one function each: (28, 28, 1) float32 in [0, 1] to probabilities."""

from collections.abc import Callable, Sequence

import keras
from keras import layers

from inkread.errors import ConfigError
from inkread.runtime import INPUT, LOGITS, OUTPUT, STRIPS
from inkread.training.recipes import Recipe

__all__ = [
    "LINE_NETWORKS",
    "NETWORKS",
    "answering",
    "branched",
    "broad",
    "build",
    "build_line",
    "classic",
    "compact",
    "deep",
    "joined",
    "line",
    "line_large",
    "medium",
    "members",
    "shifted",
    "tiny",
]


def classic(num_outputs: int, dropout: float) -> keras.Model:
    """The textbook network: two convolutions with ReLU and max-pooling, dropout, softmax.

    34,826 parameters. The architecture of Keras' example "Simple MNIST convnet" (F. Chollet, 2015).
    """
    inputs = hidden = keras.Input((28, 28, 1), name=INPUT)
    hidden = layers.Conv2D(32, 3, activation="relu")(hidden)  # (26, 26, 32)
    hidden = layers.MaxPooling2D(2)(hidden)  # (13, 13, 32)
    hidden = layers.Conv2D(64, 3, activation="relu")(hidden)  # (11, 11, 64)
    hidden = layers.MaxPooling2D(2)(hidden)  # (5, 5, 64)
    return _head(inputs, hidden, num_outputs, dropout)


def compact(num_outputs: int, dropout: float) -> keras.Model:
    """A small network that learns fast: a strided first layer, batch normalisation throughout.

    53,450 parameters, 0.7 million multiply-adds a glyph: the rim of a glyph, which hardly holds any
    ink, is cut off; the stride and edges without padding leave few places to the costly layers.
    Batch normalisation (Ioffe and Szegedy 2015) bears a ten times larger learning rate.
    """
    inputs = keras.Input((28, 28, 1), name=INPUT)
    hidden = layers.Cropping2D(2)(inputs)  # (24, 24, 1)
    hidden = _convolution(hidden, 16, 6, strides=2, padding="valid", momentum=0.9)  # (10, 10, 16)
    hidden = _convolution(hidden, 48, 3, pool=True, padding="valid", momentum=0.9)  # (4, 4, 48)
    hidden = _convolution(hidden, 96, 3, padding="valid", momentum=0.9)  # (2, 2, 96)
    return _head(inputs, hidden, num_outputs, dropout)


def tiny(num_outputs: int, dropout: float) -> keras.Model:
    """Four narrow convolutions: as accurate as 10,000 parameters allow.

    9,970 parameters, 1.1 million multiply-adds a glyph. Sixteen filters fill a vector of the
    processor; the depthwise layers that would save more parameters take longer to train.
    """
    inputs = hidden = keras.Input((28, 28, 1), name=INPUT)
    hidden = _convolution(hidden, 16, 5, strides=2)  # (14, 14, 16)
    hidden = _convolution(hidden, 16, 3)
    hidden = _convolution(hidden, 16, 3, pool=True)  # (7, 7, 16)
    hidden = _convolution(hidden, 20, 3, pool=True)  # (3, 3, 20)
    return _head(inputs, hidden, num_outputs, dropout)


def medium(num_outputs: int, dropout: float) -> keras.Model:
    """Four convolutions with batch normalisation: little to compute, for long training too.

    92,554 parameters, 4.5 million multiply-adds a glyph: a third of ``deep``'s.
    """
    inputs = hidden = keras.Input((28, 28, 1), name=INPUT)
    hidden = _convolution(hidden, 24, 6, strides=2)  # (14, 14, 24)
    hidden = _convolution(hidden, 48, 3, pool=True)  # (7, 7, 48)
    hidden = _convolution(hidden, 64, 3)
    hidden = _convolution(hidden, 64, 3, padding="valid")  # (5, 5, 64)
    return _head(inputs, hidden, num_outputs, dropout)


def deep(num_outputs: int, dropout: float) -> keras.Model:
    """Six convolutions with batch normalisation, for long training with strong augmentation.

    327,690 parameters, 14.9 million multiply-adds a glyph. After the strided first layer it is the
    edges without padding that make the layers small, not pooling, as in S. An, M. Lee, S. Park,
    H. Yang and J. So 2020 ("An ensemble of simple convolutional neural network models for MNIST
    digit recognition").
    """
    inputs = hidden = keras.Input((28, 28, 1), name=INPUT)
    hidden = _convolution(hidden, 32, 6, strides=2)  # (14, 14, 32)
    hidden = _convolution(hidden, 64, 3, padding="valid")
    hidden = _convolution(hidden, 64, 3, padding="valid")  # (10, 10, 64)
    hidden = _convolution(hidden, 96, 3, padding="valid")
    hidden = _convolution(hidden, 96, 3, padding="valid")  # (6, 6, 96)
    hidden = _convolution(hidden, 128, 3, padding="valid")  # (4, 4, 128)
    return _head(inputs, hidden, num_outputs, dropout)


def broad(num_outputs: int, dropout: float) -> keras.Model:
    """Kernels of side 5 where ``deep`` has two of side 3, nearly as much to compute.

    It errs elsewhere. 470,922 parameters, 13.2 million multiply-adds a glyph.
    """
    inputs = hidden = keras.Input((28, 28, 1), name=INPUT)
    hidden = _convolution(hidden, 32, 6, strides=2)  # (14, 14, 32)
    hidden = _convolution(hidden, 64, 5, padding="valid")  # (10, 10, 64)
    hidden = _convolution(hidden, 96, 5, padding="valid")  # (6, 6, 96)
    hidden = _convolution(hidden, 128, 3, padding="valid")
    hidden = _convolution(hidden, 128, 3, padding="valid")  # (2, 2, 128)
    return _head(inputs, hidden, num_outputs, dropout)


def line(num_symbols: int, dropout: float, height_px: int = 40) -> keras.Model:
    """Read a strip of any width: (40, W, 1) to a row of logits every two pixels, for CTC.

    Convolutions down to a row of columns four pixels wide, then along the row; each column answers
    for two frames, so that narrow digits side by side are told apart. Connectionist temporal
    classification: Graves, Fernández, Gomez and Schmidhuber 2006. 647,000 parameters, about 500,000
    multiply-adds a column of pixels.

    Args:
        num_symbols: digits, separators and whatever else may be written; class 0 is the blank.
        dropout: share of the features before the last layer set to zero in training, in [0, 1).
        height_px: of the strip, a multiple of 8.
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
    return _frames(inputs, hidden, num_symbols, dropout)


def line_large(num_symbols: int, dropout: float, height_px: int = 40) -> keras.Model:
    """``line`` with wider layers, residual ones, and a longer reach along the row.

    1,348,000 parameters, about 930,000 multiply-adds a column of pixels; an answer sees about 80
    pixels to either side, where one of ``line`` sees 40. Arguments as for ``line``.
    """
    inputs = hidden = keras.Input((height_px, None, 1), name=STRIPS)
    hidden = _convolution(hidden, 24, 6, strides=2)  # (20, W / 2, 24)
    hidden = _convolution(hidden, 64, 3, pool=True)  # (10, W / 4, 64)
    hidden = layers.Add()([hidden, _convolution(hidden, 64, 3)])
    hidden = _convolution(hidden, 112, 3, pool=(2, 1))  # (5, W / 4, 112)
    for _ in range(2):
        hidden = layers.Add()([hidden, _convolution(hidden, 112, 3)])
    hidden = layers.ZeroPadding2D((0, 1))(hidden)
    hidden = _convolution(hidden, 224, (height_px // 8, 3), padding="valid")  # (1, W / 4, 224)
    for reach in (5, 9, 15):
        hidden = layers.Add()([hidden, _along(hidden, 224, reach)])
    return _frames(inputs, hidden, num_symbols, dropout)


def _along(inputs: keras.KerasTensor, filters: int, reach: int) -> keras.KerasTensor:
    """Mix along the row within each feature, then the features within each column.

    Separable convolutions (Chollet 2017, "Xception") take little more for a long reach than for a
    short one.
    """
    hidden = layers.DepthwiseConv2D((1, reach), padding="same", use_bias=False)(inputs)
    hidden = layers.BatchNormalization()(hidden)
    hidden = _convolution(hidden, 2 * filters, 1)
    hidden = layers.Conv2D(filters, 1, use_bias=False)(hidden)
    return layers.BatchNormalization()(hidden)


def _frames(
    inputs: keras.KerasTensor, hidden: keras.KerasTensor, num_symbols: int, dropout: float
) -> keras.Model:
    """Answer with the logits of two frames for each column."""
    hidden = layers.Dropout(dropout)(hidden)
    num_classes = num_symbols + 1
    frames = layers.Conv2D(2 * num_classes, 1)(hidden)  # (1, W / 4, 2 * classes)
    frames = layers.Reshape((-1, num_classes), name=LOGITS)(frames)  # (W / 2, classes)
    return keras.Model(inputs, frames)


_MEMBER = "member_"

NETWORKS: dict[str, Callable[[int, float], keras.Model]] = {
    network.__name__: network for network in (classic, compact, tiny, medium, deep, broad)
}


def build(network: str, num_outputs: int = 10, dropout: float = 0.0) -> keras.Model:
    """Build an untrained network.

    Args:
        network: a name in ``NETWORKS``.
        num_outputs: how many probabilities it gives: one a label, and one more for "no digit".
        dropout: share of the features before the last layer set to zero in training, in [0, 1).

    Raises:
        ConfigError: there is no network of that name.
    """
    if network not in NETWORKS:
        raise ConfigError(f"expected a network among {sorted(NETWORKS)}, received {network!r}")
    return NETWORKS[network](num_outputs, dropout)


LINE_NETWORKS: dict[str, Callable[[int, float], keras.Model]] = {
    network.__name__: network for network in (line, line_large)
}


def build_line(network: str, num_symbols: int, dropout: float = 0.0) -> keras.Model:
    """Build an untrained line network; arguments as for ``line``.

    Raises:
        ConfigError: there is no line network of that name.
    """
    if network not in LINE_NETWORKS:
        raise ConfigError(
            f"expected a line network among {sorted(LINE_NETWORKS)}, received {network!r}"
        )
    return LINE_NETWORKS[network](num_symbols, dropout)


def joined(networks: Sequence[keras.Model], recipe: Recipe) -> keras.Model:
    """Join the networks of a recipe's members into one; weights are shared.

    Its probabilities are the mean of theirs, or, where the recipe says from when on the first is
    sure, the second's where the first is not: a cascade of classifiers (Viola and Jones 2001,
    "Rapid object detection using a boosted cascade of simple features"). Here both answer for every
    glyph, so that both can be trained, each on what counts of its answers; ``branched`` saves that.
    """
    inputs = keras.Input((28, 28, 1), name=INPUT)
    # Their own names may clash: Keras numbers networks anew in every process.
    parts = [
        keras.Model(network.inputs[0], network.outputs[0], name=f"{_MEMBER}{index}")
        for index, network in enumerate(networks)
    ]
    answers = [part(inputs) for part in parts]
    if recipe.sure is None:
        return keras.Model(inputs, layers.Average(name=OUTPUT)(answers))
    first, second = answers
    is_unsure = _is_unsure(first, recipe.sure)
    return keras.Model(inputs, keras.ops.where(is_unsure[:, None], second, first))


def branched(network: keras.Model, sure: float) -> keras.Model:
    """Let a cascade ask its second network only about the glyphs that the first is not sure of.

    Most glyphs are easy, and cost no more than the first. The second's batch has a size that is not
    known before, and may be empty: ONNX Runtime takes that, TensorFlow and LiteRT do not.
    """
    inputs = keras.Input((28, 28, 1), name=INPUT)
    first, second = members(network)
    answers = first(inputs)
    (unsure,) = keras.ops.nonzero(_is_unsure(answers, sure))
    others = second(keras.ops.take(inputs, unsure, axis=0))
    return keras.Model(inputs, keras.ops.scatter_update(answers, unsure[:, None], others))


def shifted(network: keras.Model) -> keras.Model:
    """Let a network answer with its mean over a glyph and that glyph moved by half a pixel.

    Nearly every glyph that it was trained on had been distorted, and so taken from between its
    pixels; one that was not is a little strange to it. The glyph is moved up and to the left, and
    down and to the right; three times as much to compute. Weights are shared.
    """
    inputs = keras.Input((28, 28, 1), name=INPUT)
    between = layers.AveragePooling2D(2, strides=1)(inputs)  # (27, 27, 1)
    views = [
        inputs,
        layers.ZeroPadding2D(((0, 1), (0, 1)))(between),
        layers.ZeroPadding2D(((1, 0), (1, 0)))(between),
    ]
    answers = network(keras.ops.concatenate(views, axis=0))
    each = keras.ops.reshape(answers, (len(views), -1, answers.shape[-1]))
    return keras.Model(inputs, keras.ops.mean(each, axis=0))


def answering(network: keras.Model, recipe: Recipe) -> keras.Model:
    """Return a trained network as it answers: from several views, or as it is; so its members."""
    if recipe.members:
        parts = zip(members(network), recipe.members, strict=True)
        return joined([answering(part, member) for part, member in parts], recipe)
    return shifted(network) if recipe.shifted else network


def members(network: keras.Model) -> list[keras.Model]:
    """Return the networks that ``joined`` made one of."""
    return [layer for layer in network.layers if layer.name.startswith(_MEMBER)]


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
    """Convolve, pool, normalise, rectify; pooling first makes the rest four times cheaper."""
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
