import asyncio
import io
import json
import subprocess
import sys
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
import yaml
from form_sample import SAMPLE, TEXTS, values_of
from http_checks import METER, assert_problem, validate
from PIL import Image

from inkread.forms.template import load, parse
from inkread.training.synthesis import filled_forms
from inkread.web.application import create_app
from inkread.web.settings import Settings

YAML = {"Content-Type": "application/yaml"}


@pytest.fixture(scope="module")
def client(served):
    with httpx.Client(base_url=f"{served.url}/v1/forms", timeout=120) as client:
        yield client


@pytest.fixture(scope="module")
def sample():
    return load(SAMPLE)


@pytest.fixture(scope="module")
def blank(sample):
    return filled_forms.render_blank_page(sample)


@pytest.fixture(scope="module")
def scan(sample, blank, full_mnist):
    rng = np.random.default_rng(0)
    page = filled_forms.write_texts(sample, blank, TEXTS, full_mnist.validation, rng)
    return filled_forms.scan_page(sample, page, rng)


def png(pixels):
    return bytes(cv2.imencode(".png", pixels)[1])


def by_print(picture="blank.png"):
    """The sample as a form that is found by its print."""
    return yaml.safe_dump({**values_of(), "align": {"picture": picture}}, default_flow_style=None)


def read(client, scan, template, **more):
    files = {"scan": scan, "template": template.encode(), **more}
    return client.post("/read", files=files)


def test_values_become_yaml_and_yaml_becomes_values(client, sample):
    values = json.loads(json.dumps(values_of(), default=str))
    made = client.post("/template", json=values)
    assert made.status_code == 200, made.text
    assert parse(made.json()["yaml"]) == sample.model_copy(update={"folder": Path()})
    back = client.post("/template", content=made.json()["yaml"], headers=YAML).json()
    assert back["yaml"] == made.json()["yaml"]
    again = client.post("/template", json=back["template"]).json()
    assert parse(again["yaml"]) == parse(made.json()["yaml"])


BAD = {
    "not YAML": ("form: [", "line 1"),
    "no mapping": ("- 1\n", "expected keys and values"),
    "an unknown key": ("form: x\nfeilds: []\n", "line 2, 'feilds': unknown key"),
    "a folder": ("form: x\nfolder: /etc\nfields: []\n", "line 2: 'folder': unknown key"),
    "an alias": ("form: &a x\ntitle: *a\n", "alias"),
    "half a pair": ('form: "\\ud800"\n', "form"),
    "overlapping boxes": (
        """form: x
fields:
  - {name: a, kind: tick, box: [20, 40, 30, 50]}
  - {name: b, kind: tick, box: [25, 40, 35, 50]}
""",
        "line 4, field b (box): overlaps the box of 'a'",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_template_is_refused_with_its_line_and_field(client, case):
    text, expected = BAD[case]
    problem = assert_problem(client.post("/template", content=text, headers=YAML), 422, "template")
    assert expected in problem["detail"]
    assert "yaml" not in case or problem["yaml"] == text


def test_what_is_wrong_with_values_is_said_by_its_place(client):
    values = values_of()
    values["fields"][2] |= {"cells": 0}
    values = json.loads(json.dumps(values, default=str))
    problem = assert_problem(client.post("/template", json=values), 422, "template")
    (fault,) = problem["errors"]
    assert fault["where"][:2] == ["fields", 2]
    line = int(fault["message"].split("line ")[1].split(",")[0])
    assert "cells: 0" in problem["yaml"].splitlines()[line - 1]


def test_a_template_of_another_type_or_too_large_is_refused(client):
    html = client.post("/template", content="x", headers={"Content-Type": "text/html"})
    assert_problem(html, 415, "media-type")
    large = client.post("/template", content="#" * 300_000, headers=YAML)
    assert_problem(large, 413, "too-large")
    json_type = {"Content-Type": "application/json"}
    assert_problem(client.post("/template", content="{", headers=json_type), 422, "template")
    deep = "[" * 90_000
    assert_problem(client.post("/template", content=deep, headers=json_type), 422, "template")
    assert_problem(client.post("/template", content=deep, headers=YAML), 422, "template")


def test_boxes_are_proposed(client, sample, blank):
    found = client.post("/propose?page=a5", content=png(blank)).json()
    assert found["page"] == [148, 210]
    assert [field["cells"] for field in found["fields"]] == [
        field.num_cells for field in sample.fields
    ]
    boxes = np.array([field["box"] for field in found["fields"]])
    assert boxes == pytest.approx(np.array(list(sample.rects.values())), abs=0.4)
    form = client.post("/propose", files={"image": png(blank)}, data={"page": "148x210"}).json()
    assert form["fields"] == found["fields"]


def test_boxes_are_proposed_on_forms_alone(client, blank):
    assert_problem(client.post("/propose?page=a9", content=png(blank)), 422, "invalid")
    assert_problem(client.post("/propose?page=letter", content=png(blank)), 422, "picture")
    assert_problem(client.post("/propose", content=b"no picture"), 422, "picture")
    huge = io.BytesIO()
    Image.new("1", (9000, 9000)).save(huge, "PNG")
    for path in ("/propose", "/picture"):
        assert_problem(client.post(path, content=huge.getvalue()), 413, "too-large")
    assert_problem(read(client, huge.getvalue(), SAMPLE.read_text()), 413, "too-large")


def test_pictures_that_browsers_cannot_show_are_made_so(client):
    tiff = io.BytesIO()
    with Image.open(METER) as picture:
        picture.save(tiff, "TIFF")
    response = client.post("/picture", content=tiff.getvalue())
    assert response.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(response.content)) as shown, Image.open(METER) as picture:
        assert shown.size == picture.size


@pytest.mark.parametrize("way", ["markers", "print"])
def test_a_scan_is_read(client, served, sample, blank, scan, way):
    template = SAMPLE.read_text() if way == "markers" else by_print()
    more = {} if way == "markers" else {"blank": png(blank)}
    response = read(client, scan.data, template, **more)
    assert response.status_code == 200, response.text
    found = response.json()
    document = httpx.get(f"{served.url}/openapi.json").json()
    validate(found, {"$ref": "#/components/schemas/Form"}, document)
    fields = {field["name"]: field for field in found["fields"]}
    assert list(fields) == list(sample.rects)
    assert (fields["previous"]["value"], fields["leak"]["value"]) == ("85", "true")
    assert fields["read_on"]["value"] == "2021-10-03"
    assert found["alignment"]["residual_mm"] < 0.5
    corner = np.array(fields["customer"]["corners"][0])
    place = np.array([[sample.rects["customer"][:2]]], np.float64)
    expected = cv2.perspectiveTransform(place, scan.homography)[0, 0]
    assert np.hypot(*(corner - expected)) < 3


def test_a_path_in_a_template_is_never_opened(client, blank, scan, tmp_path):
    path = tmp_path / "server.png"
    cv2.imwrite(str(path), blank)
    for name in (str(path), "/etc/passwd", "../../../../etc/passwd"):
        assert_problem(read(client, scan.data, by_print(name)), 422, "blank")
    # The picture that comes along counts, whatever the template names.
    assert read(client, scan.data, by_print("/etc/passwd"), blank=png(blank)).status_code == 200
    problem = assert_problem(
        read(client, scan.data, by_print(str(path)), blank=b"no picture"), 422, "picture"
    )
    assert str(path) not in problem["detail"]
    white = read(client, scan.data, by_print(), blank=png(np.full_like(blank, 255)))
    assert "more print" in assert_problem(white, 422, "template")["detail"]


def test_what_is_not_this_form_is_refused_by_name(client, blank):
    template = SAMPLE.read_text()
    for picture, expected in (
        (png(np.full_like(blank, 255)), "blank: expected a form"),
        (png(blank[:400]), "cut off"),
        (METER.read_bytes(), "dpi"),
    ):
        problem = assert_problem(read(client, picture, template), 422, "scan")
        assert expected in problem["detail"]
    other = template.replace("form: meter-reading", "form: another")
    assert "other form" in read(client, png(blank), other).json()["detail"]


def test_parts_that_are_missing_or_too_many_are_refused(client, scan):
    assert_problem(client.post("/read", content=scan.data), 415, "media-type")
    problem = assert_problem(client.post("/read", files={"scan": scan.data}), 422, "invalid")
    assert "expected the part template" in problem["detail"]
    more = client.post("/read", files={"scan": scan.data, "other": b"x"})
    assert "received other" in assert_problem(more, 422, "invalid")["detail"]
    bad = read(client, scan.data, "form: x\n")
    assert "missing key 'fields'" in assert_problem(bad, 422, "template")["detail"]
    unsure = client.post("/read?min_confidence=2", files={"scan": scan.data})
    assert_problem(unsure, 422, "invalid")


def test_without_the_extra_there_are_no_forms(tmp_path):
    app = create_app(Settings(models=tmp_path, forms=False))

    async def ask(*requests):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://ink") as client:
            return [await client.request(*request) for request in requests]

    about, page, *missing = asyncio.run(
        ask(("GET", "/v1/about"), ("GET", "/"), ("GET", "/forms"), ("POST", "/v1/forms/template"))
    )
    app.state.service.close()
    assert about.json()["forms"] is False
    assert page.status_code == 200
    for response in missing:
        assert_problem(response, 404, "")


def test_the_service_starts_without_the_extra():
    code = (
        "import sys\n"
        "for name in ('yaml', 'reportlab', 'pyarrow', 'openpyxl'): sys.modules[name] = None\n"
        "import inkread.web.server\n"
        "from inkread.web.settings import Settings\n"
        "from inkread.web.application import create_app\n"
        "paths = create_app(Settings()).openapi()['paths']\n"
        "assert not [path for path in paths if 'forms' in path]\n"
    )
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
