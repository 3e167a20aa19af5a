"""Attacks, overload and the end: what must not happen to a service."""

import io
import json
import signal
import socket
import struct
import threading
import time
import zlib
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from http_checks import METER, assert_problem
from PIL import Image
from serving import Served

from inkread.models.registry import Registry
from inkread.models.runtime import list_shipped_models

SLOW_S = 1.5


@pytest.fixture(scope="module")
def tight():
    """A service with narrow limits."""
    options = ("--max-body-mb", 0.1, "--max-megapixels", 0.5, "--max-batch", 2)
    with Served(*options, "--timeout", SLOW_S, "--workers", 1, "--queue", 0) as served:
        yield served


@pytest.fixture
def client(tight):
    with httpx.Client(base_url=tight.url, timeout=120) as client:
        yield client
        assert client.get("/healthz").status_code == 200  # it lives


def connect(served):
    place = urlsplit(served.url)
    return socket.create_connection((place.hostname, place.port), timeout=60)


def answer(connection):
    data = b""
    while chunk := connection.recv(65536):
        data += chunk
    return data


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_bomb(width, height):
    """A small file that says it holds so many pixels, all of them there."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def noise(width, height):
    data = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue()


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(tight):
    with connect(tight) as connection:
        connection.sendall(
            b"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100001\r\n"
            b"Expect: 100-continue\r\n\r\n"
        )
        head = answer(connection)
    assert head.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in head
    assert b"urn:inkread:problem:too-large" in head


def test_a_body_without_end_is_refused_while_it_comes(client):
    def endless():
        while True:
            yield bytes(10_000)

    try:
        response = client.post("/v1/read", content=endless())
    except (httpx.WriteError, httpx.RemoteProtocolError):
        return  # the service has hung up on it
    assert_problem(response, 413, "too-large")


@pytest.mark.parametrize("route", ["/v1/read", "/v1/explain", "/v1/classify"])
def test_a_form_and_json_that_are_too_large_are_refused(client, route):
    headers = {"Content-Type": "application/json"} if route == "/v1/classify" else {}
    response = client.post(route, content=bytes(100_001), headers=headers)
    assert_problem(response, 413, "too-large")
    if route != "/v1/classify":
        form = client.post(route, files={"image": bytes(100_001)})
        assert_problem(form, 413, "too-large")


def test_a_decompression_bomb_is_refused_unopened(client):
    small = png_bomb(1000, 1000)
    large = png_bomb(60_000, 8_000)
    assert len(small) < 1000
    assert len(large) < 100_000
    for bomb in (small, large):
        assert_problem(client.post("/v1/read", content=bomb), 413, "too-large")
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2**31 - 1, 2**31 - 1, 8, 6, 0, 0, 0))
    endless = client.post("/v1/read", content=b"\x89PNG\r\n\x1a\n" + head)
    assert endless.status_code in {413, 422}
    text = chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(20_000_000), 9))
    picture = METER.read_bytes()
    with_text = client.post("/v1/read", content=picture[:33] + text + picture[33:])
    assert with_text.status_code in {200, 422}


def test_too_many_glyphs_are_refused(client):
    packed = {"Content-Type": "application/octet-stream"}
    assert client.post("/v1/classify", content=bytes(2 * 784), headers=packed).status_code == 200
    response = client.post("/v1/classify", content=bytes(3 * 784), headers=packed)
    assert_problem(response, 413, "too-large")


def test_a_body_that_comes_too_slowly_is_given_up(tight):
    with connect(tight) as connection:
        connection.sendall(
            b"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
        )
        connection.sendall(b"x")
        received = answer(connection)
    assert received.startswith(b"HTTP/1.1 408 ")
    assert b"urn:inkread:problem:slow-body" in received


def test_a_form_with_too_much_in_it_is_refused(client):
    many = {f"field{k}": "1" for k in range(50)}
    response = client.post("/v1/read", files={"image": METER.read_bytes()}, data=many)
    assert_problem(response, 400, "")
    long = {"pattern": "1" * 10_000}
    response = client.post("/v1/read", files={"image": METER.read_bytes()}, data=long)
    assert response.status_code in {400, 422}
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    for body in (b"", b"--x", b"--x\r\n\r\n\r\n", b"x" * 999):
        response = client.post("/v1/read", content=body, headers=broken)
        assert response.status_code in {400, 422}, body
    no_boundary = client.post(
        "/v1/read", content=b"x", headers={"Content-Type": "multipart/form-data"}
    )
    assert no_boundary.status_code in {400, 422}


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static//etc/passwd",
        "/static/%2fetc%2fpasswd", "/static/..\\app.py", "/%2e%2e/%2e%2e/etc/passwd",
        "/static/../../cli.py", "/static/%00", "/static/" + "a" * 5000, "/review/../../etc/passwd",
    ],
    ids=lambda path: path[:40],
)  # fmt: skip
def test_a_path_leads_only_to_what_is_offered(tight, path):
    with connect(tight) as connection:
        connection.sendall(
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        )
        received = answer(connection)
    assert received.split(b" ", 2)[1] in {b"400", b"404"}
    for leak in (b"root:", b"import ", b"FastAPI", b"Traceback"):
        assert leak not in received


def test_names_of_files_are_not_used(client):
    for name in ("../../etc/passwd", "/etc/passwd", "a\0b.png", "<script>.png", "x" * 3000):
        response = client.post("/v1/read", files={"image": (name, METER.read_bytes())})
        assert response.json()["numbers"][0]["text"] == "40713"
        assert "passwd" not in response.text


def test_markup_and_sql_in_every_text_come_back_as_json_only(client):
    for text in ("<script>alert(1)</script>", "'; DROP TABLE corrections; --", "{{7*7}}", "%s%n"):
        for name in ("length", "min_confidence", "size", text):
            response = client.post("/v1/read", params={name: text}, content=METER.read_bytes())
            assert response.status_code == 422
            assert response.headers["content-type"] == "application/problem+json"
            assert response.headers["x-content-type-options"] == "nosniff"
        box = client.post("/v1/explain", params={"box": text}, content=METER.read_bytes())
        assert_problem(box, 422, "picture")


def test_a_full_service_says_so_at_once(tight):
    picture, statuses = noise(660, 140), []

    def ask():
        with httpx.Client(base_url=tight.url, timeout=120) as own:
            response = own.post("/v1/read", content=picture)
            statuses.append(response.status_code)
            if response.status_code == 503:
                assert_problem(response, 503, "busy")
                assert response.headers["retry-after"] == "1"

    for _ in range(20):
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if 503 in statuses:
            break
    assert set(statuses) <= {200, 503, 504}
    assert 503 in statuses
    refused = httpx.get(f"{tight.url}/metrics").text.partition("\ninkread_refused_total ")[2]
    assert float(refused.split()[0]) == statuses.count(503)


def test_a_stopped_service_finishes_what_it_began_and_takes_nothing_new():
    with Served() as served, connect(served) as connection:
        picture = METER.read_bytes()
        connection.sendall(
            b"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            b"Content-Length: %d\r\n\r\n" % len(picture) + picture[:1000]
        )
        time.sleep(0.2)  # until it has begun
        served.process.send_signal(signal.SIGTERM)
        for _ in range(500):
            try:
                connect(served).close()
            except ConnectionRefusedError:
                break
            time.sleep(0.02)
        else:
            raise AssertionError("it still takes connections")
        connection.sendall(picture[1000:])
        received = answer(connection)
        assert received.startswith(b"HTTP/1.1 200 ")
        body = json.loads(received.partition(b"\r\n\r\n")[2])
        assert body["numbers"][0]["text"] == "40713"
        served.process.wait(60)


def test_a_promoted_model_takes_over_without_a_lost_request(tmp_path, small_run):
    registry = Registry(tmp_path / "models")
    environment = {"INKREAD_MODELS": str(registry.folder)}
    names, failed, stop = [], [], threading.Event()
    with Served(environment=environment) as served:

        def ask():
            with httpx.Client(timeout=120) as own:
                while not stop.is_set():
                    response = own.post(
                        f"{served.url}/v1/classify",
                        content=bytes(784),
                        headers={"Content-Type": "application/octet-stream"},
                    )
                    if response.status_code != 200:
                        failed.append(response.text)
                    else:
                        names.append(response.json()["model"])

        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()

        def until(name):
            start = len(names)
            for _ in range(3000):
                if name in names[start:]:
                    return
                time.sleep(0.02)
            raise AssertionError(f"{name} does not read; {names[-5:]}")

        try:
            until("glyph-cascade")
            registry.promote(small_run.model_file, "mine")
            until("mine-0001")
            promoted = httpx.get(f"{served.url}/v1/models").json()["promoted"]
            registry.roll_back()
            until("glyph-cascade")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    assert failed == []
    assert promoted == [{"version": 1, "name": "mine-0001", "in_use": True}]
    assert list_shipped_models()["default"].is_file()
