import dataclasses
import json

import pytest

from inkread.errors import ConfigError
from inkread.training.augmentation.elastic import Augmentation
from inkread.training.recipes import RECIPES, Recipe, recipe_from_dict, recipe_named


def baseline() -> dict[str, object]:
    return recipe_named("baseline").to_dict()


def test_baseline_is_the_classic_training_exactly():
    values = baseline()
    assert values.pop("purpose")
    assert values == {
        "name": "baseline",
        "network": "classic",
        "epochs": 12,
        "batch_size": 128,
        "steps_per_call": 1,
        "learning_rate": 0.001,
        "warmup": None,
        "weight_decay": 0.0,
        "dropout": 0.5,
        "label_smoothing": 0.0,
        "spoiled": 0.0,
        "drawn": 0.0,
        "others": 0.0,
        "junk": 0.0,
        "noise": 0.0,
        "teacher": None,
        "taught_share": 0.0,
        "from_teacher": False,
        "taught_copies": 0,
        "shifted": False,
        "members": [],
        "sure": None,
        "augmentation": None,
    }


def test_the_recipes_stand_under_their_own_names():
    assert {"baseline", "quick"} <= RECIPES.keys()
    for name, recipe in RECIPES.items():
        assert recipe.name == name
        assert recipe_named(name) is recipe
        assert recipe.purpose


def test_quick_takes_at_most_a_quarter_of_the_epochs_of_baseline():
    assert recipe_named("quick").epochs * 4 <= recipe_named("baseline").epochs


def test_only_recipes_named_after_hands_need_other_peoples_handwriting():
    needing = {name for name, recipe in RECIPES.items() if recipe.needs_others}
    assert needing == {"swift-hands", "distilled-hands", "cascade-hands"}
    for name in needing:
        plain = {each.network: each for each in recipe_named(name.removesuffix("-hands")).networks}
        for ours in recipe_named(name).networks:
            known = plain[ours.network]
            assert (ours.teacher, ours.from_teacher) == ("cascade", True)
            same = ("network", "dropout", "augmentation", "spoiled", "drawn", "junk", "shifted")
            assert [getattr(ours, key) for key in same] == [getattr(known, key) for key in same]


def test_the_shipped_recipe_keeps_a_network_of_mnists_handwriting():
    members = recipe_named("cascade-hands").networks
    assert [each.name for each in members] == ["swift-hands", "distilled-hands", "distilled-kept"]
    assert [each.epochs for each in members] == [12, 12, 0]
    assert [each.network for each in members] == ["compact", "deep", "deep"]


def test_only_what_begins_with_its_teachers_weights_may_train_for_no_epoch():
    kept = recipe_named("cascade-hands").networks[-1]
    with pytest.raises(ConfigError, match="epochs 0"):
        dataclasses.replace(kept, from_teacher=False)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_comes_back_from_its_values(name: str):
    recipe = recipe_named(name)
    assert recipe_from_dict(recipe.to_dict()) == recipe
    assert recipe_from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    assert recipe_from_dict(recipe.to_dict()).to_dict() == recipe.to_dict()


def test_recipes_that_differ_only_in_their_description_are_equal():
    recipe = recipe_named("quick")
    assert dataclasses.replace(recipe, purpose="the same, in other words") == recipe


def test_an_augmentation_comes_back_as_one():
    recipe = Recipe("own", "to try", "classic", 1, augmentation=Augmentation(rotation_deg=5.0))
    values = recipe.to_dict()
    assert values["augmentation"]["rotation_deg"] == 5.0
    assert recipe_from_dict(values).augmentation == Augmentation(rotation_deg=5.0)


def test_values_left_out_take_their_defaults():
    required = {"name": "own", "purpose": "to try", "network": "classic", "epochs": 3}
    assert recipe_from_dict(required) == Recipe("own", "to try", "classic", 3)


def test_rebuilding_leaves_the_values_alone():
    values = recipe_named("standard").to_dict()
    before = json.dumps(values)
    recipe_from_dict(values)
    assert json.dumps(values) == before


@pytest.mark.parametrize("name", ["", "Baseline", "worst"])
def test_an_unknown_name_is_refused_beside_the_known_ones(name: str):
    with pytest.raises(ConfigError) as caught:
        recipe_named(name)
    assert repr(name) in str(caught.value)
    assert all(known in str(caught.value) for known in RECIPES)


def test_an_unknown_key_is_refused_beside_the_known_ones():
    with pytest.raises(ConfigError, match="momentum") as caught:
        recipe_from_dict({**baseline(), "momentum": 0.9})
    assert "learning_rate" in str(caught.value)


def test_an_unknown_key_of_the_augmentation_is_refused_beside_the_known_ones():
    with pytest.raises(ConfigError, match="flip") as caught:
        recipe_from_dict({**baseline(), "augmentation": {"flip": 1.0}})
    assert "rotation_deg" in str(caught.value)


@pytest.mark.parametrize("key", ["name", "purpose", "network", "epochs"])
def test_a_missing_key_is_refused_by_name(key: str):
    values = baseline()
    del values[key]
    with pytest.raises(ConfigError, match=key):
        recipe_from_dict(values)


@pytest.mark.parametrize("augmentation", [3, [1.0, 2.0], "strong"])
def test_an_augmentation_that_is_no_mapping_is_refused(augmentation: object):
    with pytest.raises(ConfigError):
        recipe_from_dict({**baseline(), "augmentation": augmentation})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("dropout", 1.5),
        ("junk", -0.1),
        ("noise", 1.5),
        ("noise", 0.1),
        ("spoiled", float("nan")),
        ("batch_size", 0),
        ("steps_per_call", 0),
        ("taught_copies", -1),
        ("taught_share", 0.5),
        ("teacher", "ensemble"),
        ("epochs", 0),
        ("network", ""),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_by_name(name: str, value: object):
    with pytest.raises(ConfigError, match=name):
        recipe_from_dict({**baseline(), name: value})


@pytest.mark.parametrize(
    ("sure", "num_members"), [(0.9, 0), (0.9, 1), (0.0, 2), (1.1, 2), (float("nan"), 2), (0.0, 3)]
)
def test_a_cascade_is_of_two_or_more_members_and_a_probability(sure: float, num_members: int):
    with pytest.raises(
        ConfigError, match=f"expected two or more members .* received {num_members} and"
    ):
        Recipe("own", "", "classic", 1, members=(recipe_named("quick"),) * num_members, sure=sure)


def test_members_of_members_are_refused():
    with pytest.raises(ConfigError, match="members of one network each, received 'own'"):
        Recipe("own", "", members=(recipe_named("ensemble"), recipe_named("quick")))


def test_members_that_differ_in_their_outputs_are_refused():
    with pytest.raises(ConfigError, match="as many outputs each, received 'own'"):
        Recipe("own", "", members=(recipe_named("quick"), recipe_named("swift")))


def test_outputs_and_networks_are_those_of_the_members():
    cascade, quick = recipe_named("cascade"), recipe_named("quick")
    assert (cascade.num_outputs, quick.num_outputs) == (11, 10)
    assert [each.name for each in cascade.networks] == ["swift", "distilled"]
    assert quick.networks == (quick,)


def test_a_recipe_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe_named("baseline").epochs = 1
