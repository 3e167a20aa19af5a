"""Defines the named training configurations of line networks."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from inkread.errors import ConfigError

__all__ = ["LINE_RECIPES", "LineRecipe"]


@dataclass(frozen=True)
class LineRecipe:
    """The configuration of a training of the line network, except the seed and the data.

    Attributes:
        name: the recipe's name on the command line.
        purpose: a one-line description for users; not compared, as in ``Recipe``.
        num_pools: number of pools of synthetic strips; each is used for several passes and then
            replaced by the next.
        pool_size: strips per pool.
        passes: passes over each pool.
        batch_size: strips per step; divides ``pool_size``.
        learning_rate: AdamW's peak learning rate.
        warmup: share of the steps in which the rate rises to its peak, before it falls to zero on a
            half cosine.
        weight_decay: decoupled weight decay, relative to the learning rate.
        clipnorm: largest norm of the gradient of a weight tensor.
        dropout: dropout rate before the last layer.
        network: a name in ``architectures.LINE_NETWORKS``.
        precision: a policy of Keras for what the layers compute in: ``float32``, or
            ``mixed_bfloat16``, which some CPUs compute faster; weights are float32 in both.
        writers: probability that a number is written by a real writer; above 0 the training needs
            other people's handwriting, see ``handwriting.pens``.
        start: name of the shipped line model whose weights are the initial weights, of the same
            network or of one that it grows from, see ``architectures.grow``; empty: random
            weights. A run or a model file can be given instead.
        start_sha256: SHA-256 of the checkpoint or model file with the initial weights; empty:
            random weights.
    """

    name: str
    purpose: str = field(compare=False)
    num_pools: int
    pool_size: int = 8192
    passes: int = 3
    batch_size: int = 64
    learning_rate: float = 0.002
    warmup: float = 0.1
    weight_decay: float = 0.01
    clipnorm: float = 2.0
    dropout: float = 0.15
    network: str = "line"
    precision: str = "float32"
    writers: float = 0.0
    start: str = ""
    start_sha256: str = ""

    def __post_init__(self) -> None:
        """Refuse invalid counts.

        Raises:
            ConfigError: a count below 1, a ``batch_size`` that doesn't divide ``pool_size``, or
                ``writers`` outside [0, 1].
        """
        counts = (self.num_pools, self.pool_size, self.passes, self.batch_size)
        if min(counts) < 1 or self.pool_size % self.batch_size:
            raise ConfigError(
                "expected counts of at least 1, and a batch_size that divides pool_size, "
                f"received {self}"
            )
        if not 0 <= self.writers <= 1:
            raise ConfigError(f"expected writers in [0, 1], received {self.writers!r}")

    @property
    def steps_per_pool(self) -> int:
        """Number of steps per pool."""
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
        known = {each.name for each in fields(cls)}
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
            purpose="the shipped line model: reads whole numbers, trained on synthetic ones",
            num_pools=22,
        ),
        LineRecipe(
            name="line-hands",
            purpose="the shipped line model trained further on numbers by real writers",
            num_pools=20,
            passes=2,
            learning_rate=0.0008,
            warmup=0.05,
            writers=0.6,
            start="default",
        ),
        LineRecipe(
            name="line-deep",
            purpose="a deeper network, grown from the shipped line model, real writers included",
            num_pools=40,
            passes=2,
            learning_rate=0.001,
            warmup=0.05,
            writers=0.6,
            network="line_deep",
            precision="mixed_bfloat16",
            start="default",
        ),
    )
}
