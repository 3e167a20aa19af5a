"""Defines the named training configurations of digit networks."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from inkread.errors import ConfigError
from inkread.training.augmentation.elastic import Augmentation

__all__ = ["RECIPES", "Recipe", "recipe_from_dict", "recipe_named"]

_SHARES = (
    "dropout", "label_smoothing", "spoiled", "drawn", "others", "junk", "noise", "taught_share",
)  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """The configuration of a training, except the seed and the data.

    Attributes:
        name: the recipe's name on the command line.
        purpose: a one-line description for users; recipes that differ only in it are equal, so that
            a reworded one doesn't prevent resuming a run.
        network: a name in ``architectures.NETWORKS``; empty for a recipe with members.
        epochs: passes over the training images; 0 for a recipe with members, and for a network that
            keeps the weights of its teacher's.
        batch_size: images per step.
        steps_per_call: steps that the backend executes per call from Python, which saves overhead
            and changes no result. Progress is reported once per call.
        learning_rate: Adam's peak learning rate.
        warmup: share of the steps in which the learning rate rises linearly to its peak, before it
            falls to zero on a half cosine; ``None`` keeps it constant.
        weight_decay: decoupled weight decay, relative to the learning rate.
        dropout: dropout rate before the last layer.
        label_smoothing: share of the target probability that is spread over all labels.
        augmentation: the distortions of the training images, or ``None``.
        spoiled: probability of degrading an image as pens, paper and cameras do; see
            ``augmentation.distortions``.
        drawn: share of the training images replaced by digits drawn from strokes, with shapes that
            MNIST lacks; see ``synthesis.drawn_digits``.
        others: share of the training images replaced by digits of other people than MNIST's; above
            0 half of the ``junk`` is their letters and symbols, and the training needs their
            handwriting; see ``synthesis.other_hands``.
        junk: share of the training images replaced by glyphs that are no digits, for a network with
            an output for "no digit"; see ``synthesis.non_digits``.
        noise: share of the training images replaced by noise all over, which is no digit either and
            is not distorted, because distortions smooth it; only together with ``junk``.
        teacher: name of the recipe whose model gives the targets of knowledge distillation (Hinton,
            Vinyals and Dean 2015), or ``None``. It classifies the images before they are degraded.
        taught_share: weight of the teacher's probabilities in the targets; the label has the rest.
        from_teacher: whether the training begins with the weights of the teacher's network of the
            same architecture, instead of random ones.
        taught_copies: number of epochs after which the augmented images repeat, except for the
            degradation, so that the teacher's probabilities are reused; 0: they never repeat.
        shifted: whether the trained network uses test-time augmentation; see
            ``architectures.average_shifted_views``.
        members: recipes of the networks of an ensemble or a cascade, each trained on its own; the
            other settings are then unused. Empty: a single network.
        sure: makes the members a cascade: the mean of the others answers where the first's highest
            probability is below this; see ``architectures.join_members``. ``None``: the mean of all
            members answers everywhere.
    """

    name: str
    purpose: str = field(compare=False)
    network: str = ""
    epochs: int = 0
    batch_size: int = 128
    steps_per_call: int = 1
    learning_rate: float = 0.001
    warmup: float | None = None
    weight_decay: float = 0.0
    dropout: float = 0.0
    label_smoothing: float = 0.0
    augmentation: Augmentation | None = None
    spoiled: float = 0.0
    drawn: float = 0.0
    others: float = 0.0
    junk: float = 0.0
    noise: float = 0.0
    teacher: str | None = None
    taught_share: float = 0.0
    from_teacher: bool = False
    taught_copies: int = 0
    shifted: bool = False
    members: tuple["Recipe", ...] = ()
    sure: float | None = None

    def __post_init__(self) -> None:
        """Refuse an invalid recipe.

        Raises:
            ConfigError: neither members nor a network with epochs; members that can't be combined;
                a share outside [0, 1]; or a count that is too small.
        """
        least_epochs = 0 if self.from_teacher else 1
        if not self.members and (not self.network or self.epochs < least_epochs):
            raise ConfigError(
                f"expected recipe {self.name!r} to have members, or a network and epochs, "
                f"received network {self.network!r} and epochs {self.epochs!r}"
            )
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"expected {name} in [0, 1], received {getattr(self, name)!r}")
        for name, least in (("batch_size", 1), ("steps_per_call", 1), ("taught_copies", 0)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"expected {name} of at least {least}, received {getattr(self, name)!r}"
                )
        if self.noise and not self.junk:
            raise ConfigError("expected junk together with noise, received none")
        self._check_teacher()
        if any(member.members for member in self.members):
            raise ConfigError(f"expected members of one network each, received {self.name!r}")
        if len({member.num_outputs for member in self.members}) > 1:
            raise ConfigError(
                f"expected members with as many outputs each, received {self.name!r}, of which "
                "only some are trained on glyphs that are no digits"
            )
        if self.sure is not None and not (len(self.members) >= 2 and 0 < self.sure <= 1):
            raise ConfigError(
                "expected two or more members together with a probability above 0 and at most 1 "
                f"from which the first is sure, received {len(self.members)} and {self.sure!r}"
            )

    def _check_teacher(self) -> None:
        if (self.teacher is None) != (self.taught_share == 0):
            raise ConfigError(
                "expected a teacher together with a taught_share above 0, received "
                f"{self.teacher!r} with {self.taught_share!r}"
            )
        if self.from_teacher and self.teacher is None:
            raise ConfigError("expected a teacher together with from_teacher, received none")

    @property
    def num_outputs(self) -> int:
        """Number of the network's outputs: ten digits, and "no digit" if ``junk`` is used."""
        return self.members[0].num_outputs if self.members else 11 if self.junk else 10

    @property
    def needs_others(self) -> bool:
        """Whether the training needs other people's handwriting."""
        return any(each.others > 0 for each in self.networks)

    @property
    def networks(self) -> tuple["Recipe", ...]:
        """The recipes of the single networks: the members, or this recipe."""
        return self.members or (self,)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``recipe.json`` holds them."""
        return {**asdict(self), "members": [member.to_dict() for member in self.members]}


_AUGMENTATION = Augmentation(
    rotation_deg=12.0,
    shear=0.25,
    log_scale=0.12,
    log_aspect=0.2,
    shift_px=1.8,
    elastic_px=1.2,
    stroke=0.7,
)
_DISTILLED = Recipe(
    name="distilled",
    purpose="one network distilled from the ensemble; robust, rejects glyphs that are no digits",
    network="deep",
    epochs=30,
    steps_per_call=10,
    learning_rate=0.004,
    warmup=0.15,
    weight_decay=0.02,
    dropout=0.3,
    augmentation=_AUGMENTATION,
    spoiled=0.4,
    drawn=0.08,
    junk=0.2,
    teacher="ensemble",
    taught_share=0.7,
    taught_copies=10,
    shifted=True,
)
_SWIFT = replace(
    _DISTILLED,
    name="swift",
    purpose="the cascade's small first network; robust, rejects glyphs that are no digits",
    network="compact",
    learning_rate=0.01,
    dropout=0.2,
    teacher=None,
    taught_share=0.0,
    taught_copies=0,
    shifted=False,
)
_SWIFT_HANDS = replace(
    _SWIFT,
    name="swift-hands",
    purpose="cascade's first network trained further, with other people's handwriting",
    epochs=12,
    learning_rate=0.005,
    others=0.33,
    noise=0.01,
    teacher="cascade",
    taught_share=0.7,
    from_teacher=True,
)
_DISTILLED_HANDS = replace(
    _DISTILLED,
    name="distilled-hands",
    purpose="cascade's second network trained further, with other people's handwriting",
    epochs=12,
    learning_rate=0.002,
    others=0.33,
    noise=0.01,
    teacher="cascade",
    taught_copies=0,
    from_teacher=True,
)
_DISTILLED_KEPT = replace(
    _DISTILLED_HANDS,
    name="distilled-kept",
    purpose="cascade's second network as it is, for MNIST's handwriting",
    epochs=0,
)
_BEST = Recipe(
    name="best",
    purpose="the most accurate single network that trains within an hour on two cores",
    network="deep",
    epochs=36,
    steps_per_call=10,
    learning_rate=0.004,
    warmup=0.15,
    weight_decay=0.02,
    dropout=0.3,
    augmentation=_AUGMENTATION,
    shifted=True,
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="baseline",
            purpose="the textbook CNN with its usual training: Adam, dropout 0.5, 12 epochs",
            network="classic",
            epochs=12,
            dropout=0.5,
        ),
        Recipe(
            name="quick",
            purpose="99 % accuracy in the shortest time: one epoch at a large learning rate",
            network="compact",
            epochs=1,
            steps_per_call=10,
            learning_rate=0.014,
            warmup=0.2,
            label_smoothing=0.05,
        ),
        Recipe(
            name="brisk",
            purpose="99.5 % accuracy in a short time: quick's network, seven epochs, augmentation",
            network="compact",
            epochs=7,
            steps_per_call=10,
            learning_rate=0.014,
            warmup=0.2,
            weight_decay=0.01,
            # No elastic or stroke distortion: they take time without a gain in so short a training.
            augmentation=replace(_AUGMENTATION.scale(0.7), elastic_px=0.0, stroke=0.0),
        ),
        Recipe(
            name="tiny",
            purpose="the most accurate network with fewer than 10,000 parameters",
            network="tiny",
            epochs=40,
            steps_per_call=10,
            learning_rate=0.01,
            warmup=0.15,
            weight_decay=0.005,
            augmentation=_AUGMENTATION.scale(0.4),
        ),
        Recipe(
            name="standard",
            purpose="a good accuracy after minutes of training",
            network="medium",
            epochs=16,
            steps_per_call=10,
            learning_rate=0.006,
            warmup=0.15,
            weight_decay=0.02,
            dropout=0.3,
            augmentation=_AUGMENTATION.scale(0.6),
        ),
        _BEST,
        Recipe(
            name="ensemble",
            purpose="the most accurate: the mean of four networks with two kernel sizes",
            members=(_BEST, _BEST, _BEST, replace(_BEST, name="best-broad", network="broad")),
        ),
        _DISTILLED,
        _SWIFT,
        Recipe(
            name="cascade",
            purpose="two networks: swift, and distilled where swift is unsure",
            members=(
                _SWIFT,
                replace(_DISTILLED, shifted=False),
            ),  # shifted views cost more than they gain here
            sure=0.998,
        ),
        _SWIFT_HANDS,
        _DISTILLED_HANDS,
        Recipe(
            name="cascade-hands",
            purpose="the shipped model: cascade trained further, with other people's handwriting",
            members=(
                _SWIFT_HANDS,
                replace(_DISTILLED_HANDS, shifted=False),
                replace(_DISTILLED_KEPT, shifted=False),
            ),
            sure=0.98,
        ),
    )
}


def recipe_named(name: str) -> Recipe:
    """Return the recipe with this name.

    Raises:
        ConfigError: there is no such recipe.
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
        members = tuple(recipe_from_dict(member) for member in values.get("members", ()))
        return Recipe(**{**values, "augmentation": augmentation, "members": members})
    except TypeError as error:
        raise ConfigError(f"the recipe doesn't fit: {error}") from error


def _check_keys(values: object, kind: type[Recipe | Augmentation]) -> None:
    if not isinstance(values, dict):
        raise ConfigError(f"expected the keys of {kind.__name__}, received {values!r}")
    known = {each.name for each in fields(kind)}
    if unknown := values.keys() - known:
        raise ConfigError(f"expected keys among {sorted(known)}, received {sorted(unknown)}")
