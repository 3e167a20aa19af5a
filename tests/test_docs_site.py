"""The documentation site: built strictly, whole, and without anything from elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import inkread

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    command = ["-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_page_of_docs_has_a_place(site):
    written = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}
    menu = (site / "index.html").read_text()
    for page in written:
        assert f'href="{page.with_suffix(".html").as_posix()}"' in menu
    assert 'href="tutorial.html"' in menu


def test_the_public_names_are_in_the_reference(site):
    shown = (site / "reference" / "python.html").read_text()
    names = [name for name in inkread.__all__ if not name.startswith("_")]
    missing = [name for name in names if not re.search(rf'id="inkread[\w.]*\.{name}"', shown)]
    assert missing == []


def test_every_request_is_in_the_reference(site):
    shown = (site / "reference" / "http.html").read_text()
    for request in ("POST /v1/read", "POST /v1/picture", "GET /v1/about", "POST /v1/forms/read"):
        assert f"<code>{request}</code>" in shown


def test_nothing_is_loaded_from_elsewhere(site):
    loads = re.compile(r"""<(?:script|link|img|iframe)[^>]*?(?:src|href)=["']?(https?:)?//""")
    for page in site.rglob("*.html"):
        assert not loads.search(page.read_text()), page
