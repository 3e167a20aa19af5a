"""Connections that wait, that are many, and that don't end."""

import json
import resource
import socket
import time
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import httpx
import pytest
from http_checks import METER
from serving import Served

from inkread.web.connections import choose_max_connections

HEAD = b"POST /v1/read HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def connect(served):
    place = urlsplit(served.url)
    return socket.create_connection((place.hostname, place.port), timeout=60)


def is_closed(connection):
    """Whether the other side ends a connection, in a minute."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    except TimeoutError:
        return False
    return True


@pytest.fixture(scope="module")
def few():
    """A service that may open few files."""
    limit = ("prlimit", "--nofile=200:200")
    with Served(under=limit) as served:
        yield served


def test_unfinished_heads_take_neither_the_service_nor_its_log(few):
    before = len(few.lines)
    with ExitStack() as stack:
        for _ in range(300):
            connection = stack.enter_context(connect(few))
            with suppress(ConnectionError):
                connection.sendall(HEAD)
        held = stack.enter_context(connect(few))
        assert is_closed(held)
    response = httpx.post(f"{few.url}/v1/read", content=METER.read_bytes(), timeout=60)
    assert response.status_code == 200
    lines = list(few.lines)[before:]
    assert len(lines) < 50
    assert all(isinstance(json.loads(line), dict) for line in lines)
    assert any("too many connections" in line for line in lines)


def test_a_head_that_does_not_end_is_given_up(served):
    with connect(served) as silent, connect(served) as slow:
        slow.sendall(HEAD)
        for _ in range(5):
            time.sleep(0.2)
            slow.sendall(b"X-More: 1\r\n")
        assert is_closed(slow)
        assert is_closed(silent)


def test_the_body_of_a_request_that_was_refused_is_not_taken_for_ever(served):
    with connect(served) as connection:
        connection.sendall(
            b"POST /v1/nothing HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000\r\n\r\n"
        )
        sent = 0
        try:
            while sent < 1000:
                connection.sendall(bytes(1000))
                time.sleep(0.05)
                sent += 1
        except ConnectionError:
            pass
    assert sent < 1000


def test_bodies_that_come_at_once_have_one_budget_of_memory(served):
    body = b"\x89PNG\r\n" + bytes(15_000_000)
    before = served.peak_bytes
    with ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(connect(served))
            head = HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
            connection.settimeout(2)
            with suppress(OSError):
                connection.sendall(head + body[:-1])
        assert httpx.get(f"{served.url}/healthz", timeout=60).status_code == 200
    assert served.peak_bytes - before < 250_000_000


def test_the_limit_of_files_leaves_room():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 8 <= choose_max_connections() < soft
