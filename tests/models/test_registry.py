import subprocess
import sys

import pytest

from inkread.errors import ConfigError, ModelError
from inkread.models.registry import Registry, get_default_folder
from inkread.models.runtime import list_shipped_models

SHIPPED = list_shipped_models()["default"]


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "models")


def test_nothing_is_promoted_at_first(registry):
    assert registry.find_current() is None
    assert registry.list_versions() == []
    assert registry.get_stamp() is None
    with pytest.raises(ConfigError, match="expected a promoted model to go back from"):
        registry.roll_back()


def test_what_is_promoted_is_in_use(registry):
    first = registry.promote(SHIPPED, "glyph")
    assert (first.number, first.path.name) == (1, "glyph-0001.onnx")
    assert registry.find_current() == first.path
    assert first.path.read_bytes() == SHIPPED.read_bytes()
    second = registry.promote(first.path, "glyph-0001")
    assert second.path.name == "glyph-0002.onnx"
    assert registry.find_current() == second.path
    assert [(each.number, each.is_current) for each in registry.list_versions()] == [
        (1, False),
        (2, True),
    ]


def test_every_promotion_can_be_rolled_back(registry):
    first, second = (registry.promote(SHIPPED, "glyph").path for _ in range(2))
    assert registry.roll_back() == first
    third = registry.promote(SHIPPED, "glyph").path
    assert third.name == "glyph-0003.onnx"  # a number is not used again
    assert second.exists()
    assert registry.roll_back() == first
    assert registry.roll_back() is None
    assert registry.find_current() is None
    assert [each.is_current for each in registry.list_versions()] == [False] * 3


def test_the_stamp_changes_with_every_change(registry):
    stamps = [registry.get_stamp()]
    for change in (lambda: registry.promote(SHIPPED, "glyph"), registry.roll_back):
        change()
        stamps.append(registry.get_stamp())
        assert registry.get_stamp() == stamps[-1]
    assert len(set(stamps)) == 3


def test_a_broken_model_file_is_not_promoted(registry, tmp_path):
    current = registry.promote(SHIPPED, "glyph").path
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(SHIPPED.read_bytes()[:1000])
    with pytest.raises(ModelError, match="not a readable ONNX file"):
        registry.promote(broken, "glyph")
    assert registry.find_current() == current
    assert len(registry.list_versions()) == 1


@pytest.mark.parametrize("name", ["", "../glyph", "a/b"])
def test_a_name_that_is_a_path_is_refused(registry, name):
    with pytest.raises(ConfigError, match="expected a name for a file"):
        registry.promote(SHIPPED, name)


@pytest.mark.parametrize("text", ["../glyph-0001.onnx\n", "glyph\n", "\xff"])
def test_a_broken_list_of_promoted_models_is_an_error(registry, text):
    registry.promote(SHIPPED, "glyph")
    (registry.folder / "current").write_bytes(text.encode("latin-1"))
    with pytest.raises(ModelError, match="expected the names of promoted models"):
        registry.find_current()


def test_a_missing_model_is_an_error_and_is_not_rolled_back_to(registry):
    first, second = (registry.promote(SHIPPED, "glyph").path for _ in range(2))
    first.unlink()
    with pytest.raises(ModelError, match="expected a model to go back to"):
        registry.roll_back()
    assert registry.find_current() == second
    second.unlink()
    with pytest.raises(ModelError, match="expected the model in use"):
        registry.find_current()


def test_the_environment_chooses_the_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("INKREAD_MODELS", str(tmp_path))
    assert get_default_folder() == tmp_path
    monkeypatch.delenv("INKREAD_MODELS")
    assert get_default_folder().name == "models"


def test_promotions_at_once_each_get_a_number_of_their_own(registry):
    program = (
        "import sys; from pathlib import Path; from inkread.models.registry import Registry\n"
        "print(Registry(sys.argv[1]).promote(Path(sys.argv[2]), 'm').path.name)"
    )
    command = [sys.executable, "-c", program, str(registry.folder), str(SHIPPED)]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    names = {process.communicate()[0].strip() for process in started}
    assert names == {f"m-000{number}.onnx" for number in (1, 2, 3, 4)}
    assert {each.path.name for each in registry.list_versions()} == names
    for _ in range(3):
        assert registry.roll_back() is not None
    assert registry.roll_back() is None
