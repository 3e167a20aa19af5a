"""Describes a requested training, and runs it for one or several seeds."""

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from inkread.errors import ConfigError

if TYPE_CHECKING:  # it needs the extra [train]
    from inkread.training.history import Step
    from inkread.training.layout_recipes import LayoutRecipe
    from inkread.training.line_recipes import LineRecipe
    from inkread.training.mnist import Mnist
    from inkread.training.recipes import Recipe

__all__ = [
    "Plan",
    "check_folders",
    "expand_seeds",
    "parse_seeds",
    "resolve_recipe",
    "resume_plan",
    "run_plan",
]

_MAX_SEED = 2**32 - 1
_MAX_NUM_SEEDS = 1000


@dataclass(frozen=True)
class Plan:
    """A requested training; it can be pickled.

    Attributes:
        recipe: name of a digit recipe or a line recipe.
        folder: the run's folder.
        seed: decides everything random.
        epochs: number of epochs, or of a line recipe's pools, in place of the recipe's own.
        resume: whether to resume an interrupted run.
        teacher: model file of the teacher, for a recipe with one.
        start: folder of a run, or a model file, with the initial weights, for a line or layout
            recipe.
        data: folder of MNIST; ``None``: its default places are searched.
        pens: folder of other people's handwriting, for recipes that train on it; ``None``: the
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


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse seeds such as ``0-9``, ``0,3,5`` or ``0-2,7``.

    Raises:
        ConfigError: the text has another form, repeats a seed or names too many.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,10})(?:-(\d{1,10}))?\s*", part, re.ASCII)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not first <= last <= _MAX_SEED or last - first >= _MAX_NUM_SEEDS:
            raise ConfigError(f"expected --seeds such as 0-9 or 0,3,5, received {text!r}")
        seeds += range(first, last + 1)
    if len(set(seeds)) < len(seeds) or len(seeds) > _MAX_NUM_SEEDS:
        raise ConfigError(
            f"expected at most {_MAX_NUM_SEEDS:,} --seeds, each once, received {text!r}"
        )
    return tuple(seeds)


def expand_seeds(plan: Plan, seeds: Sequence[int]) -> list[Plan]:
    """Return a copy of the plan for each seed, with the folder ``plan.folder / RECIPE-SEED``.

    Raises:
        ConfigError: a folder holds a run already, and ``plan.resume`` is false.
    """
    plans = [
        replace(plan, seed=seed, folder=plan.folder / f"{plan.recipe}-{seed}") for seed in seeds
    ]
    check_folders(plans)
    return plans


def check_folders(plans: Sequence[Plan]) -> None:
    """Refuse plans whose folder holds a run already, unless they resume it.

    Raises:
        ConfigError: it does.
    """
    begun = [
        each.folder for each in plans if not each.resume and (each.folder / "recipe.json").exists()
    ]
    if begun:
        raise ConfigError(f"{begun[0]} holds a run already: add --resume, or choose another --out")


def resolve_recipe(plan: Plan) -> "Recipe | LineRecipe | LayoutRecipe":
    """Return the plan's recipe, with the plan's number of epochs.

    Raises:
        ConfigError: no recipe has this name, or an option doesn't apply to it.
    """
    from inkread.training.layout_recipes import LAYOUT_RECIPES
    from inkread.training.line_recipes import LINE_RECIPES, LineRecipe
    from inkread.training.recipes import RECIPES, recipe_named

    name = plan.recipe
    known = [*RECIPES, *LINE_RECIPES, *LAYOUT_RECIPES]
    if name not in known:
        raise ConfigError(f"expected a recipe among {', '.join(sorted(known))}; received {name!r}")
    if pooled := LINE_RECIPES.get(name) or LAYOUT_RECIPES.get(name):
        if plan.teacher:
            raise ConfigError(f"expected no --teacher for recipe {name!r}, received {plan.teacher}")
        if plan.pens and isinstance(pooled, LineRecipe) and not pooled.writers:
            raise ConfigError(f"expected no --pens for recipe {name!r}, received {plan.pens}")
        return replace(pooled, num_pools=plan.epochs) if plan.epochs else pooled
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


def run_plan(plan: Plan, digits: "Mnist", on_step: "Callable[[Step], None] | None" = None) -> str:
    """Train, draw samples and learning curves, and return a one-sentence summary.

    Raises:
        ConfigError, ModelError, OSError: as ``train`` does.
    """
    recipe = resolve_recipe(plan)
    from inkread.training.evaluation import plots
    from inkread.training.layout_recipes import LayoutRecipe
    from inkread.training.line_recipes import LineRecipe
    from inkread.training.runs import METRICS
    from inkread.training.train import Run, train
    from inkread.training.train_line import LineRun, train_line

    seed, resume = plan.seed, plan.resume
    if isinstance(recipe, LayoutRecipe):
        return _train_layout(plan, recipe, digits, on_step)
    run: Run | LineRun
    if isinstance(recipe, LineRecipe):
        run = train_line(
            recipe, digits, plan.folder,
            seed=seed, resume=resume, start=plan.start, pens=plan.pens, on_step=on_step,
        )  # fmt: skip
        strips = run.validation
        shown = plots.draw_strips(strips.strips[:40], strips.texts[:40], "synthetic numbers")
        what = "synthetic validation numbers right as a whole, separators included:"
    else:
        run = train(
            recipe, digits, plan.folder,
            seed=seed, resume=resume, teacher=plan.teacher, pens=plan.pens, on_step=on_step,
        )  # fmt: skip
        picked = plots.pick_samples(digits.train, 10, seed)
        shown = plots.draw_samples(digits.train, picked, "training images")
        what = "validation accuracy"
    plots.save(shown, plan.folder / "samples.png")
    title = f"{plan.recipe}, seed {seed}"
    plots.save(plots.draw_curves(run.history, title), plan.folder / "curves.png")
    metrics = json.loads((plan.folder / METRICS).read_text())
    accuracy = metrics["validation_accuracy"]  # of the model file: the last epoch's may differ
    return (
        f"{run.model_file}: {what} {accuracy['value']:.2%} (n = {accuracy['n']:,}) "
        f"after {metrics['training_seconds']:.0f} s of training"
    )


def _train_layout(
    plan: Plan,
    recipe: "LayoutRecipe",
    digits: "Mnist",
    on_step: "Callable[[Step], None] | None",
) -> str:
    """Train a layout network, with the real writers' strokes that the environment names, if any."""
    from inkread.training.handwriting.archives import FOLDER_VARIABLE
    from inkread.training.train_layout import train_layout

    named = os.environ.get(FOLDER_VARIABLE)
    pens = plan.pens or (Path(named) if named else None)
    run = train_layout(
        recipe, digits, plan.folder,
        seed=plan.seed, resume=plan.resume, start=plan.start,
        pens=pens, on_step=on_step,
    )  # fmt: skip
    last = run.history[-1]
    return (
        f"{run.model_file}: F1 of cores' pixels on synthetic validation pages {last.core:.2%}, "
        f"handwriting told from print {last.handwritten:.2%} after {last.seconds:.0f} s of training"
    )


def resume_plan(plan: Plan) -> str:
    """Run a plan in a worker process, resuming the run if an earlier worker died."""
    from inkread.training import mnist

    return run_plan(replace(plan, resume=True), mnist.load(plan.data))
