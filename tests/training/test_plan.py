import pytest
from typer.testing import CliRunner

from inkread.cli.app import app
from inkread.errors import ConfigError
from inkread.training import mnist
from inkread.training.plan import Plan, expand_seeds, parse_seeds, resolve_recipe


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0-9", tuple(range(10))), ("0,3,5", (0, 3, 5)), ("7", (7,)), ("0-2, 5", (0, 1, 2, 5))],
)
def test_seeds_are_parsed(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "a", "3-1", "-1", "1,", "1,1", "0-3,2", "4294967296", "0-5000", "0-600,700-1300"]
)
def test_what_is_no_seeds_is_refused(text):
    with pytest.raises(ConfigError, match="--seeds"):
        parse_seeds(text)


def test_each_seed_has_its_folder(tmp_path):
    plan = Plan("quick", tmp_path)
    plans = expand_seeds(plan, (3, 5))
    assert [(each.seed, each.folder.name) for each in plans] == [(3, "quick-3"), (5, "quick-5")]
    (tmp_path / "quick-5").mkdir()
    (tmp_path / "quick-5" / "recipe.json").write_text("{}")
    with pytest.raises(ConfigError, match="quick-5 holds a run already"):
        expand_seeds(plan, (3, 5))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"recipe": "nope"}, "nope"),
        ({"recipe": "quick", "start": "run"}, "no --start"),
        ({"recipe": "line", "teacher": "model"}, "no --teacher"),
        ({"recipe": "ensemble", "epochs": 2}, "no --epochs"),
        ({"recipe": "cascade", "pens": "folder"}, "no --pens for recipe 'cascade'"),
        ({"recipe": "line", "pens": "folder"}, "no --pens for recipe 'line'"),
        ({"recipe": "cascade-hands", "epochs": 2}, "no --epochs"),
    ],
)
def test_a_plan_that_can_not_be_is_refused(options, said, tmp_path):
    with pytest.raises(ConfigError, match=said):
        resolve_recipe(Plan(**{"folder": tmp_path, **options}))


@pytest.mark.parametrize("name", ["swift-hands", "distilled-hands", "cascade-hands", "line-hands"])
def test_recipes_with_hands_take_a_folder_of_them(name, tmp_path):
    assert resolve_recipe(Plan(name, tmp_path, pens=tmp_path)).name == name


def test_seeds_are_trained_and_finished_ones_skipped(tmp_path, monkeypatch, small_mnist):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mnist, "load", lambda *_, **__: small_mnist)
    words = ["train", "--recipe", "quick"]
    done = CliRunner().invoke(app, [*words, "--seeds", "1"])
    assert done.exit_code == 0, done.output
    model = tmp_path / "runs" / "quick-1" / "model.onnx"
    before = model.stat().st_mtime_ns
    assert CliRunner().invoke(app, [*words, "--seeds", "0,1"]).exit_code == 1
    done = CliRunner().invoke(app, [*words, "--seeds", "0,1", "--resume"])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "runs" / "quick-0" / "model.onnx").exists()
    assert model.stat().st_mtime_ns == before
    both = CliRunner().invoke(app, [*words, "--seed", "1", "--seeds", "0"])
    assert both.exit_code == 2
