"""What a picture can do to the process that reads it, and not to the service."""

import os
import signal
import threading
import time
import zlib
from pathlib import Path

import httpx
import numpy as np
import pytest
from hostile_pdf import flate_bomb, many_curves, nested_forms, pdf
from http_checks import METER, assert_problem
from picture_files import encoded
from PIL import Image
from serving import Served

TIMEOUT_S, MEMORY_MB = 15, 200


@pytest.fixture(scope="module")
def guarded():
    """A service of two processes that have little time and memory."""
    options = ("--workers", 2, "--worker-memory-mb", MEMORY_MB, "--timeout", TIMEOUT_S)
    with Served(*options) as served:
        yield served


@pytest.fixture
def client(guarded):
    with httpx.Client(base_url=guarded.url, timeout=120) as client:
        yield client
        wait_until_ready(client)
        read = client.post("/v1/read", content=METER.read_bytes())
        assert read.json()["numbers"][0]["text"] == "40713"


def wait_until_ready(client):
    for _ in range(600):
        if client.get("/readyz").status_code == 200:
            return
        time.sleep(0.1)
    raise AssertionError("it isn't ready again")


def children_of(served):
    """The processes that read, with the bytes that each has in memory at most."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            status = path.read_text()
        except OSError:
            continue
        if f"PPid:\t{served.process.pid}\n" in status and "VmHWM:" in status:
            command = path.with_name("cmdline").read_bytes()
            if b"spawn_main" in command:
                peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
                found[int(path.parent.name)] = peak
    return found


@pytest.mark.parametrize("make", [flate_bomb, many_curves, nested_forms])
def test_a_hostile_pdf_costs_its_own_request_alone(guarded, client, make):
    body = make()
    answers = []

    def ask():
        with httpx.Client(base_url=guarded.url, timeout=120) as own:
            answers.append(own.post("/v1/read", content=body).status_code)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {200, 413, 422, 503, 504}
    assert all(peak < (MEMORY_MB + 350) * 1e6 for peak in children_of(guarded).values())


def test_a_picture_that_takes_too_much_memory_is_refused_with_the_limit(client):
    noise = np.random.default_rng(0).integers(0, 255, (4800, 4800, 3), np.uint8)
    body = encoded(Image.fromarray(noise // 128 * 255), "PNG")
    response = client.post("/v1/read", content=body)
    assert response.status_code in {413, 422, 504}, response.text
    if response.status_code == 413:
        assert "MB" in response.json()["detail"]


def test_a_process_that_is_killed_is_replaced(guarded, client):
    before = set(children_of(guarded))
    assert len(before) == 2
    for number in before:
        os.kill(number, signal.SIGKILL)
    for _ in range(4):  # each finds out that a process is gone
        response = client.post("/v1/read", content=METER.read_bytes())
        if response.status_code != 200:
            assert response.status_code in {422, 504}
    wait_until_ready(client)
    after = set(children_of(guarded))
    assert after
    assert not after & before


def test_a_pdf_has_no_more_pixels_than_a_picture_may_have():
    page = pdf(zlib.compress(b"0 0 1 rg 100 100 200 200 re f"))
    with Served("--max-megapixels", 0.2) as served:
        read = httpx.post(f"{served.url}/v1/read", content=page, timeout=120).json()
    assert 190_000 < read["width"] * read["height"] <= 200_000


def test_a_service_that_ends_leaves_no_process():
    with Served("--workers", 2) as served:
        httpx.post(f"{served.url}/v1/read", content=METER.read_bytes(), timeout=120)
        numbers = list(children_of(served))
    assert numbers
    for _ in range(100):
        if not any(Path(f"/proc/{number}/cmdline").exists() for number in numbers):
            break
        time.sleep(0.1)
    else:
        raise AssertionError(f"still there: {numbers}")


def test_what_a_picture_is_refused_for_is_said_as_before(client):
    assert_problem(client.post("/v1/read", content=b"no picture"), 422, "picture")
    assert_problem(client.post("/v1/read?length=0", content=METER.read_bytes()), 422, "invalid")
