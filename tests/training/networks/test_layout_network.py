import numpy as np
import pytest

from inkread.imaging.layout_maps import MAPS
from inkread.models.layout_model import LayoutModel
from inkread.training import train_layout
from inkread.training.history import LayoutEpoch, read_history
from inkread.training.layout_recipes import LayoutRecipe
from inkread.training.networks.layout_network import LayoutLoss, layout

SMALL = LayoutRecipe(
    "layout", "a test", num_pools=2, pool_size=4, passes=1, batch_size=2, side_px=128
)


@pytest.fixture(scope="module")
def run(small_mnist, tmp_path_factory):
    patch = pytest.MonkeyPatch()
    patch.setattr(train_layout, "_NUM_VALIDATION", 4)
    directory = tmp_path_factory.mktemp("runs") / "layout"
    yield train_layout.train_layout(SMALL, small_mnist, directory, seed=3)
    patch.undo()


@pytest.mark.parametrize("shape", [(64, 64), (128, 192)])
def test_the_network_takes_any_size(shape):
    maps = np.asarray(layout()(np.zeros((1, *shape, 2), np.float32)))

    assert maps.shape == (1, shape[0] // 4, shape[1] // 4, len(MAPS))
    assert (maps >= 0).all()
    assert (maps <= 1).all()
    np.testing.assert_allclose(maps[..., -4:].sum(axis=-1), 1, atol=1e-5)


def test_maps_as_they_should_be_cost_nearly_nothing():
    rng = np.random.default_rng(0)
    wanted = np.zeros((2, 16, 16, len(MAPS) + 2), np.float32)
    wanted[..., :8] = rng.integers(0, 2, (2, 16, 16, 8))
    wanted[..., 8] = 1
    wanted[..., -2] = 1
    wanted[..., -1] = wanted[..., 0]

    right = np.asarray(LayoutLoss(reduction=None)(wanted, wanted[..., :-2]))
    wrong = np.asarray(LayoutLoss(reduction=None)(wanted, 1 - wanted[..., :-2]))

    assert (right < 0.01).all()
    assert (wrong > 5).all()


def test_what_is_said_of_cores_costs_nothing_outside_of_them():
    wanted = np.zeros((1, 16, 16, len(MAPS) + 2), np.float32)
    wanted[..., -2] = 1
    found = np.zeros((1, 16, 16, len(MAPS)), np.float32)
    told = found.copy()
    told[..., MAPS.index("handwritten") :] = 0.7

    one, two = (np.asarray(LayoutLoss(reduction=None)(wanted, each)) for each in (found, told))

    np.testing.assert_allclose(one, two)


def test_a_run_leaves_a_model_that_gives_maps_of_any_page(run):
    model = LayoutModel(run.model_file)
    page = np.full((50, 130), 200, np.uint8)

    maps = model.maps(page)

    assert maps.shape == (len(MAPS), 13, 33)
    assert model.metadata.kind == "layout"
    assert model.map_names == MAPS
    assert model.metadata.recipe == SMALL.to_dict()
    assert run.model_file.stat().st_size < 2_000_000


def test_a_run_keeps_its_history(run):
    history = read_history(run.directory / "history.csv", LayoutEpoch)

    assert history == list(run.history)
    assert [row.epoch for row in history] == [1, 2]
    assert not list((run.directory / "pools").iterdir())


def test_a_run_resumes_from_its_last_pool(run, small_mnist, tmp_path, monkeypatch):
    class KilledError(Exception):
        pass

    def killed(step):
        if step.epoch == 2:
            raise KilledError

    monkeypatch.setattr(train_layout, "_NUM_VALIDATION", 4)
    with pytest.raises(KilledError):
        train_layout.train_layout(SMALL, small_mnist, tmp_path / "run", seed=3, on_step=killed)
    resumed = train_layout.train_layout(SMALL, small_mnist, tmp_path / "run", seed=3, resume=True)

    assert resumed.history[0].loss == pytest.approx(run.history[0].loss, rel=1e-4)
    assert resumed.history[1].loss == pytest.approx(run.history[1].loss, rel=1e-3)
