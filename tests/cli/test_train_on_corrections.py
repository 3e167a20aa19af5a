import cv2
import pytest
from command_line import run

from inkread.corrections.correction import Correction
from inkread.corrections.store import Store
from inkread.models.registry import Registry
from inkread.models.runtime import LineModel, list_shipped_models
from inkread.training import finetune as finetuning
from inkread.training import finetune_line, mnist, train_line
from inkread.training.batches.line_batches import pool

SHIPPED = list_shipped_models()["default"]


@pytest.fixture
def small_data(monkeypatch, small_mnist):
    monkeypatch.setattr(mnist, "load", lambda *_, **__: small_mnist)
    monkeypatch.setattr(finetuning, "NUM_EPOCHS", 1)
    monkeypatch.setattr(finetuning, "NUM_REPLAYED_PER_EPOCH", 96)
    return small_mnist


@pytest.fixture
def database(tmp_path, small_mnist):
    """Corrections that say what MNIST's labels say, and one that nobody can learn from."""
    url = f"sqlite:///{tmp_path / 'corrections.db'}"
    store = Store(url)
    labels = small_mnist.test.labels[:40].tolist()
    for image, label in zip(small_mnist.test.images, [*labels, 42], strict=False):
        store.add(
            Correction(
                glyph=image.tobytes(),
                read="5",
                confidence=0.5,
                model="any",
                model_sha256="0" * 64,
                label=str(label),
            )
        )
    store.close()
    return url


def test_a_model_learns_is_promoted_listed_and_rolled_back(
    small_data, database, tmp_path, monkeypatch
):
    monkeypatch.setattr(finetuning, "INTERPOLATION", 0.0)  # the old model: neither better nor worse
    folder = tmp_path / "models"
    learn = ("train", "--corrections", database, "--models", folder, "--from")
    first = run(*learn, "default", "--out", tmp_path / "run")
    assert first.exit_code == 0, first.stderr
    assert "learned from 30 corrections; 10 held out, 1 can't be learned from" in first.stdout
    assert "MNIST's validation images: " in first.stdout
    assert "corrections held out: 100.00% read right before, 100.00% after" in first.stdout
    promoted = Registry(folder).find_current()
    assert promoted.name == "glyph-cascade-0001.onnx"
    assert f"promoted: {promoted}" in first.stdout.replace("\n", "")

    second = run(*learn, "current", "--out", tmp_path / "again")
    assert second.exit_code == 0, second.stderr
    assert Registry(folder).find_current().name == "glyph-cascade-0002.onnx"

    listed = run("models", "--models", folder)
    assert listed.exit_code == 0
    for part in ("default", "glyph-cascade-0001", "glyph-cascade-0002", "in use"):
        assert part in " ".join(listed.stdout.split())
    back = run("models", "rollback", "--models", folder)
    assert "glyph-cascade-0001.onnx" in back.stdout.replace("\n", "")
    assert "no promoted model" in run("models", "rollback", "--models", folder).stdout
    none_left = run("models", "rollback", "--models", folder)
    assert none_left.exit_code == 1
    assert "expected a promoted model to go back from" in none_left.stderr


def test_a_model_that_got_worse_is_not_promoted(small_data, database, tmp_path, monkeypatch):
    monkeypatch.setattr(finetuning, "LEARNING_RATE", 2.0)  # so large that all gets worse
    folder = tmp_path / "models"
    result = run("train", "--from", SHIPPED, "--corrections", database, "--models", folder,
                 "--out", tmp_path / "run")  # fmt: skip
    assert result.exit_code == 1
    told = " ".join(result.stderr.split())
    assert "is not promoted, because it got worse" in told
    assert "corrections held out: 100.00% read right before" in told
    assert not folder.exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--from", "default"),
        ("--corrections", "a.db"),
        ("--from", "default", "--corrections", "a.db", "--epochs", 2),
        ("--from", "default", "--corrections", "a.db", "--resume"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options):
    result = run("train", *options)
    assert result.exit_code == 2
    assert "go" in result.stderr


def test_a_database_that_cannot_be_used_is_named(small_data, tmp_path):
    (tmp_path / "text.db").write_text("no database " * 100)
    result = run("train", "--from", "default", "--corrections", tmp_path / "text.db")
    assert result.exit_code == 1
    assert "the file is no SQLite database" in " ".join(result.stderr.split())


def test_a_number_model_learns_from_numbers_alone(small_data, tmp_path, monkeypatch):
    monkeypatch.setattr(train_line, "_NUM_VALIDATION_STRIPS", 16)
    for name, value in (("NUM_POOLS", 1), ("POOL_SIZE", 128), ("INTERPOLATION", 0.0)):
        monkeypatch.setattr(finetune_line, name, value)
    url, folder = f"sqlite:///{tmp_path / 'corrections.db'}", tmp_path / "models"
    store = Store(url)
    for strip in pool(small_data.test, 12, 1, 0).strips:
        encoded = bytes(cv2.imencode(".png", strip)[1])
        store.add(Correction(bytes(784), "5", 0.5, "line", "0" * 64, "11", strip=encoded))
    store.close()
    result = run("train", "--from", "default", "--corrections", url, "--models", folder,
                 "--out", tmp_path / "run")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "not learned: expected at least 8 different corrections" in " ".join(
        result.stderr.split()
    )
    assert "learned from 9 corrected numbers; 3 held out" in " ".join(result.stdout.split())
    assert Registry(folder).find_current(LineModel).name == "line-0001.line.onnx"
    assert Registry(folder).find_current() is None
