"""Defines the options for reading a page by its layout: print, narrow cells, a known grid."""

from dataclasses import dataclass
from enum import StrEnum

from inkread.errors import ConfigError

__all__ = ["MOST_CELLS", "Cells", "LayoutOptions"]

MOST_CELLS = 500  # rows or columns of a grid


class Cells(StrEnum):
    """What narrow cells with one digit each are."""

    AUTO = "auto"  # a comb where they stand alone in one row, else a table
    JOIN = "join"  # always a comb: one number
    SPLIT = "split"  # always a table: a number each

    @classmethod
    def parse(cls, name: str) -> "Cells":
        """Return the member of a name.

        Raises:
            ConfigError: there is none.
        """
        if name not in tuple(cls):
            names = ", ".join(repr(each.value) for each in cls)
            raise ConfigError(f"expected cells to be one of {names}, received {name!r}")
        return cls(name)


@dataclass(frozen=True)
class LayoutOptions:
    """How a page is read by its layout.

    Attributes:
        printed: report printed numbers as well as handwritten ones; without it they are reported
            only where there are no handwritten ones.
        cells: what narrow cells with one digit each are.
        grid: how many rows and columns the table of the page has; ``None``: not known. With a
            grid each cell is a number of its own.
    """

    printed: bool = False
    cells: Cells = Cells.AUTO
    grid: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Refuse what is no grid.

        Raises:
            ConfigError: ``grid`` isn't two counts from 1 to ``MOST_CELLS``.
        """
        if self.grid is not None:
            counts = tuple(self.grid) if isinstance(self.grid, (tuple, list)) else (self.grid,)
            if len(counts) != 2 or not all(
                isinstance(each, int) and not isinstance(each, bool) and 1 <= each <= MOST_CELLS
                for each in counts
            ):
                raise ConfigError(
                    f"expected grid as rows and columns, each from 1 to {MOST_CELLS}, "
                    f"received {self.grid!r}"
                )
            object.__setattr__(self, "grid", counts)
