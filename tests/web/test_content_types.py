"""What a body is, is told by its bytes; and what the docs show is what the service does."""

import json
import shlex
import subprocess
from pathlib import Path

import httpx
import numpy as np
import pytest
from form_sample import SAMPLE
from http_checks import METER, assert_problem
from PIL import Image

from inkread.forms.template import load
from inkread.training.synthesis import filled_forms

SERVICE_PAGE = Path(__file__).parents[2] / "docs" / "service.md"
CURL = {"Content-Type": "application/x-www-form-urlencoded"}


def curl_lines():
    lines = SERVICE_PAGE.read_text().splitlines()
    return [line.removeprefix("$ ") for line in lines if line.startswith("$ curl")]


@pytest.fixture(scope="module")
def client(served):
    with httpx.Client(base_url=served.url, timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The files that the docs speak of."""
    found = tmp_path_factory.mktemp("docs")
    with Image.open(METER) as picture:
        picture.convert("RGB").save(found / "meter.jpg")
    page = filled_forms.render_blank_page(load(SAMPLE))
    Image.fromarray(page).save(found / "scan.jpg")
    (found / "meter-reading.yaml").write_text(SAMPLE.read_text())
    return found


@pytest.mark.parametrize("line", curl_lines())
def test_every_curl_line_of_the_docs_is_answered(served, folder, line):
    command = shlex.split(line.replace("http://127.0.0.1:8000", served.url))
    done = subprocess.run([*command, "--silent"], cwd=folder, stdout=subprocess.PIPE, check=True)
    answer = json.loads(done.stdout)
    assert "status" not in answer, answer
    assert "numbers" in answer or "fields" in answer


def test_there_are_curl_lines_in_the_docs():
    assert len(curl_lines()) >= 3


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF", "PPM", "PDF"])
def test_a_picture_is_known_by_its_bytes(client, tmp_path, kind):
    path = tmp_path / "a"
    with Image.open(METER) as picture:
        picture.convert("RGB").save(path, kind)
    response = client.post("/v1/read", content=path.read_bytes(), headers=CURL)
    assert response.status_code == 200, response.text


def test_glyphs_and_templates_are_known_by_their_bytes(client, small_mnist):
    glyphs = small_mnist.test.images[:2]
    expected = client.post("/v1/classify", json={"glyphs": glyphs.tolist()}).json()
    for body in (glyphs.tobytes(), json.dumps({"glyphs": glyphs.tolist()}, indent=1)):
        answer = client.post("/v1/classify", content=body, headers=CURL)
        assert answer.json() == expected
    template = client.post("/v1/forms/template", content=SAMPLE.read_bytes(), headers=CURL)
    assert template.status_code == 200, template.text


def test_a_body_that_is_nothing_that_is_expected_is_told_so(client):
    for route in ("/v1/read", "/v1/classify"):
        assert_problem(client.post(route, content=b"a=b", headers=CURL), 415, "media-type")


@pytest.mark.parametrize(
    "item",
    ['""', "[]", "{}", "[[]]", '"' + "x" * 40 + '"', "1e3", "null"],
    ids=lambda text: text[:9],
)
def test_json_that_is_no_glyphs_takes_little_memory(served, client, item):
    client.post("/v1/classify", json={"glyphs": np.zeros((1, 28, 28), int).tolist()})
    before = served.peak_bytes
    body = '{"glyphs": [' + ",".join([item] * (15_000_000 // (len(item) + 1))) + "]}"
    response = client.post(
        "/v1/classify", content=body, headers={"Content-Type": "application/json"}
    )
    assert response.status_code in (413, 422), response.text
    assert served.peak_bytes - before < 150_000_000


def test_more_glyphs_than_allowed_are_counted_and_not_parsed(client):
    glyph = np.zeros((28, 28), int).tolist()
    problem = assert_problem(
        client.post("/v1/classify", json={"glyphs": [glyph] * 1025}), 413, "too-large"
    )
    assert "received 1,025" in problem["detail"]


@pytest.mark.parametrize("number", ["1 2", "012", "1.0", "-1", "1,", "٣"])
def test_numbers_that_are_no_grey_values_are_refused(client, number):
    rows = "[" + ",".join(["0"] * 27 + [number]) + "]"
    body = '{"glyphs": [[' + ",".join([rows] * 28) + "]]}"
    response = client.post(
        "/v1/classify", content=body.encode(), headers={"Content-Type": "application/json"}
    )
    assert_problem(response, 422, "glyphs")
