"""Every `inkread` command that the docs show runs, page by page, in a folder with what it names."""

import re
import shlex
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import CHALK, METER, SAMPLES, run
from form_sample import SAMPLE
from PIL import Image

from inkread.forms.template import load
from inkread.models.registry import Registry
from inkread.models.runtime import list_shipped_models
from inkread.training import mnist
from inkread.training.synthesis import filled_forms

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^( *)```console[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
FORM_ID = "9baa060b6a3e4a0b-1"  # the docs' own; a table's are those of its scans

# What isn't run here, and why.
NOT_RUN = {
    r"inkread serve\b": "it serves until it is stopped: tests/web runs it",
    r"inkread form review\b": "it serves until it is stopped: tests/web runs it",
    r"inkread demo\b": "it trains for a minute: tests/cli/test_demo.py runs it on less data",
    r"inkread train\b": "it trains for minutes to hours: tests/training run it on less data",
    r".*--engine ray\b": "it starts Ray, or needs a cluster: tests/scale run it",
    r"inkread data fetch\b": "it needs the network: tests/training/test_mnist_fetch.py runs it",
    r"inkread data import\b": "it needs others' files: tests/training/handwriting run it",
    r"inkread data show .*--window": "it needs a display",
    r"inkread threshold\b": "it needs all validation images: tests/cli run it",
    r"inkread form new photo\.jpg": "it needs a photo of a sheet: tests/forms run it",
}


def shown(page):
    """The `inkread` commands of a page in their order, as words, without Docker's."""
    for _, block in FENCE.findall((ROOT / page).read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            if line.startswith("$ "):
                words = shlex.split(line.removeprefix("$ "), comments=True)
                if "inkread" in words and words[0] != "docker":
                    yield words[words.index("inkread") :]


def reason_not_to_run(words):
    line = " ".join(words)
    return next((why for what, why in NOT_RUN.items() if re.match(what, line)), None)


PAGES = sorted(
    str(page.relative_to(ROOT))
    for page in [ROOT / "README.md", *ROOT.glob("docs/**/*.md")]
    if any(not reason_not_to_run(words) for words in shown(page.relative_to(ROOT)))
)


@pytest.fixture
def folder(tmp_path, monkeypatch, small_mnist, small_run):
    """The files that the docs speak of."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(mnist, "load", lambda *_, **__: small_mnist)
    monkeypatch.setenv("INKREAD_MODELS", str(tmp_path / "models"))
    for name in ("scans", "cards", "lab", "sheets"):
        (tmp_path / name).mkdir()
        shutil.copy(METER, tmp_path / name / "1.png")
    shutil.copy(CHALK, tmp_path / "scans")
    with Image.open(METER) as opened:
        meter = opened.convert("RGB")
    for name in ("meter.jpg", "photo.jpg", "sheet.jpg", "sudoku.jpg", "form.png", "book.pdf"):
        meter.save(name)
    meter.save("fax.tif", save_all=True, append_images=[meter])
    digit = Image.fromarray(255 - np.pad(small_mnist.test.images[0], 12)).resize((104, 104))
    for name in ("four.png", "cell.png"):
        digit.save(name)
    blank = Image.fromarray(filled_forms.render_blank_page(load(SAMPLE)))
    blank.save("blank.png")
    blank.save("blank.pdf")
    shutil.copy(SAMPLE, "meter-reading.yaml")
    shutil.copytree(small_run.directory, "runs/quick-0")
    shutil.copytree(small_run.directory, "runs/standard-0")
    shutil.copy(list_shipped_models("line")["default"], "line.onnx")
    Registry(tmp_path / "models").promote(small_run.model_file, "quick")
    Path("src/inkread/forms").mkdir(parents=True)
    Path("src/inkread/samples").symlink_to(SAMPLES)
    Path("src/inkread/forms/samples").symlink_to(SAMPLE.parent)
    return tmp_path


def prepare(words):
    """Make what an earlier command, on another page or not run here, would have left."""
    if words[1:3] == ["form", "read"] and Path("scans/1.png").exists():
        shutil.rmtree("scans")  # from here on, of forms
        Path("scans").mkdir()
        shutil.copy("blank.png", "scans/form.png")
    if "--out" in words and "--resume" not in words and words[1:2] == ["read"]:
        Path(words[words.index("--out") + 1]).unlink(missing_ok=True)
    if words[1:3] == ["form", "new"] and "--page" in words:
        words[words.index("--page") + 1] = "a5"  # as the form that ships is
    return [find_form() if word == FORM_ID else word for word in words]


def find_form():
    """The id of the form in the table."""
    return Path("table.csv").read_text().splitlines()[1].partition(",")[0]


def expand(words):
    """Expand patterns that no quotes protect, as a shell does; in the docs, `scans/*.png` alone."""
    for word in words:
        yield from map(str, sorted(Path().glob(word))) if re.search(r"/\*\.\w+$", word) else [word]


@pytest.mark.parametrize("page", PAGES)
def test_every_command_shown_runs(folder, page):
    for words in shown(page):
        if not reason_not_to_run(words):
            told = words[: words.index(">")] if ">" in words else words
            piped = (folder / "meter.jpg").read_bytes() if "-" in words else None
            result = run(*expand(prepare(told)[1:]), stdin=piped)
            assert result.exit_code == 0, (shlex.join(words), result.stderr)


def test_what_is_not_run_is_shown():
    lines = [" ".join(words) for page in ROOT.glob("docs/**/*.md") for words in shown(page)]
    for what in NOT_RUN:
        assert any(re.match(what, line) for line in lines), what
