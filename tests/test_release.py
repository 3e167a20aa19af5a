"""What a release carries: licences, model cards, the changelog, the README of an index."""

import importlib.util
import json
import re
from pathlib import Path

import pytest
import yaml

import inkread
from inkread.models.runtime import LineModel, Model, list_shipped_models
from inkread.training.data_sources import WEIGHTS_LICENCE

ROOT = Path(__file__).parent.parent
SHIPPED = [
    pytest.param(model, path, id=path.stem)
    for model in (Model, LineModel)
    for path in list_shipped_models(model.kind).values()
]
CHANGES = (ROOT / "CHANGELOG.md").read_text()
NOTICE = (ROOT / "NOTICE").read_text()
README = "Read [the guide](docs/guide.md#read), [this](#more) or [that](https://a.example/b).\n"
PICTURES = "![one](docs/1.png) ![two](docs/2.png)\n"

each_model = pytest.mark.parametrize(("model", "path"), SHIPPED)


@pytest.fixture(scope="module")
def readme_for_index():
    """The function of the build's hook, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.readme_for_index


@each_model
def test_a_shipped_model_states_its_licence_and_sources(model, path):
    metadata = model(path).metadata
    assert metadata.licence == WEIGHTS_LICENCE
    assert any(line.startswith("MNIST by Yann LeCun") for line in metadata.attribution)


@each_model
def test_a_shipped_model_has_a_model_card_with_its_licence(model, path):
    card = (ROOT / "docs" / "models" / f"{path.stem}.md").read_text()
    assert f"{WEIGHTS_LICENCE} for the file" in card.split("## Licence")[1]


@each_model
def test_the_notice_names_the_sources_of_a_shipped_model_and_no_others(model, path):
    lines = re.findall(r"^(\w.*): ([\w, -]+)$", NOTICE, re.MULTILINE)
    named = [source for source, models in lines if path.stem in models.split(", ")]
    assert named == list(model(path).metadata.attribution)


def test_changes_stand_under_known_headings():
    headings = re.findall(r"^## (.*)$", CHANGES, re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", each) for each in headings[1:])
    kinds = set(re.findall(r"^### (.*)$", CHANGES, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Fixed", "Removed"}


def test_the_citation_is_of_the_newest_release():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    version, date = re.search(r"^## (\d\S+) - (\S+)$", CHANGES, re.MULTILINE).groups()
    assert (cited["version"], str(cited["date-released"])) == (version, date)
    assert cited["version"] == inkread.__version__


def test_without_an_address_the_readmes_links_become_text_and_its_pictures_go(readme_for_index):
    text = "Read the guide, [this](#more) or [that](https://a.example/b).\n"
    assert readme_for_index(README + PICTURES + "\nEnd\n", None) == text + "\nEnd\n"


def test_with_an_address_the_readmes_links_lead_to_the_repository(readme_for_index):
    address = "https://code.example/inkread"
    expected = README.replace("docs/guide", f"{address}/blob/main/docs/guide")
    expected += PICTURES.replace("docs/", f"{address}/raw/main/docs/")
    assert readme_for_index(README + PICTURES, address) == expected
    assert readme_for_index(README + PICTURES, f"{address}/") == expected


def test_the_real_readme_has_no_relative_link_on_an_index(readme_for_index):
    text = readme_for_index((ROOT / "README.md").read_text(), None)
    assert re.findall(r"\]\((?!\w+:|#)[^)]*\)", text) == []
    assert "\n\n\n" not in text


def test_the_linters_lock_names_no_registry():
    packages = json.loads((ROOT / "tools" / "biome" / "package-lock.json").read_text())["packages"]
    assert not [name for name, about in packages.items() if "resolved" in about]
