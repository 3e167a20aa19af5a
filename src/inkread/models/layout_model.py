"""The layout model: a page of any size to its maps."""

from typing import cast

import numpy as np
import numpy.typing as npt

from inkread.imaging.layout_maps import PAGE, PAGE_MAPS, LayoutShape, network_input, padded
from inkread.models.runtime import ModelFile

__all__ = ["LayoutModel"]


class LayoutModel(ModelFile):
    """A layout model, ready to run."""

    kind = "layout"

    @property
    def shape(self) -> LayoutShape:
        """The constants of the pages that it sees."""
        return cast("LayoutShape", self.metadata.shape)

    @property
    def map_names(self) -> tuple[str, ...]:
        """What the maps show, in their order."""
        return self.metadata.labels

    def maps(self, page: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Say what is where on a page.

        Args:
            page: (H, W) uint8, grey, of any polarity and size; a pixel of the maps is ``cell_px``
                of it each way.

        Returns:
            (maps, ceil(H / cell_px), ceil(W / cell_px)) float32, probabilities.
        """
        height, width = page.shape
        step, cell = self.shape.step_px, self.shape.cell_px
        framed = padded(page, (height + -height % step, width + -width % step))
        inputs = network_input(framed)[None]
        found = self.run(inputs)[0, : -(-height // cell), : -(-width // cell)]
        return np.ascontiguousarray(found.transpose(2, 0, 1))

    def _signature(self) -> list[tuple[str, str, list[int | str]]]:
        return [
            (PAGE, "tensor(float)", ["N", "N", "N", 2]),
            (PAGE_MAPS, "tensor(float)", ["N", "N", "N", len(self.metadata.labels)]),
        ]
