"""The named, frozen training configurations; their values are the command line's defaults."""

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from inkread.errors import ConfigError
from inkread.training.augment import Augmentation

__all__ = ["RECIPES", "Recipe", "recipe_from_dict", "recipe_named"]


_SHARES = ("dropout", "label_smoothing", "spoiled", "drawn", "others", "junk", "taught_share")


@dataclass(frozen=True)
class Recipe:
    """Everything but the seed and the data that decides a training.

    Attributes:
        name: what the command line calls it.
        purpose: one line, for people.
        network: a name in ``models.NETWORKS``; with members, as ``epochs``: empty.
        epochs: passes over the training images.
        batch_size: images a step.
        steps_per_call: steps that the backend takes before it comes back to Python; the same
            steps, but less waiting between them. Progress is told once a call.
        learning_rate: Adam's peak learning rate.
        warmup: share of the steps in which the learning rate rises linearly to its peak, before it
            falls to zero on a half cosine; ``None`` keeps it constant.
        weight_decay: decoupled, a step's share of the weights times the learning rate.
        dropout: share of the features before the last layer set to zero in training.
        label_smoothing: share of the target probability spread over all labels.
        augmentation: the distortions of the training images, or ``None``.
        spoiled: probability that an image is spoiled as pens, paper and cameras do; see
            ``distortions.spoil``.
        drawn: share of the training images replaced by digits drawn from our own strokes, which
            have shapes that MNIST lacks; see ``synth.glyphs``.
        others: share of the training images replaced by digits of other people than MNIST's; above
            0 the training needs their handwriting, and half of what is no digit is theirs too; see
            ``other_hands``.
        junk: share of the training images replaced by glyphs that are no digits, for a network that
            says so by an output of its own; see ``junk.glyphs``.
        teacher: name of the recipe whose model gives the targets, or ``None``: distillation
            (Hinton, Vinyals and Dean 2015). It sees the images before they are spoiled.
        taught_share: weight of the teacher's answers in the targets; the label has the rest.
        taught_copies: epochs after which all but spoiling comes round again, so that the teacher's
            answers can be used again.
        shifted: whether the trained network answers with its mean over a glyph and that glyph moved
            by half a pixel; see ``models.shifted``.
        members: recipes of the networks that answer together, each trained on its own; what else
            stands here is not used. Empty: one network.
        sure: the probability at which the answer of the first of two members counts; the second
            answers for the other glyphs: a cascade, see ``models.joined``. ``None``: the members'
            probabilities are averaged.
    """

    name: str
    purpose: str
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
    teacher: str | None = None
    taught_share: float = 0.0
    taught_copies: int = 0
    shifted: bool = False
    members: tuple["Recipe", ...] = ()
    sure: float | None = None

    def __post_init__(self) -> None:
        """Refuse a recipe that trains nothing.

        Raises:
            ConfigError: neither members, nor a network and epochs; members that can't answer
                together; or a share outside [0, 1], or a count that makes no sense.
        """
        if not self.members and (not self.network or self.epochs < 1):
            raise ConfigError(
                f"expected recipe {self.name!r} to have members, or a network and epochs, "
                f"received network {self.network!r} and epochs {self.epochs!r}"
            )
        for name in (
            "dropout",
            "label_smoothing",
            "spoiled",
            "drawn",
            "others",
            "junk",
            "taught_share",
        ):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"expected {name} in [0, 1], received {getattr(self, name)!r}")
        for name, least in (("batch_size", 1), ("steps_per_call", 1), ("taught_copies", 0)):
            if getattr(self, name) < least:
                raise ConfigError(
                    f"expected {name} of at least {least}, received {getattr(self, name)!r}"
                )
        if (self.teacher is None) != (self.taught_share == 0):
            raise ConfigError(
                "expected a teacher together with a taught_share above 0, received "
                f"{self.teacher!r} with {self.taught_share!r}"
            )
        if any(member.members for member in self.members):
            raise ConfigError(f"expected members of one network each, received {self.name!r}")
        if len({member.num_outputs for member in self.members}) > 1:
            raise ConfigError(
                f"expected members with as many outputs each, received {self.name!r}, of which "
                "only some are trained on no-digits"
            )
        if self.sure is not None and not (len(self.members) == 2 and 0 < self.sure <= 1):
            raise ConfigError(
                "expected two members together with a probability above 0 and at most 1 from which "
                f"the first is sure, received {len(self.members)} and {self.sure!r}"
            )

    @property
    def num_outputs(self) -> int:
        """Outputs of the network: ten labels, and "no digit" if it is trained on such."""
        return self.members[0].num_outputs if self.members else 11 if self.junk else 10

    @property
    def needs_others(self) -> bool:
        """Whether other people's handwriting is needed to train it."""
        return any(each.others > 0 for each in self.networks)

    @property
    def networks(self) -> tuple["Recipe", ...]:
        """The recipes of its networks: its members, or itself."""
        return self.members or (self,)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as ``recipe.json`` holds them."""
        return {**asdict(self), "members": [member.to_dict() for member in self.members]}


_HANDS = Augmentation(
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
    purpose="one network taught by the ensemble; robust, knows no-digits",
    network="deep",
    epochs=30,
    steps_per_call=10,
    learning_rate=0.004,
    warmup=0.15,
    weight_decay=0.02,
    dropout=0.3,
    augmentation=_HANDS,
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
    purpose="the cascade's first look: least to compute; robust, knows no-digits",
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
    purpose="swift, with other people's hands beside MNIST's",
    others=0.33,
)
_DISTILLED_HANDS = replace(
    _DISTILLED,
    name="distilled-hands",
    purpose="distilled, with other people's hands beside MNIST's",
    others=0.33,
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
    augmentation=_HANDS,
    shifted=True,
)

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
            steps_per_call=10,
            learning_rate=0.014,
            warmup=0.2,
            label_smoothing=0.05,
        ),
        Recipe(
            name="brisk",
            purpose="99.5 % as soon as possible: seven epochs of quick's network, distorted",
            network="compact",
            epochs=7,
            steps_per_call=10,
            learning_rate=0.014,
            warmup=0.2,
            weight_decay=0.01,
            # Neither bent nor thinned: it costs time, and so short a training gains nothing by it.
            augmentation=replace(_HANDS.scaled(0.7), elastic_px=0.0, stroke=0.0),
        ),
        Recipe(
            name="tiny",
            purpose="as accurate as 10,000 parameters allow",
            network="tiny",
            epochs=40,
            steps_per_call=10,
            learning_rate=0.01,
            warmup=0.15,
            weight_decay=0.005,
            augmentation=_HANDS.scaled(0.4),
        ),
        Recipe(
            name="standard",
            purpose="accurate in minutes",
            network="medium",
            epochs=16,
            steps_per_call=10,
            learning_rate=0.006,
            warmup=0.15,
            weight_decay=0.02,
            dropout=0.3,
            augmentation=_HANDS.scaled(0.6),
        ),
        _BEST,
        Recipe(
            name="ensemble",
            purpose="the most accurate: the mean of four networks with kernels of two sizes",
            members=(_BEST, _BEST, _BEST, replace(_BEST, name="best-broad", network="broad")),
        ),
        _DISTILLED,
        _SWIFT,
        Recipe(
            name="cascade",
            purpose="the shipped model: distilled answers where swift is not sure",
            members=(_SWIFT, replace(_DISTILLED, shifted=False)),  # views would gain less than cost
            sure=0.998,
        ),
        _SWIFT_HANDS,
        _DISTILLED_HANDS,
        Recipe(
            name="cascade-hands",
            purpose="cascade, with other people's hands beside MNIST's",
            members=(_SWIFT_HANDS, replace(_DISTILLED_HANDS, shifted=False)),
            sure=0.998,
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
        members = tuple(recipe_from_dict(member) for member in values.get("members", ()))
        return Recipe(**{**values, "augmentation": augmentation, "members": members})
    except TypeError as error:
        raise ConfigError(f"the recipe doesn't fit: {error}") from error


def _check_keys(values: object, kind: type[Recipe | Augmentation]) -> None:
    if not isinstance(values, dict):
        raise ConfigError(f"expected the keys of {kind.__name__}, received {values!r}")
    known = {field.name for field in fields(kind)}
    if unknown := values.keys() - known:
        raise ConfigError(f"expected keys among {sorted(known)}, received {sorted(unknown)}")
