"""The named, frozen training configurations of layout networks."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from inkread.errors import ConfigError

__all__ = ["LAYOUT_RECIPES", "LayoutRecipe"]


@dataclass(frozen=True)
class LayoutRecipe:
    """Everything but the seed and the data that decides a training of the layout network.

    Attributes:
        name: what the command line calls it.
        purpose: one line, for people.
        num_pools: pools of synthetic pages, each seen for a while and then never again.
        pool_size: pages in a pool.
        passes: how often each pool is seen.
        batch_size: pages a step; divides ``pool_size``.
        side_px: of a page's picture.
        learning_rate: AdamW's peak learning rate.
        warmup: share of the steps in which the rate rises to its peak, before it falls to zero on a
            half cosine.
        weight_decay: decoupled, a step's share of the weights times the learning rate.
        clipnorm: longest gradient of one weight tensor.
        frozen_share: share of the pools, the last ones, in which batch normalisation uses the
            means and deviations gathered before, as in reading: few pages make a batch, and theirs
            differ from page to page.
        start_sha256: of the checkpoint or model file whose weights the training began with; empty
            if none.
    """

    name: str
    purpose: str
    num_pools: int
    pool_size: int = 640
    passes: int = 2
    batch_size: int = 4
    side_px: int = 384
    learning_rate: float = 0.0015
    warmup: float = 0.05
    weight_decay: float = 0.01
    clipnorm: float = 1.0
    frozen_share: float = 0.25
    start_sha256: str = ""

    def __post_init__(self) -> None:
        """Refuse counts that make no sense.

        Raises:
            ConfigError: a count below 1, or a ``batch_size`` that doesn't divide ``pool_size``.
        """
        counts = (self.num_pools, self.pool_size, self.passes, self.batch_size, self.side_px)
        if min(counts) < 1 or self.pool_size % self.batch_size:
            raise ConfigError(
                "expected counts of at least 1, and a batch_size that divides pool_size, "
                f"received {self}"
            )

    @property
    def steps_per_pool(self) -> int:
        """How many steps a pool lasts."""
        return self.passes * self.pool_size // self.batch_size

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``recipe.json`` holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "LayoutRecipe":
        """Rebuild a recipe from ``to_dict``.

        Raises:
            ConfigError: unknown or missing keys.
        """
        known = {field.name for field in fields(cls)}
        if not isinstance(values, dict) or values.keys() - known:
            raise ConfigError(f"expected keys among {sorted(known)}, received {values!r}")
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(f"the recipe doesn't fit: {error}") from error


LAYOUT_RECIPES: dict[str, LayoutRecipe] = {
    recipe.name: recipe
    for recipe in (
        LayoutRecipe(
            name="layout",
            purpose="finds writing, print, ruling and paper on pages",
            num_pools=96,
        ),
        LayoutRecipe(
            name="layout-refined",
            purpose="a run of layout trained further (--start): the shipped layout model",
            num_pools=32,
            learning_rate=0.0008,
        ),
    )
}
