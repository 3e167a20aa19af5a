import asyncio
import re
import subprocess
import sys

import httpx
import pytest
from http_checks import assert_problem
from typer.testing import CliRunner

from inkread.cli.app import app as command_line
from inkread.corrections.store import Store
from inkread.errors import ConfigError, ModelError, StoreError
from inkread.models.runtime import Model
from inkread.web import server
from inkread.web.application import create_app
from inkread.web.settings import Settings


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.fixture
def ask(tmp_path):
    """Sends a request to an application in this process."""
    app = create_app(Settings(corrections=str(tmp_path / "c.db"), models=tmp_path))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def send(*request, **more):
        async with httpx.AsyncClient(transport=transport, base_url="http://ink") as client:
            return await client.request(*request, **more)

    yield lambda *request, **more: asyncio.run(send(*request, **more))
    app.state.service.close()


def test_a_bug_is_answered_without_its_story(ask, monkeypatch):
    monkeypatch.setattr(Model, "classify", failing(RuntimeError("a secret path")))
    packed = {"Content-Type": "application/octet-stream"}
    response = ask("POST", "/v1/classify", content=bytes(784), headers=packed)
    assert_problem(response, 500, "internal")
    assert "secret" not in response.text


def test_a_database_that_fails_is_answered_without_its_name(ask, monkeypatch):
    monkeypatch.setattr(
        Store, "list_doubtful", failing(StoreError("a secret path: the disk is full"))
    )
    response = ask("GET", "/v1/corrections")
    assert_problem(response, 503, "store")
    assert response.headers["retry-after"] == "5"
    assert "secret" not in response.text


@pytest.mark.parametrize(
    "values",
    [
        {"workers": 0},
        {"queue": -1},
        {"max_body_bytes": 0},
        {"max_megapixels": 1000},
        {"work_timeout_s": 0},
        {"token": "short"},
        {"token": "not only ASCII: é, and long"},
    ],
    ids=lambda values: next(iter(values)),
)
def test_settings_that_cannot_be_are_refused(values):
    with pytest.raises(ConfigError, match="expected"):
        Settings(**values)


def test_a_service_without_its_model_or_database_does_not_start(tmp_path):
    with pytest.raises(ModelError):
        create_app(Settings(model=str(tmp_path / "no.onnx"), models=tmp_path))
    with pytest.raises(ConfigError):
        create_app(Settings(corrections="mysql://host/db", models=tmp_path))


def serve(monkeypatch, *arguments):
    """What ``inkread serve`` would run, and how it ends."""
    ran = []
    monkeypatch.setattr(server, "serve", lambda *given: ran.append(given))
    result = CliRunner().invoke(command_line, ["serve", *map(str, arguments)])
    return (ran[0] if ran else None), result


def test_a_service_is_for_this_machine_alone_unless_told(monkeypatch, tmp_path):
    monkeypatch.setenv("INKREAD_TOKEN", "")
    (settings, host, port), _ = serve(monkeypatch, "--models", tmp_path)
    assert (host, port) == ("127.0.0.1", 8000)
    assert settings == Settings(models=tmp_path, hosts=("127.0.0.1", "::1", "localhost"))
    (settings, host, _), _ = serve(monkeypatch, "--host", "0.0.0.0", "--allow-host", "ink")
    assert (settings.hosts, settings.token, settings.corrections) == (("ink",), None, None)
    (settings, *_), _ = serve(monkeypatch, "--host", "::1", "--allow-host", "Ink.Example")
    assert "ink.example" in settings.hosts


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "ink.example"])
def test_a_service_for_other_machines_needs_a_token_or_a_name(monkeypatch, tmp_path, host):
    monkeypatch.setenv("INKREAD_TOKEN", "")
    ran, result = serve(monkeypatch, "--host", host)
    assert (ran, result.exit_code) == (None, 2)
    assert "--token-file" in result.stderr
    assert "--allow-host" in result.stderr
    (tmp_path / "token").write_text("a-token-of-a-file\n")
    (settings, *_), _ = serve(monkeypatch, "--host", host, "--token-file", tmp_path / "token")
    assert settings.token == "a-token-of-a-file"


def test_options_reach_the_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("INKREAD_TOKEN", "a-token-of-the-environment")
    (settings, *_), _ = serve(
        monkeypatch, "--workers", 3, "--queue", 5, "--max-body-mb", 2, "--max-megapixels", 4,
        "--max-batch", 6, "--timeout", 7, "--worker-memory-mb", 80,
        "--corrections", "c.db", "--keep", "picture", "--allow-origin", "https://a.example",
        "--model", "mine.onnx",
    )  # fmt: skip
    assert settings == Settings(
        model="mine.onnx", token="a-token-of-the-environment", workers=3, queue=5,
        max_body_bytes=2_000_000, max_megapixels=4.0, max_batch=6, body_timeout_s=7.0,
        work_timeout_s=7.0, max_worker_bytes=80_000_000, corrections="c.db", keep="picture", origins=("https://a.example",),
        hosts=("127.0.0.1", "::1", "localhost"), models=settings.models,
    )  # fmt: skip


def test_a_bad_token_file_is_named(monkeypatch, tmp_path):
    for file in (tmp_path / "absent", tmp_path):
        ran, result = serve(monkeypatch, "--token-file", file)
        assert ran is None
        assert result.exit_code == 1
        assert str(file) in result.stderr


def run_without(names, code):
    """Run code in a process in which some packages are not installed."""
    blocked = f"import sys; sys.modules.update(dict.fromkeys({names.split()!r}))\n"
    return subprocess.run(
        [sys.executable, "-c", blocked + code], capture_output=True, text=True, check=False
    )


def test_the_service_needs_nothing_of_the_train_extra():
    packages = "keras tensorflow sklearn scipy matplotlib onnx tf2onnx jinja2"
    done = run_without(packages, "import inkread.web.server")
    assert done.returncode == 0, done.stderr


def test_without_the_web_extra_the_command_says_what_to_install():
    code = "sys.argv[:] = ['inkread', 'serve']\nfrom inkread.cli.app import main\nmain()"
    done = run_without("fastapi uvicorn sqlalchemy alembic prometheus_client", code)
    assert done.returncode == 1
    assert re.search(r"pip install ('inkread|-e '.*)\[web\]'", done.stderr)
