import pytest

from inkread.models.runtime import Model
from inkread.training.data_sources import (
    FONTS_OF_LETTERS,
    FOREIGN_CHARACTERS,
    MNIST,
    REAL_PENS,
    SCANS,
    DataSource,
    sources_of,
)
from inkread.training.recipes import recipe_named


def test_an_attribution_names_title_creators_and_licence():
    assert DataSource("Digits", "A and B", "CC0").attribution == "Digits by A and B, CC0"


@pytest.mark.parametrize("name", ["baseline", "quick", "brisk", "standard"])
def test_a_recipe_without_examples_of_no_digit_uses_mnist_alone(name):
    assert sources_of(recipe_named(name)) == (MNIST,)


@pytest.mark.parametrize("name", ["swift", "cascade"])
def test_a_recipe_with_examples_of_no_digit_uses_fonts_too(name):
    assert sources_of(recipe_named(name)) == (MNIST, *FONTS_OF_LETTERS)


@pytest.mark.parametrize("name", ["swift-hands", "distilled-hands", "cascade-hands"])
def test_a_recipe_with_other_peoples_handwriting_names_all_of_it(name):
    sources = sources_of(recipe_named(name))
    assert sources == (MNIST, *REAL_PENS, SCANS, FOREIGN_CHARACTERS, *FONTS_OF_LETTERS)
    assert {each.licence for each in REAL_PENS} == {"CC BY 4.0"}  # which asks to be named


def test_a_trained_model_states_its_licence_and_sources(small_run):
    metadata = Model(small_run.model_file).metadata
    assert metadata.licence == "Apache-2.0"
    assert metadata.attribution == (MNIST.attribution,)
