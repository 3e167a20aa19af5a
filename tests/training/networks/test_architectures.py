import dataclasses

import keras
import numpy as np
import pytest
from scipy import ndimage

from inkread.errors import ConfigError
from inkread.training.networks.architectures import (
    NETWORKS,
    average_shifted_views,
    branch_cascade,
    build,
    build_inference_network,
    join_members,
)
from inkread.training.recipes import Recipe


def layers_of(network):
    return [type(layer).__name__ for layer in network.layers]


def test_classic_is_the_textbook_sequence_of_layers():
    network = build("classic", dropout=0.5)
    assert layers_of(network) == [
        "InputLayer", "Conv2D", "MaxPooling2D", "Conv2D", "MaxPooling2D",
        "Flatten", "Dropout", "Dense",
    ]  # fmt: skip
    _, first, _, second, _, _, dropout, dense = network.layers
    for convolution in (first, second):
        assert convolution.activation is keras.activations.relu
        assert convolution.kernel_size == (3, 3)
    assert (first.filters, second.filters) == (32, 64)
    assert dropout.rate == 0.5
    assert dense.activation is keras.activations.softmax


def test_classic_has_as_many_parameters_as_the_keras_example():
    first = 3 * 3 * 1 * 32 + 32
    second = 3 * 3 * 32 * 64 + 64
    dense = 5 * 5 * 64 * 10 + 10
    assert build("classic", dropout=0.5).count_params() == first + second + dense == 34_826


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("compact", 53_450),
        ("tiny", 9_970),
        ("medium", 92_554),
        ("deep", 327_690),
        ("broad", 470_922),
    ],
)
def test_a_network_has_as_many_parameters_as_its_docstring_says(name, count):
    assert build(name).count_params() == count


def test_an_output_for_no_digit_is_one_more():
    assert build("medium", num_outputs=11).output_shape == (None, 11)


def test_averaged_networks_answer_with_their_mean(rng):
    networks = [build("classic"), build("compact")]
    glyphs = rng.random((3, 28, 28, 1)).astype(np.float32)
    expected = np.mean([np.asarray(network(glyphs)) for network in networks], axis=0)
    recipe = Recipe("two", "", members=(Recipe("one", "", "classic", 1),) * 2)
    np.testing.assert_allclose(
        np.asarray(join_members(networks, recipe)(glyphs)), expected, atol=1e-6
    )


@pytest.fixture(scope="module")
def duo():
    """Two networks and their recipe; glyphs, which the first is unsure of, what they must say."""
    # Without dropout, which in training makes other glyphs sure than the fixture says.
    networks = [build("classic", dropout=0.0), build("compact", dropout=0.0)]
    glyphs = np.random.default_rng(5).random((64, 28, 28, 1)).astype(np.float32)
    first, second = (np.asarray(network(glyphs)) for network in networks)
    sure = float(np.sort(first.max(axis=1))[31:33].mean())  # half of them are below it
    recipe = Recipe("duo", "", members=(Recipe("one", "", "classic", 1),) * 2, sure=sure)
    is_unsure = first.max(axis=1) < sure
    assert is_unsure.sum() == 32
    return networks, recipe, glyphs, is_unsure, np.where(is_unsure[:, None], second, first)


@pytest.mark.parametrize("which", ["all", "sure", "unsure", "one sure", "one unsure"])
def test_in_a_cascade_the_second_answers_where_the_first_is_not_sure(which, duo):
    networks, recipe, glyphs, is_unsure, expected = duo
    chosen = {
        "all": np.arange(64),
        "sure": np.flatnonzero(~is_unsure),
        "unsure": np.flatnonzero(is_unsure),
        "one sure": np.flatnonzero(~is_unsure)[:1],
        "one unsure": np.flatnonzero(is_unsure)[:1],
    }[which]
    answers = np.asarray(join_members(networks, recipe)(glyphs[chosen]))
    np.testing.assert_allclose(answers, expected[chosen], atol=1e-6)


def test_a_branched_cascade_answers_the_same(duo):
    networks, recipe, glyphs, _, expected = duo
    network = branch_cascade(join_members(networks, recipe), recipe.sure)
    np.testing.assert_allclose(np.asarray(network(glyphs)), expected, atol=1e-6)


@pytest.mark.parametrize("branched", [False, True])
def test_in_a_cascade_of_three_the_mean_of_two_answers_where_the_first_is_not_sure(branched, duo):
    networks, recipe, glyphs, is_unsure, expected = duo
    third = build("tiny", dropout=0.0)
    one, other = recipe.members
    trio = dataclasses.replace(recipe, members=(one, other, other))
    network = join_members([*networks, third], trio)
    network = branch_cascade(network, trio.sure) if branched else network
    means = (np.asarray(networks[1](glyphs)) + np.asarray(third(glyphs))) / 2
    wanted = np.where(is_unsure[:, None], means, expected)
    np.testing.assert_allclose(np.asarray(network(glyphs)), wanted, atol=1e-6)


def test_each_member_answers_from_its_own_views(duo):
    networks, recipe, glyphs, is_unsure, expected = duo
    one, other = recipe.members
    recipe = dataclasses.replace(recipe, members=(one, dataclasses.replace(other, shifted=True)))
    answers = np.asarray(build_inference_network(join_members(networks, recipe), recipe)(glyphs))
    np.testing.assert_allclose(answers[~is_unsure], expected[~is_unsure], atol=1e-6)
    views = np.asarray(average_shifted_views(networks[1])(glyphs))
    np.testing.assert_allclose(answers[is_unsure], views[is_unsure], atol=1e-6)


def test_each_network_of_a_cascade_learns_from_the_glyphs_that_it_answers_for(duo):
    networks, recipe, glyphs, is_unsure, _ = duo
    whole = join_members([keras.models.clone_model(network) for network in networks], recipe)
    parts = [whole.get_layer(name) for name in ("member_0", "member_1")]
    whole.compile(keras.optimizers.SGD(0.1), keras.losses.CategoricalCrossentropy())
    targets = np.eye(10, dtype=np.float32)[np.arange(64) % 10]
    for chosen, has_learned in ((~is_unsure, [True, False]), (is_unsure, [False, True])):
        for part, network in zip(parts, networks, strict=True):
            part.set_weights(network.get_weights())  # else the first may be sure of other glyphs
        whole.train_on_batch(glyphs[chosen], targets[chosen])
        kernels = [each.weights[0].numpy() for each in (*parts, *networks)]
        moved = [not np.array_equal(kernels[index], kernels[index + 2]) for index in range(2)]
        assert moved == has_learned


def test_shifted_is_the_mean_over_half_a_pixel_up_and_left_and_down_and_right(rng):
    network = build("classic")
    glyphs = np.zeros((3, 28, 28), np.float32)
    glyphs[:, 2:-2, 2:-2] = rng.random((3, 24, 24))
    moved = [ndimage.shift(glyphs, (0, by, by), order=1) for by in (-0.5, 0, 0.5)]
    expected = np.mean([np.asarray(network(view[..., None])) for view in moved], axis=0)
    answers = np.asarray(average_shifted_views(network)(glyphs[..., None]))
    np.testing.assert_allclose(answers, expected, atol=1e-6)


def test_shifted_shares_the_weights():
    network = build("classic")
    assert average_shifted_views(network).count_params() == network.count_params()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("count", [1, 5])
def test_every_network_maps_glyphs_to_probabilities(name, count, rng):
    network = build(name)
    assert network.input_shape == (None, 28, 28, 1)
    answers = np.asarray(network(rng.random((count, 28, 28, 1)).astype(np.float32)))
    assert answers.shape == (count, 10)
    assert (answers >= 0).all()
    np.testing.assert_allclose(answers.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_dropout_is_there_only_where_it_is_asked_for(name):
    assert "Dropout" not in layers_of(build(name))
    assert layers_of(build(name, dropout=0.3)).count("Dropout") == 1


def test_an_unknown_network_is_refused_by_name():
    with pytest.raises(ConfigError, match=r"classic.*'resnet'"):
        build("resnet")
