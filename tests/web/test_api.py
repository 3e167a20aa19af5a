import json
import threading

import httpx
import numpy as np
import pytest
from http_checks import CHALK, METER, assert_problem, validate
from PIL import Image
from serving import Served

import inkread
from inkread import Notation
from inkread.explain.occlusion import explain


@pytest.fixture(scope="module")
def client(served):
    with httpx.Client(base_url=served.url, timeout=120) as client:
        yield client


def plain(value):
    """A value as it comes out of JSON."""
    return json.loads(json.dumps(value))


def test_a_raw_picture_is_read_as_the_reader_reads_it(client, reader):
    for path in (METER, CHALK):
        response = client.post("/v1/read", content=path.read_bytes())
        assert response.status_code == 200
        assert response.json() == plain(reader.read(path).to_dict())


@pytest.mark.parametrize("kind", ["image/png", "application/octet-stream", "IMAGE/PNG; q=1"])
def test_a_raw_picture_may_say_its_type(client, kind):
    response = client.post("/v1/read", content=METER.read_bytes(), headers={"Content-Type": kind})
    assert response.json()["numbers"][0]["text"] == "40713"


def test_a_picture_in_a_form_is_read(client):
    response = client.post("/v1/read", files={"image": ("m.png", METER.read_bytes())})
    assert response.json()["numbers"][0]["text"] == "40713"


def test_a_blank_picture_is_a_page_without_numbers(client, tmp_path):
    path = tmp_path / "blank.png"
    Image.new("L", (60, 40), 255).save(path)
    page = client.post("/v1/read", content=path.read_bytes()).json()
    assert (page["numbers"], page["width"], page["height"]) == ([], 60, 40)


def test_the_least_confidence_may_be_set_in_the_query_and_in_a_form(client, reader):
    strict = inkread.Reader(min_confidence=1.0)
    expected = strict.read(METER).numbers[0].text
    assert "?" in expected
    files = {"image": METER.read_bytes()}
    texts = [
        client.post("/v1/read?min_confidence=1", content=METER.read_bytes()),
        client.post("/v1/read", files=files, data={"min_confidence": "1"}),
        client.post("/v1/read?min_confidence=0", files=files, data={"min_confidence": "1"}),
    ]
    assert [each.json()["numbers"][0]["text"] for each in texts] == [expected] * 3
    again = client.post("/v1/read", content=METER.read_bytes()).json()
    assert again["numbers"][0]["text"] == "40713"  # one request's option is not the next one's


def test_what_is_known_of_a_number_is_the_readers_constraint(client, reader):
    for known in ({"length": 5}, {"length": 4}, {"pattern": "4.*"}, {"check": "luhn"}):
        response = client.post("/v1/read", params=known, content=METER.read_bytes())
        assert response.json() == plain(reader.read(METER, **known).to_dict())
    fields = {"length": "4", "pattern": "[0-9]+"}
    form = client.post("/v1/read", files={"image": METER.read_bytes()}, data=fields)
    expected = reader.read(METER, length=4, pattern="[0-9]+").to_dict()
    assert form.json() == plain(expected)


def test_what_numbers_are_is_the_readers_notation(client, reader):
    known = {"kind": "integer", "max": "50000", "signed": "false"}
    response = client.post("/v1/read", params=known, content=METER.read_bytes())

    notation = Notation("integer", max=50000, signed=False)
    assert response.json() == plain(reader.read(METER, notation=notation).to_dict())
    (number,) = response.json()["numbers"]
    assert (number["value"], number["notation"]["max"]) == ("40713", "50000")
    assert number["value_confidence"] == number["confidence"]


@pytest.mark.parametrize(
    "query",
    [
        *("pattern=(", "pattern=(?=1)", "check=nope", "pattern=(1{99}){99}", "pattern=a"),
        *("kind=date", "kind=integer&min=a", "kind=integer&pattern=4", "min=4", "decimals=21"),
        *("kind=date&format=DMX", "kind=word", "decimal=;", "kind=time&min=9&max=8"),
    ],
)
def test_a_constraint_that_cannot_be_is_refused(client, query):
    assert_problem(client.post(f"/v1/read?{query}", content=METER.read_bytes()), 422, "invalid")


@pytest.mark.parametrize(
    ("query", "where"),
    [
        ("min_confidence=2", ["query", "min_confidence"]),
        ("min_confidence=nan", ["query", "min_confidence"]),
        ("length=0", ["query", "length"]),
        ("length=six", ["query", "length"]),
        ("size=6", ["query", "size"]),
    ],
)
def test_an_option_that_cannot_be_is_named(client, query, where):
    response = client.post(f"/v1/read?{query}", content=METER.read_bytes())
    problem = assert_problem(response, 422, "invalid")
    assert [each["where"] for each in problem["errors"]] == [where]


@pytest.mark.parametrize("field", [{"min_confidence": "2"}, {"size": "6"}])
def test_a_field_that_cannot_be_is_named(client, field):
    response = client.post("/v1/read", files={"image": METER.read_bytes()}, data=field)
    problem = assert_problem(response, 422, "invalid")
    assert problem["errors"][0]["where"] == ["body", *field]


@pytest.mark.parametrize("route", ["/v1/read", "/v1/explain"])
def test_what_is_no_picture_is_refused(client, route):
    for body in (b"", b"not a picture", METER.read_bytes()[:300]):
        problem = assert_problem(client.post(route, content=body), 422, "picture")
        assert "Traceback" not in problem["detail"]
    no_file = client.post(route, files={"picture": METER.read_bytes()})
    assert_problem(no_file, 422, "invalid")
    text = client.post(route, content=b"x", headers={"Content-Type": "text/html"})
    assert_problem(text, 415, "media-type")
    squeezed = client.post(route, content=b"x", headers={"Content-Encoding": "gzip"})
    assert_problem(squeezed, 415, "media-type")


def test_an_explanation_is_the_readers(client, reader, small_mnist, tmp_path):
    path = tmp_path / "four.png"
    Image.fromarray(small_mnist.test.images[4]).resize((112, 112)).save(path)
    response = client.post("/v1/explain", content=path.read_bytes())
    assert response.json() == plain(explain(reader, path).to_dict())


def test_a_digit_of_several_is_explained_by_its_box(client, reader):
    digits = reader.read(METER).numbers[0].digits
    for digit in digits:
        box = ",".join(map(str, digit.box))
        found = client.post(f"/v1/explain?box={box}", content=METER.read_bytes()).json()
        assert {key: found[key] for key in digit.to_dict()} == plain(digit.to_dict())
        assert found["summary"].startswith(f"{digit.label} (")
        assert np.array(found["evidence"]["ink"]).shape == (28, 28)


@pytest.mark.parametrize("options", [{}, {"length": 4}, {"min_confidence": 1}])
def test_an_explanation_is_of_the_digit_that_was_read_with_the_same_options(client, options):
    for path in (METER, CHALK):
        content = path.read_bytes()
        page = client.post("/v1/read", params=options, content=content).json()
        for digit in [digit for number in page["numbers"] for digit in number["digits"]]:
            params = {"box": ",".join(map(str, digit["box"])), **options}
            found = client.post("/v1/explain", params=params, content=content).json()
            assert {key: found[key] for key in digit} == digit
            fields = client.post("/v1/explain", files={"image": content}, data=params).json()
            assert fields == found


def test_a_length_without_a_box_has_nothing_to_explain(client):
    response = client.post("/v1/explain?length=5", content=METER.read_bytes())
    assert_problem(response, 422, "invalid")


@pytest.mark.parametrize(
    "box", ["1,2,3", "a,b,c,d", "5,5,5,9", "-1,0,9,9", "0,0,9999,9", "0,0,9,9"]
)
def test_a_box_without_a_digit_is_refused(client, box):
    response = client.post(f"/v1/explain?box={box}", content=METER.read_bytes())
    assert_problem(response, 422, "picture")


def test_glyphs_are_classified_as_the_reader_does(client, reader, small_mnist):
    glyphs = small_mnist.test.images[:20]
    expected = reader.model.classify(glyphs)
    packed = {"Content-Type": "application/octet-stream"}
    for response in (
        client.post("/v1/classify", json={"glyphs": glyphs.tolist()}),
        client.post("/v1/classify", content=glyphs.tobytes(), headers=packed),
    ):
        found = response.json()
        assert np.allclose(found["probabilities"], expected.probabilities, atol=1e-6)
        assert np.allclose(found["junk"], expected.junk, atol=1e-6)
        assert found["model"] == reader.model.name
    none = client.post("/v1/classify", json={"glyphs": []}).json()
    assert (none["probabilities"], none["junk"]) == ([], [])


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"glyphs"', b"[" * 100_000, b'{"glyphs": null}',
        b'{"glyphs": [[1, 2], [3]]}', b'{"glyphs": [1, [2]]}', b'{"glyphs": {}}',
        json.dumps({"glyphs": [[[0] * 28] * 27]}).encode(),
        json.dumps({"glyphs": [[[0.5] * 28] * 28]}).encode(),
        json.dumps({"glyphs": [[[256] * 28] * 28]}).encode(),
        json.dumps({"glyphs": [[[-1] * 28] * 28]}).encode(),
        json.dumps({"glyphs": [[[True] * 28] * 28]}).encode(),
        json.dumps({"glyphs": [[["1"] * 28] * 28]}).encode(),
        json.dumps({"glyphs": [[[10**30] * 28] * 28]}).encode(),
        json.dumps({"glyphs": [], "more": 1}).encode(),
    ],
    ids=lambda body: body[:32].decode(),
)  # fmt: skip
def test_glyphs_that_cannot_be_are_refused(client, body):
    response = client.post(
        "/v1/classify", content=body, headers={"Content-Type": "application/json"}
    )
    assert_problem(response, 422, "glyphs")


def test_packed_glyphs_of_a_wrong_length_are_refused(client):
    packed = {"Content-Type": "application/octet-stream"}
    assert_problem(client.post("/v1/classify", content=b"x" * 785, headers=packed), 422, "glyphs")
    assert_problem(client.post("/v1/classify", data={"glyphs": "1"}), 415, "media-type")


def test_the_model_in_use_is_described(client, reader):
    found, about = client.get("/v1/models").json(), client.get("/v1/about").json()
    for kind, model in (("glyph", reader.model), ("line", reader.line_model)):
        assert found["current"][kind]["name"] == about["models"][kind] == model.name
        assert found["current"][kind]["trained"] == model.metadata.trained
    assert found["promoted"] == []
    assert about["version"] == inkread.__version__
    assert about["limits"] == {"body_bytes": 16_000_000, "megapixels": 32.0, "batch": 1024}


def test_probes_and_metrics(client):
    assert (client.get("/healthz").text, client.get("/readyz").text) == ("alive\n", "ready\n")

    def count(text, name):
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    route = 'inkread_requests_total{method="POST",route="/v1/read",status="200"}'
    before = client.get("/metrics").text
    client.post("/v1/read", content=METER.read_bytes())
    client.get("/a/path/that/nobody/offers")
    after = client.get("/metrics").text
    assert count(after, route) == count(before, route) + 1
    digits = 'inkread_digits_total{rejected="false"}'
    assert count(after, digits) == count(before, digits) + 5
    assert 'inkread_model_info{kind="glyph",model="glyph-cascade"} 1.0' in after
    assert "inkread_request_seconds_bucket" in after
    assert "process_resident_memory_bytes" in after
    assert "nobody" not in after


def test_every_answer_carries_its_id_and_headers_for_browsers(client):
    for path, status in (("/", 200), ("/healthz", 200), ("/v1/about", 200), ("/nope", 404)):
        response = client.get(path)
        assert response.status_code == status
        policy = response.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert len(response.headers["x-request-id"]) == 32
        assert "access-control-allow-origin" not in response.headers
        assert "server" not in response.headers


def test_a_request_may_bring_its_id_if_it_looks_like_one(client):
    response = client.get("/healthz", headers={"X-Request-ID": "order-66.b_2"})
    assert response.headers["x-request-id"] == "order-66.b_2"
    for odd in ("a b", "x" * 65, '"', "<i>"):
        response = client.get("/healthz", headers={"X-Request-ID": odd})
        assert response.headers["x-request-id"] != odd


def test_what_is_not_there_and_not_allowed_is_a_problem(client):
    assert_problem(client.get("/v2/read"), 404, "")
    response = client.get("/v1/read")
    assert_problem(response, 405, "")
    assert response.headers["allow"] == "POST"


def test_a_request_is_logged_without_what_it_carried(client, served):
    secret = b"not a picture but a secret"
    response = client.post("/v1/read?pattern=hidden", content=secret)
    line = served.logged(response.headers["x-request-id"])
    assert (line["event"], line["method"], line["path"]) == ("request", "POST", "/v1/read")
    assert (line["status"], line["bytes"]) == (422, len(secret))
    assert "secret" not in json.dumps(line)
    assert "hidden" not in json.dumps(line)


def test_other_sites_and_other_names_are_turned_away(client, served):
    picture = METER.read_bytes()
    cross = client.post("/v1/read", content=picture, headers={"Origin": "https://evil.example"})
    assert_problem(cross, 403, "cross-site")
    own = client.post("/v1/read", content=picture, headers={"Origin": served.url})
    assert own.status_code == 200
    rebound = client.get("/v1/about", headers={"Host": "evil.example"})
    assert_problem(rebound, 421, "host")


def test_the_description_is_whole(client):
    document = client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            name = f"{method} {path}"
            assert operation["description"], name
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    content = response["content"]
                    assert list(content) == ["application/problem+json"], f"{name} {status}"
                    assert content["application/problem+json"]["example"], f"{name} {status}"
    for path in ("/v1/read", "/v1/explain", "/v1/classify", "/v1/models", "/v1/about"):
        operation = next(iter(document["paths"][path].values()))
        content = operation["responses"]["200"]["content"]["application/json"]
        validate(content["example"], content["schema"], document)


def test_answers_are_as_described(client):
    document = client.get("/openapi.json").json()
    answers = {
        "/v1/read": client.post("/v1/read", content=METER.read_bytes()),
        "/v1/explain": client.post("/v1/explain", content=METER.read_bytes()),
        "/v1/classify": client.post("/v1/classify", json={"glyphs": [[[0] * 28] * 28]}),
        "/v1/models": client.get("/v1/models"),
        "/v1/about": client.get("/v1/about"),
    }
    for path, answer in answers.items():
        operation = next(iter(document["paths"][path].values()))
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        validate(answer.json(), schema, document)


def test_many_at_once_get_each_their_own(client, served, reader):
    expected = {path: reader.read(path).numbers[0].text for path in METER.parent.glob("*.png")}
    wrong = []

    def ask(path):
        with httpx.Client(timeout=120) as own:
            for _ in range(3):
                answer = own.post(f"{served.url}/v1/read", content=path.read_bytes())
                if answer.json()["numbers"][0]["text"] != expected[path]:
                    wrong.append(path)

    threads = [threading.Thread(target=ask, args=(path,)) for path in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_service_with_a_token_asks_for_it(tmp_path):
    token = "a-token-for-this-test"
    file = tmp_path / "token"
    file.write_text(f"{token}\n")
    options = ("--token-file", file, "--allow-origin", "https://app.example")
    with (
        Served(*options, "--allow-host", "ink.example") as served,
        httpx.Client(base_url=served.url) as client,
    ):
        for header in (
            "",
            "Bearer",
            "Bearer wrong",
            f"Basic {token}",
            f"Bearer {token}x",
            "Bearer é",
        ):
            headers = {"Authorization": header.encode()}
            response = client.get("/v1/about", headers=headers)
            assert_problem(response, 401, "unauthorized")
            assert response.headers["www-authenticate"] == "Bearer"
        right = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/about", headers=right).status_code == 200
        assert client.get("/metrics").status_code == 401
        assert client.post("/v1/read", content=METER.read_bytes()).status_code == 401
        assert client.get("/healthz").status_code == client.get("/").status_code == 200
        assert "401" in client.get("/openapi.json").json()["paths"]["/v1/read"]["post"]["responses"]
        known = client.get("/healthz", headers={"Host": "ink.example"})
        assert known.status_code == 200
        theirs = {"Origin": "https://app.example", **right}
        shared = client.post("/v1/read", content=METER.read_bytes(), headers=theirs)
        assert shared.headers["access-control-allow-origin"] == "https://app.example"
        asked = {**theirs, "Access-Control-Request-Method": "POST"}
        assert client.options("/v1/read", headers=asked).status_code == 200
        other = client.get("/healthz", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in other.headers
        assert token not in "".join(served.lines)
