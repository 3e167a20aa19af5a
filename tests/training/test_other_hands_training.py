import dataclasses
import json

import pytest
from pen_folders import write_pen_folder
from short_trainings import COMPACT, DUO

from inkread.errors import DataError
from inkread.models.runtime import Model
from inkread.training.handwriting.archives import FOLDER_VARIABLE
from inkread.training.train import train

MEMBER = dataclasses.replace(COMPACT, epochs=1, junk=0.2, others=0.4)
CASCADE = dataclasses.replace(DUO, members=(MEMBER, MEMBER))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_pen_folder(tmp_path_factory.mktemp("pens"))


@pytest.mark.parametrize("recipe", [MEMBER, CASCADE], ids=["one network", "a cascade"])
def test_a_model_is_measured_on_people_kept_for_validation_too(recipe, folder, tiny, tmp_path):
    run = train(recipe, tiny, tmp_path / "run", pens=folder)
    metadata = Model(run.model_file).metadata
    assert metadata.figures["validation_accuracy"].n == len(tiny.validation)
    assert metadata.figures["other_hands_accuracy"].n == 2500
    assert any("UNIPEN" in each and "CC BY 4.0" in each for each in metadata.attribution)
    metrics = json.loads((run.directory / "metrics.json").read_text())
    assert metrics["other_hands_accuracy"]["n"] == 2500


@pytest.mark.parametrize("recipe", [MEMBER, CASCADE], ids=["one network", "a cascade"])
def test_without_a_folder_nothing_is_begun(recipe, tiny, tmp_path, monkeypatch):
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    with pytest.raises(DataError, match="--pens DIR"):
        train(recipe, tiny, tmp_path / "run")
    assert not (tmp_path / "run").exists()
