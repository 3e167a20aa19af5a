"""The named, frozen training configurations of line networks."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from inkread.errors import ConfigError

__all__ = ["LINE_RECIPES", "LineRecipe"]


@dataclass(frozen=True)
class LineRecipe:
    """Everything but the seed and the data that decides a training of the line network.

    Attributes:
        name: what the command line calls it.
        purpose: one line, for people.
        num_pools: pools of synthetic strips, each seen for a while and then never again.
        pool_size: strips in a pool.
        passes: how often each pool is seen.
        batch_size: strips a step; divides ``pool_size``.
        learning_rate: AdamW's peak learning rate.
        warmup: share of the steps in which the rate rises to its peak, before it falls to zero on a
            half cosine.
        weight_decay: decoupled, a step's share of the weights times the learning rate.
        clipnorm: longest gradient of one weight tensor.
        dropout: share of the features before the last layer set to zero in training.
        start_sha256: of the checkpoint or model file whose weights the training began with; empty
            if none.
        network: a name in ``models.LINE_NETWORKS``.
        pens: probability that a number is written by a real writer of the pen data; above 0 the
            training needs that data.
    """

    name: str
    purpose: str
    num_pools: int
    pool_size: int = 8192
    passes: int = 3
    batch_size: int = 64
    learning_rate: float = 0.002
    warmup: float = 0.1
    weight_decay: float = 0.01
    clipnorm: float = 2.0
    dropout: float = 0.15
    start_sha256: str = ""
    network: str = "line"
    pens: float = 0.0

    def __post_init__(self) -> None:
        """Refuse counts that make no sense.

        Raises:
            ConfigError: a count below 1, or a ``batch_size`` that doesn't divide ``pool_size``.
        """
        counts = (self.num_pools, self.pool_size, self.passes, self.batch_size)
        if min(counts) < 1 or self.pool_size % self.batch_size:
            raise ConfigError(
                "expected counts of at least 1, and a batch_size that divides pool_size, "
                f"received {self}"
            )
        if not 0 <= self.pens <= 1:
            raise ConfigError(f"expected pens in [0, 1], received {self.pens!r}")

    @property
    def steps_per_pool(self) -> int:
        """How many steps a pool lasts."""
        return self.passes * self.pool_size // self.batch_size

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``recipe.json`` holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "LineRecipe":
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


LINE_RECIPES: dict[str, LineRecipe] = {
    recipe.name: recipe
    for recipe in (
        LineRecipe(
            name="line",
            purpose="reads numbers as a whole, from synthetic ones: the shipped line model",
            num_pools=22,
        ),
        LineRecipe(
            name="line-hands",
            purpose="line trained on with real writers beside: begin with --start its model file",
            num_pools=14,
            learning_rate=0.0008,
            warmup=0.05,
            pens=0.6,
        ),
        LineRecipe(
            name="line-large",
            purpose="a larger network from random weights, with real writers beside",
            num_pools=48,
            passes=2,
            pens=0.6,
            network="line_large",
        ),
    )
}
