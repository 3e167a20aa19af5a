"""Pages of files as pictures, and the sample pictures, of the real service."""

import io

import httpx
import numpy as np
import pytest
from http_checks import METER, SAMPLES, assert_problem
from PIL import Image


@pytest.fixture(scope="module")
def client(served):
    with httpx.Client(base_url=served.url, timeout=120) as client:
        yield client


def several(form):
    """A file of three pages: 40, 50 and 60 pixels wide."""
    pages = [Image.new("RGB", (width, 30), (width, 0, 0)) for width in (40, 50, 60)]
    file = io.BytesIO()
    pages[0].save(file, form, save_all=True, append_images=pages[1:], resolution=200)
    return file.getvalue()


def pixels_of(answer):
    assert answer.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(answer.content)) as shown:
        return np.asarray(shown.convert("RGB"))


@pytest.mark.parametrize("form", ["TIFF", "PDF"])
def test_each_page_of_a_file_can_be_had_as_a_picture(client, form):
    data = several(form)
    for page, width in enumerate((40, 50, 60), start=1):
        answer = client.post(f"/v1/picture?page={page}", content=data)
        assert answer.headers["inkread-pages"] == "3"
        shown = pixels_of(answer)
        assert np.abs(np.subtract(shown.shape[:2], (30, width))).max() <= 1
        assert abs(int(shown[15, 15, 0]) - width) <= 3
    first = client.post("/v1/picture", content=data)
    assert abs(pixels_of(first).shape[1] - 40) <= 1


def test_a_page_that_is_not_there_is_refused(client):
    data = several("TIFF")
    problem = assert_problem(client.post("/v1/picture?page=4", content=data), 422, "invalid")
    assert problem["detail"] == "expected a page from 1 to 3, received 4"
    assert_problem(client.post("/v1/picture?page=0", content=data), 422, "invalid")
    assert_problem(client.post("/v1/picture", content=b"no picture"), 422, "picture")


def test_a_large_page_is_shrunk(client):
    file = io.BytesIO()
    Image.new("L", (5000, 100), 255).save(file, "PNG")
    shown = pixels_of(client.post("/v1/picture", content=file.getvalue()))
    assert shown.shape[:2] == (80, 4000)


def test_numbers_in_tables_are_rejected_as_those_in_the_list(client):
    page = client.post("/v1/read?min_confidence=1&grid=1x1", content=METER.read_bytes()).json()
    cells = [cell for table in page["tables"] for row in table["rows"] for cell in row]
    inside = [cell["number"] for cell in cells if cell and cell["number"]]
    assert all(number in page["numbers"] for number in inside)


def test_samples_are_served_as_they_ship(client):
    assert client.get(f"/samples/{METER.name}").content == METER.read_bytes()
    assert client.get("/samples/../__init__.py").status_code == 404
    names = {path.name for path in SAMPLES.iterdir()}
    linked = {name for name in names if f'samples/{name}"' in client.get("/").text}
    assert len(linked) >= 4
