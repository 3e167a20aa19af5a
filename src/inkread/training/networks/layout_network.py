"""The layout network: a grey page to maps of writing, print, ruling and paper, at a quarter of it.

A U-shaped convolutional network (Ronneberger, Fischer and Brox 2015, "U-Net: convolutional networks
for biomedical image segmentation") whose halves are added, not joined, as in feature pyramids (Lin
et al. 2017), so that it stays narrow where the resolution is high.
"""

from functools import partial
from typing import Any

import keras
from keras import layers, ops

from inkread.imaging.layout_maps import MAPS, PAGE, PAGE_MAPS

__all__ = ["LayoutLoss", "layout"]

Tensor = Any  # of Keras' backend
_WIDTHS = (24, 32, 64, 96, 96)  # channels at 1/4, 1/8, 1/16, 1/32 and 1/64 of the resolution
_HALF_WIDTH = 8  # channels at 1/2
_NUM_MAPS = len(MAPS)
_THIN = tuple(MAPS.index(name) for name in ("handwriting", "print", "ruling", "link"))
_LINK, _LINK_WEIGHT = MAPS.index("link"), 40.0  # there are few of them on few pages
_SHEET, _STRUCK = MAPS.index("sheet"), MAPS.index("struck")
_SAID = tuple(MAPS.index(name) for name in ("handwritten", "number", "struck"))  # of cores


def layout(*, frozen: bool = False) -> keras.Model:
    """Find what is written where: (H, W, 2) to (H / 4, W / 4, maps) probabilities.

    It sees a page as ``layout_maps.network_input`` makes it; H and W are multiples of ``STEP_PX``.
    0.62 million parameters, 25,000 multiply-adds a pixel of the maps; what a pixel of them is told
    depends on about 500 pixels of the page each way.

    Args:
        frozen: batch normalisation keeps its means and deviations, in training too.
    """
    convolution = partial(_convolution, frozen=frozen)
    inputs = hidden = keras.Input((None, None, 2), name=PAGE)
    hidden = convolution(hidden, _HALF_WIDTH, 5, strides=2)
    hidden = convolution(hidden, _WIDTHS[0], 3, strides=2)
    levels = [hidden]
    for depth, width in enumerate(_WIDTHS[1:], 1):
        hidden = convolution(hidden, width, 3, strides=2)
        for _ in range(2 if depth == 3 else 1):
            hidden = layers.Add()([hidden, convolution(hidden, width, 3)])
        levels.append(hidden)
    for level, width in zip(levels[-2::-1], _WIDTHS[-2::-1], strict=True):
        raised = layers.UpSampling2D(2)(convolution(hidden, width, 1))
        hidden = layers.Add()([level, raised])
        hidden = convolution(hidden, width, 3)
    logits = layers.Conv2D(_NUM_MAPS, 1)(hidden)  # (H / 4, W / 4, maps)
    each = ops.sigmoid(logits[..., : _NUM_MAPS - 4])
    direction = ops.softmax(logits[..., _NUM_MAPS - 4 :], axis=-1)
    return keras.Model(inputs, layers.Concatenate(name=PAGE_MAPS)([each, direction]))


def _convolution(
    inputs: keras.KerasTensor, filters: int, kernel: int, *, strides: int = 1, frozen: bool
) -> keras.KerasTensor:
    hidden = layers.Conv2D(filters, kernel, strides, "same", use_bias=False)(inputs)
    hidden = layers.BatchNormalization(momentum=0.98, trainable=not frozen)(hidden)
    return layers.ReLU()(hidden)


@keras.saving.register_keras_serializable("inkread")
class LayoutLoss(keras.losses.Loss):  # type: ignore[misc]
    """What the maps cost: cross-entropy, and for thin things the Dice coefficient as well.

    Targets are as ``pages.targets`` makes them. What is said of cores counts in cores only. The
    farther a pixel of the core map is off, the more it counts, since most are easy (as in focal
    loss: Lin, Goyal, Girshick, He and Dollár 2017).
    Dice: Milletari, Navab and Ahmadi 2016.
    """

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the loss of each page: (B,)."""
        wanted, found = y_true[..., :_NUM_MAPS], ops.clip(y_pred, 1e-5, 1 - 1e-5)
        counted, inside = y_true[..., _NUM_MAPS], y_true[..., _NUM_MAPS + 1]
        entropy = -(wanted * ops.log(found) + (1 - wanted) * ops.log(1 - found))
        core = entropy[..., 0] * counted * (1 + 2 * wanted[..., 0])
        # A wrong pixel of the paper is rare among the many that are easy.
        core = core * (1 + 4 * ops.abs(found[..., 0] - wanted[..., 0]))
        loss = 2 * _mean(core) + _dice(wanted[..., 0] * counted, found[..., 0] * counted)
        for index in _THIN:
            weighted = entropy[..., index] * (1 + 2 * wanted[..., index])
            loss += (_LINK_WEIGHT if index == _LINK else 1.0) * _mean(weighted) + 0.3 * _dice(
                wanted[..., index], found[..., index]
            )
        loss += 0.5 * _mean(entropy[..., _SHEET])
        weight = inside / (ops.sum(inside, axis=(1, 2), keepdims=True) + 20.0)
        for index in _SAID:
            rare = 1 + 3 * wanted[..., index] if index == _STRUCK else 1.0
            loss += ops.sum(entropy[..., index] * weight * rare, axis=(1, 2))
        turned = -ops.sum(wanted[..., -4:] * ops.log(found[..., -4:]), axis=-1)
        return loss + ops.sum(turned * weight, axis=(1, 2))


def _mean(values: Tensor) -> Tensor:
    return ops.mean(values, axis=(1, 2))


def _dice(wanted: Tensor, found: Tensor) -> Tensor:
    both = ops.sum(wanted * found, axis=(1, 2))
    either = ops.sum(wanted, axis=(1, 2)) + ops.sum(found, axis=(1, 2))
    return 1 - (2 * both + 10.0) / (either + 10.0)
