"""From a trained layout network to a model file, checked against what went in."""

from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import onnx

from inkread.files import replace_atomically
from inkread.imaging.layout_maps import PAGE, PAGE_MAPS, network_input
from inkread.models.layout_model import LayoutModel
from inkread.models.metadata import ModelMetadata
from inkread.training.networks import export

__all__ = ["layout_to_onnx"]


def layout_to_onnx(
    model: keras.Model, path: Path, metadata: ModelMetadata, pages: npt.NDArray[np.uint8]
) -> None:
    """Write a model file of a layout network; as ``export.line_to_onnx``, in half precision too.

    Args:
        model: (N, H, W, 2) float32, as ``network_input``, to (N, H / 4, W / 4, maps) probabilities.
        path: where to; replaced atomically, and only if the check passes.
        metadata: what the file says of itself.
        pages: (N, H, W) uint8, to check with; sides are multiples of ``STEP_PX``.

    Raises:
        ModelError: the file's maps differ from Keras' by more than ``export.TOLERANCE``, or after
            its weights were rounded by more than ``export.HALF_TOLERANCE`` on the mean.
        OSError: the file can't be written.
    """
    inputs = np.stack([network_input(page) for page in pages])
    expected = np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)))

    def run(file: Path) -> npt.NDArray[np.float32]:
        return LayoutModel(file, threads=1).run(inputs)

    with replace_atomically(path) as temporary:
        proto = export.write_onnx(model, temporary, metadata, (PAGE, PAGE_MAPS))
        export.check_parity(expected, run(temporary))
        export.store_in_half(proto)
        onnx.save(proto, temporary)
        # Somewhere on a page a pixel is always undecided: the mean is what counts.
        rounded = np.abs(run(temporary) - expected).mean(axis=(1, 2))
        export.check_parity(np.zeros_like(rounded), rounded, export.HALF_TOLERANCE)
