"""A training as it was asked for, and several of them that differ in their seeds alone."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inkread.errors import ConfigError

if TYPE_CHECKING:  # it needs the extra [train]
    from inkread.training.history import Step
    from inkread.training.line_recipes import LineRecipe
    from inkread.training.mnist import Mnist
    from inkread.training.recipes import Recipe

__all__ = ["Plan", "carry_out", "chosen_recipe", "go_on", "seeded", "seeds_of"]

_MAX_SEED = 2**32 - 1
_MAX_SEEDS = 1000


@dataclass(frozen=True)
class Plan:
    """What to train, and where; it can be sent to other processes.

    Attributes:
        recipe: the name of a recipe, of digits or of numbers.
        folder: of the run.
        seed: decides everything random.
        epochs: instead of the recipe's; pools of a recipe of numbers.
        resume: go on with a stopped run.
        teacher: the model file that teaches a recipe which has one.
        start: the folder of a run, or the model file, whose weights a recipe of numbers begins
            with.
        data: the folder of MNIST; ``None``: where it is found.
        pens: the folder of other people's handwriting, for recipes that need it; ``None``: the
            environment variable INKREAD_PENS names it.
    """

    recipe: str
    folder: Path
    seed: int = 0
    epochs: int | None = None
    resume: bool = False
    teacher: Path | None = None
    start: Path | None = None
    data: Path | None = None
    pens: Path | None = None


def seeds_of(text: str) -> tuple[int, ...]:
    """Parse ``0-9``, ``0,3,5`` or ``7``, or several of these with commas between.

    Raises:
        ConfigError: it is something else, or names a seed twice, or too many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part, re.ASCII)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not first <= last <= _MAX_SEED or last - first >= _MAX_SEEDS:
            raise ConfigError(f"expected --seeds such as 0-9 or 0,3,5, received {text!r}")
        seeds += range(first, last + 1)
    if len(set(seeds)) < len(seeds) or len(seeds) > _MAX_SEEDS:
        raise ConfigError(f"expected at most {_MAX_SEEDS:,} --seeds, each once, received {text!r}")
    return tuple(seeds)


def seeded(plan: Plan, seeds: Sequence[int]) -> list[Plan]:
    """Return the plan with each of the seeds; its folder is that of the runs, RECIPE-SEED.

    Raises:
        ConfigError: a folder holds a run already, and the plan is not to resume.
    """
    plans = [
        replace(plan, seed=seed, folder=plan.folder / f"{plan.recipe}-{seed}") for seed in seeds
    ]
    begun = [each.folder for each in plans if (each.folder / "recipe.json").exists()]
    if begun and not plan.resume:
        raise ConfigError(f"{begun[0]} holds a run already: add --resume, or choose another --out")
    return plans


def chosen_recipe(plan: Plan) -> "Recipe | LineRecipe":
    """Return the recipe with what the plan changes in it.

    Raises:
        ConfigError: there is none of this name, or what is asked for doesn't go with it.
    """
    from inkread.training.line_recipes import LINE_RECIPES
    from inkread.training.recipes import recipe_named

    name = plan.recipe
    if line := LINE_RECIPES.get(name):
        if plan.teacher:
            raise ConfigError(f"expected no --teacher for recipe {name!r}, received {plan.teacher}")
        if plan.pens and not line.pens:
            raise ConfigError(f"expected no --pens for recipe {name!r}, received {plan.pens}")
        return replace(line, num_pools=plan.epochs) if plan.epochs else line
    if plan.start:
        raise ConfigError(f"expected no --start for recipe {name!r}, received {plan.start}")
    recipe = recipe_named(name)
    if plan.pens and not recipe.needs_others:
        raise ConfigError(f"expected no --pens for recipe {name!r}, received {plan.pens}")
    if plan.epochs and recipe.members:
        raise ConfigError(
            f"expected no --epochs for recipe {name!r}, received {plan.epochs}: "
            "its epochs are its members'"
        )
    return replace(recipe, epochs=plan.epochs) if plan.epochs else recipe


def carry_out(plan: Plan, digits: "Mnist", on_step: "Callable[[Step], None] | None" = None) -> str:
    """Train, draw what was trained on and how it went, and return a sentence about it.

    Raises:
        ConfigError, ModelError, OSError: as ``train`` does.
    """
    recipe = chosen_recipe(plan)
    from inkread.training import plots
    from inkread.training.line_recipes import LineRecipe
    from inkread.training.runs import METRICS
    from inkread.training.train import Run, train
    from inkread.training.train_line import LineRun, train_line

    seed, resume = plan.seed, plan.resume
    run: Run | LineRun
    if isinstance(recipe, LineRecipe):
        run = train_line(
            recipe, digits, plan.folder,
            seed=seed, resume=resume, start=plan.start, pens=plan.pens, on_step=on_step,
        )  # fmt: skip
        strips = run.validation
        shown = plots.strips(strips.strips[:40], strips.texts[:40], "synthetic numbers")
        what = "synthetic validation numbers right as a whole, separators included:"
    else:
        run = train(
            recipe, digits, plan.folder,
            seed=seed, resume=resume, teacher=plan.teacher, pens=plan.pens, on_step=on_step,
        )  # fmt: skip
        picked = plots.pick_samples(digits.train, 10, seed)
        shown = plots.samples(digits.train, picked, "training images")
        what = "validation accuracy"
    plots.save(shown, plan.folder / "samples.png")
    title = f"{plan.recipe}, seed {seed}"
    plots.save(plots.curves(run.history, title), plan.folder / "curves.png")
    metrics = json.loads((plan.folder / METRICS).read_text())
    accuracy = metrics["validation_accuracy"]  # the model file's: the last epoch's may be another
    return (
        f"{run.model_file}: {what} {accuracy['value']:.2%} (n = {accuracy['n']:,}) "
        f"after {metrics['training_seconds']:.0f} s of training"
    )


def go_on(plan: Plan) -> str:
    """Carry a plan out in a process of its own, where one may have died over it before."""
    from inkread.training import mnist

    return carry_out(replace(plan, resume=True), mnist.load(plan.data))
