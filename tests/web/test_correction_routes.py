import base64
import json

import httpx
import numpy as np
import pytest
from drawn_pictures import encoded
from http_checks import CHALK, METER, assert_problem
from serving import Served

from inkread.imaging import images, ink, normalize, segmentation
from inkread.training.synthesis.drawn_digits import put_on_paper, write

PERSON = {"Inkread-Person": "a-random-token-of-somebody"}
ROUTE = "/v1/corrections"


@pytest.fixture
def client(served):
    with httpx.Client(base_url=served.url, timeout=120) as client:
        client.delete(f"{ROUTE}?all=true").raise_for_status()
        yield client


@pytest.fixture(scope="module")
def digits(reader):
    return reader.read(METER).numbers[0].digits


def box_of(digit):
    return ",".join(map(str, digit.box))


def add(client, digit, label=None, path=METER, headers=None):
    params = {"box": box_of(digit)} | ({"label": label} if label else {})
    response = client.post(ROUTE, params=params, content=path.read_bytes(), headers=headers)
    assert response.status_code == 201, response.text
    return response.json()


def listed(client, query=""):
    return client.get(f"{ROUTE}{query}").json()["corrections"]


def test_a_correction_is_stored_with_the_glyph_that_was_read(client, digits, reader):
    saved = add(client, digits[0], "9")
    assert (saved["read"], saved["label"]) == ("4", "9")
    (stored,) = listed(client)
    assert (stored["id"], stored["read"], stored["label"]) == (saved["id"], "4", "9")
    assert stored["model"] == reader.model.name
    region = segmentation.find_lines(ink.find(images.load(METER)))[0][0][0]
    expected = normalize.make_glyph(region.ink, reader.model.shape)
    glyph = np.frombuffer(base64.b64decode(stored["glyph"]), np.uint8).reshape(28, 28)
    assert np.array_equal(glyph, expected)


def test_a_correction_is_stored_as_the_digit_was_read(client, reader):
    """Digits that overlap: read alone, each would be another with another confidence."""
    rng = np.random.default_rng(0)
    picture = encoded(put_on_paper(write("88203", rng, height_px=50, pen_px=4, gap=-0.1).ink, rng))
    for options in ({}, {"length": 5}):
        (number,) = reader.read(picture, **options).numbers
        for digit in number.digits:
            params = {"box": box_of(digit), "label": "7", **options}
            saved = client.post(ROUTE, params=params, content=picture).json()
            assert (saved["read"], saved["confidence"]) == (digit.text, digit.confidence)


def test_the_picture_is_kept_as_asked_and_as_png(client, digits):
    saved = add(client, digits[0], "9")
    response = client.get(f"{ROUTE}/{saved['id']}/picture")
    assert response.headers["content-type"] == "image/png"
    assert np.array_equal(images.load(response.content), images.load(METER))


def test_a_form_may_carry_it_all(client, digits):
    fields = {"label": "not a digit", "box": box_of(digits[1])}
    response = client.post(ROUTE, files={"image": METER.read_bytes()}, data=fields)
    assert response.status_code == 201
    assert response.json()["label"] == "not a digit"


def test_the_same_correction_twice_is_one_and_the_last_word_counts(client, digits):
    first, second = add(client, digits[0], "9"), add(client, digits[0], "1")
    assert first["id"] == second["id"]
    assert [each["label"] for each in listed(client)] == ["1"]


def test_the_list_shows_the_least_sure_first_in_parts(client, digits):
    for digit in digits:
        add(client, digit)
    whole = listed(client)
    confidences = [each["confidence"] for each in whole]
    assert confidences == sorted(confidences)
    assert len(whole) == 5
    parts, after = [], ""
    while True:
        part = client.get(f"{ROUTE}?limit=2{after}").json()
        assert part["left"] == 5
        parts += part["corrections"]
        if part["next"] is None:
            break
        after = f"&after={part['next']}"
    assert parts == whole


def test_a_whole_number_is_stored_as_the_strip_that_the_line_model_reads(client, reader):
    rng = np.random.default_rng(1)
    picture = encoded(put_on_paper(write("40713", rng, height_px=50, pen_px=4).ink, rng))
    (number,) = reader.read(picture).numbers
    params = {"box": box_of(number), "label": "40,718", "whole": True}
    saved = client.post(ROUTE, params=params, content=picture).json()
    assert (saved["read"], saved["label"]) == ("40713", "40,718")
    (stored,) = listed(client)
    assert stored["model"] == reader.line_model.name
    strip = images.load(base64.b64decode(stored["strip"]))
    assert strip.shape[0] == 40
    assert reader.read_number(255 - strip).text == "40713"
    nothing = {"box": "0,0,3,3", "label": "not a digit", "whole": True}
    assert_problem(client.post(ROUTE, params=nothing, content=picture), 422, "picture")
    without = client.post(ROUTE, params={"label": "1", "whole": True}, content=picture)
    assert_problem(without, 422, "invalid")


@pytest.mark.parametrize(("first", "last"), [(0, 3), (2, 5), (1, 4)])
def test_digits_that_were_missed_are_in_the_strip(client, reader, first, last):
    """The box has only some of the digits, and the label says that there are more."""
    rng = np.random.default_rng(2)
    picture = encoded(put_on_paper(write("40713", rng, height_px=50, pen_px=4).ink, rng))
    found = reader.read(picture).numbers[0].digits[first:last]
    left, top, right, bottom = (
        edge(each.box[side] for each in found) for side, edge in enumerate((min, min, max, max))
    )
    params = {"box": f"{left},{top},{right},{bottom}", "label": "40713", "whole": True}
    assert client.post(ROUTE, params=params, content=picture).status_code == 201
    (stored,) = listed(client)
    strip = images.load(base64.b64decode(stored["strip"]))
    assert reader.read_number(255 - strip).text == "40713"


def test_review_gives_labels(client, digits):
    saved = add(client, digits[0])
    assert len(listed(client, "?judged=false")) == 1
    response = client.put(f"{ROUTE}/{saved['id']}", json={"label": "4"})
    assert response.json()["label"] == "4"
    assert listed(client, "?judged=false") == []
    assert len(listed(client, "?judged=true")) == 1


def test_export_is_a_line_a_correction(client, digits):
    ids = [add(client, digit, "7")["id"] for digit in digits[:3]]
    response = client.get(f"{ROUTE}/export")
    lines = [json.loads(line) for line in response.text.splitlines()]
    assert [line["id"] for line in lines] == ids
    assert all(line["label"] == "7" for line in lines)
    assert images.load(base64.b64decode(lines[0]["picture"])).shape == images.load(METER).shape


def test_one_or_one_persons_or_all_are_deleted(client, digits, reader):
    chalk = reader.read(CHALK).numbers[0].digits
    ids = [add(client, digit, "7", headers=PERSON)["id"] for digit in digits[:2]]
    add(client, chalk[0], "7", CHALK)
    assert client.delete(f"{ROUTE}/{ids[0]}").json() == {"deleted": 1}
    assert_problem(client.delete(f"{ROUTE}/{ids[0]}"), 404, "not-found")
    assert_problem(client.delete(ROUTE), 422, "invalid")
    other = {"Inkread-Person": "the-token-of-somebody-else"}
    assert client.delete(ROUTE, headers=other).json() == {"deleted": 0}
    assert client.delete(ROUTE, headers=PERSON).json() == {"deleted": 1}
    assert len(listed(client)) == 1
    assert client.delete(f"{ROUTE}?all=true").json() == {"deleted": 1}


@pytest.mark.parametrize("label", ["", "a", "-", "1 ", "1\n", "٣", "1" * 33, "<b>", "'; --"])
def test_a_label_that_cannot_be_is_refused(client, digits, label):
    params = {"box": box_of(digits[0]), "label": label}
    response = client.post(ROUTE, params=params, content=METER.read_bytes())
    assert_problem(response, 422, "invalid")
    saved = add(client, digits[0])
    judged = client.put(f"{ROUTE}/{saved['id']}", json={"label": label})
    assert_problem(judged, 422, "invalid")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/1%27%20OR%201=1/picture", 422),
        ("DELETE", "/0", 422),
        ("DELETE", "/999999999999999999999", 422),
        ("GET", "?after=1;DROP TABLE corrections", 422),
        ("GET", "?after=nan,1", 422),
        ("GET", "?after=0.5,99999999999", 422),
        ("GET", "?limit=0", 422),
        ("GET", "?limit=1000000", 422),
        ("GET", "?judged=maybe", 422),
        ("GET", "/77/picture", 404),
    ],
)
def test_what_cannot_be_asked_for_is_refused(client, digits, method, path, status):
    add(client, digits[0])
    response = client.request(method, ROUTE + path)
    assert response.status_code == status, response.text
    assert "sqlite" not in response.text.lower()
    assert len(listed(client)) == 1


def test_an_id_that_is_not_there_cannot_be_judged(client):
    assert_problem(client.put(f"{ROUTE}/77", json={"label": "1"}), 404, "not-found")


def test_nothing_is_stored_unless_it_is_turned_on(digits):
    with Served() as served, httpx.Client(base_url=served.url, timeout=120) as client:
        assert client.get("/v1/about").json()["corrections"] is None
        response = client.post(
            ROUTE, params={"box": box_of(digits[0]), "label": "9"}, content=METER.read_bytes()
        )
        assert_problem(response, 404, "no-store")
        assert_problem(client.get(ROUTE), 404, "no-store")
        assert_problem(client.delete(f"{ROUTE}?all=true"), 404, "no-store")


def test_only_the_glyph_is_stored_if_so_configured(tmp_path, digits):
    with (
        Served("--corrections", tmp_path / "c.db", "--keep", "glyph") as served,
        httpx.Client(base_url=served.url, timeout=120) as client,
    ):
        saved = add(client, digits[0], "9")
        assert not listed(client)[0]["has_picture"]
        assert_problem(client.get(f"{ROUTE}/{saved['id']}/picture"), 404, "not-found")
