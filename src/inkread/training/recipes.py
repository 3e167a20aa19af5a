"""The named, frozen training configurations; their values are the command line's defaults."""

from dataclasses import asdict, dataclass, fields
from typing import Any

from inkread.errors import ConfigError
from inkread.training.augment import Augmentation

__all__ = ["RECIPES", "Recipe", "recipe_from_dict", "recipe_named"]


@dataclass(frozen=True)
class Recipe:
    """Everything but the seed and the data that decides a training.

    Attributes:
        name: what the command line calls it.
        purpose: one line, for people.
        network: a name in ``models.NETWORKS``.
        epochs: passes over the training images.
        batch_size: images a step.
        learning_rate: Adam's peak learning rate.
        warmup: share of the steps in which the learning rate rises linearly to its peak, before it
            falls to zero on a half cosine; ``None`` keeps it constant.
        weight_decay: decoupled, a step's share of the weights times the learning rate.
        dropout: share of the features before the last layer set to zero in training.
        label_smoothing: share of the target probability spread over all labels.
        augmentation: the distortions of the training images, or ``None``.
        drawn: share of the training images replaced by digits drawn from our own strokes, which
            have shapes that MNIST lacks; see ``synth.glyphs``.
    """

    name: str
    purpose: str
    network: str
    epochs: int
    batch_size: int = 128
    learning_rate: float = 0.001
    warmup: float | None = None
    weight_decay: float = 0.0
    dropout: float = 0.0
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None
    drawn: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``recipe.json`` holds them."""
        return asdict(self)


RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="baseline",
            purpose="the classic CNN exactly as taught: Adam, dropout 0.5, 12 epochs",
            network="classic",
            epochs=12,
            dropout=0.5,
        ),
        Recipe(
            name="quick",
            purpose="99 % as soon as possible: one epoch at a large learning rate",
            network="compact",
            epochs=1,
            learning_rate=0.01,
            warmup=0.2,
            label_smoothing=0.05,
        ),
        Recipe(
            name="standard",
            purpose="accurate, and robust to other people's hands and cameras: the shipped model",
            network="deep",
            epochs=16,
            learning_rate=0.004,
            warmup=0.15,
            weight_decay=0.02,
            dropout=0.3,
            drawn=0.08,
            augmentation=Augmentation(
                rotation_deg=12.0,
                shear=0.25,
                log_scale=0.12,
                log_aspect=0.2,
                shift_px=1.8,
                elastic_px=1.2,
                stroke=0.7,
                photometric=0.1,
            ),
        ),
    )
}


def recipe_named(name: str) -> Recipe:
    """Return the recipe of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in RECIPES:
        raise ConfigError(f"expected a recipe among {sorted(RECIPES)}, received {name!r}")
    return RECIPES[name]


def recipe_from_dict(values: dict[str, Any]) -> Recipe:
    """Rebuild a recipe from ``Recipe.to_dict``.

    Raises:
        ConfigError: unknown or missing keys.
    """
    _check_keys(values, Recipe)
    augmentation = values.get("augmentation")
    if augmentation is not None:
        _check_keys(augmentation, Augmentation)
        augmentation = Augmentation(**augmentation)
    try:
        return Recipe(**{**values, "augmentation": augmentation})
    except TypeError as error:
        raise ConfigError(f"the recipe doesn't fit: {error}") from error


def _check_keys(values: object, kind: type[Recipe | Augmentation]) -> None:
    if not isinstance(values, dict):
        raise ConfigError(f"expected the keys of {kind.__name__}, received {values!r}")
    known = {field.name for field in fields(kind)}
    if unknown := values.keys() - known:
        raise ConfigError(f"expected keys among {sorted(known)}, received {sorted(unknown)}")
