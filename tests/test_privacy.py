"""Nothing leaves the machine, and nothing but inkread's own files stays in the home folder.

Commands run under strace, in an empty home folder. An address of the families AF_INET and AF_INET6
that is not this machine's loopback counts as the network; Unix sockets, such as that of a cache of
names, and netlink, the kernel's own, do not.
"""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from serving import Served

import inkread
from inkread import privacy
from inkread.forms.template import load
from inkread.training import mnist
from inkread.training.synthesis import filled_forms

ROOT = Path(__file__).parent.parent
PACKAGE = Path(inkread.__file__).parent
SAMPLES = PACKAGE / "samples"
METER = SAMPLES / "meter-40713.png"
TEMPLATE = PACKAGE / "forms" / "samples" / "meter-reading.yaml"
CALLS = ("--trace=connect,sendto,sendmmsg", "--seccomp-bpf", "--follow-forks")
# ONNX Runtime's telemetry makes its first call nine seconds after it is loaded.
UNTIL_TELEMETRY_S = 12
# The command, whose process stays until then.
AND_STAY = f"""
import time
from inkread.cli.app import main
try:
    main()
finally:
    time.sleep({UNTIL_TELEMETRY_S})
"""
OURS = {Path(".cache/inkread"), Path(".local/share/inkread")}
# Few images, so that the training takes seconds; else the command is what a user calls.
ON_FEW_IMAGES = """
import dataclasses
from inkread.training import mnist
whole = mnist.load

def few(*places, **options):
    data = whole(*places, **options)
    parts = {name: getattr(data, name) for name in ("train", "validation", "test")}
    cut = {name: mnist.Split(part.images[:640], part.labels[:640]) for name, part in parts.items()}
    return dataclasses.replace(data, **cut)

mnist.load = few
from inkread.cli.app import main
main()
"""
LIBRARIES = {"keras", "matplotlib", "tensorflow", "tf2onnx", "onnxruntime", "ray"}


@dataclass(frozen=True)
class Outcome:
    """What a command did: exit code, standard error, files in its home, calls to the network."""

    exit_code: int
    stderr: str
    files: list[str]
    calls: list[str]


def variables_of(home):
    """The environment of a user who has set nothing, with a home folder or without."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not re.match(r"XDG_|ORT_|RAY_|KERAS_|MPL|INKREAD_|HOME$", name)
    }
    return kept if home is None else {**kept, "HOME": str(home)}


def foreign_files(home):
    found = (path.relative_to(home) for path in home.rglob("*") if not path.is_dir())
    return sorted(str(path) for path in found if not OURS & set(path.parents))


def network_calls(trace):
    """The lines of a trace that name an address of the network."""
    return [
        line
        for line in trace.read_text().splitlines()
        if re.search(r"\bAF_INET6?\b", line) and not re.search(r'"127\.|"::1"', line)
    ]


def command(*words, code=None):
    return [
        sys.executable,
        *(("-c", code) if code else ("-m", "inkread")),
        *map(str, words),
    ]


def traced(trace):
    return ["strace", "--daemonize", *CALLS, "--output", str(trace)]


class Sandbox:
    """Runs commands, each in an empty home folder of its own."""

    def __init__(self, folder):
        self.folder = folder

    def place(self, name):
        home = self.folder / f"home-{name}"
        home.mkdir()
        return home, self.folder / f"{name}.trace"

    def run(self, name, words, code):
        """Run a command to its end."""
        home, trace = self.place(name)
        done = subprocess.run(
            [*traced(trace), *command(*words, code=code)],
            env={**variables_of(home), "TF_CPP_MIN_LOG_LEVEL": "3"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        return Outcome(done.returncode, done.stderr, foreign_files(home), network_calls(trace))

    def serve(self, name):
        """Serve one request."""
        home, trace = self.place(name)
        unset = {"INKREAD_MODELS": None, **dict.fromkeys(os.environ)}
        with Served(environment=unset | variables_of(home), under=traced(trace)) as served:
            picture = {"content": METER.read_bytes(), "headers": {"Content-Type": "image/png"}}
            answer = httpx.post(f"{served.url}/v1/read", **picture, timeout=300)
            assert "40713" in answer.text
            threading.Event().wait(UNTIL_TELEMETRY_S)
            exit_code = served.stop()
        stderr = "".join(line for line in served.lines if not line.startswith("{"))
        return Outcome(exit_code, stderr, foreign_files(home), network_calls(trace))


@pytest.fixture(scope="module")
def outcomes(full_mnist, tmp_path_factory):
    """What each command did."""
    assert shutil.which("strace"), "expected strace: install Debian's package strace"
    folder = tmp_path_factory.mktemp("privacy")
    sandbox = Sandbox(folder)
    (folder / "pictures").mkdir()
    for sample in SAMPLES.glob("*.png"):
        shutil.copy(sample, folder / "pictures")
    (folder / "scans").mkdir()
    template, rng = load(TEMPLATE), np.random.default_rng(1)
    texts = filled_forms.draw_texts(template, rng)
    page = filled_forms.write_texts(
        template, filled_forms.render_blank_page(template), texts, full_mnist.validation, rng
    )
    (folder / "scans" / "1.jpg").write_bytes(filled_forms.scan_page(template, page, rng).data)
    for name, data in mnist.fetch()[0].items():
        (folder / name).write_bytes(data)
    form = ("form", "read", TEMPLATE, "scans", "--out", "table.csv", "--processes", "1")
    train = ("train", "--recipe", "quick", "--data", folder, "--out", "run")
    export = ("export", "run", "--format", "litert", "--data", folder)
    with ThreadPoolExecutor() as pool:
        waiting = {
            "read": pool.submit(sandbox.run, "read", ("read", "pictures"), AND_STAY),
            "serve": pool.submit(sandbox.serve, "serve"),
            "form read": pool.submit(sandbox.run, "form", form, AND_STAY),
        }
        done = {
            "train": sandbox.run("train", train, ON_FEW_IMAGES),
            "export": sandbox.run("export", export, ON_FEW_IMAGES),
        }
        return done | {name: outcome.result() for name, outcome in waiting.items()}


every_command = pytest.mark.parametrize("name", ["read", "serve", "form read", "train", "export"])


@every_command
def test_a_command_leaves_no_file_of_others_in_the_home_folder(outcomes, name):
    stopped = -signal.SIGTERM if name == "serve" else 0
    assert outcomes[name].exit_code == stopped, outcomes[name].stderr
    assert outcomes[name].files == []


@every_command
def test_a_command_makes_no_network_call(outcomes, name):
    assert outcomes[name].calls == []


@pytest.mark.parametrize("name", ["read", "serve"])
def test_standard_error_stays_clean(outcomes, name):
    assert outcomes[name].stderr == ""


# Nobody, root included, can make a file in /proc.
@pytest.mark.parametrize("home", [None, "/proc", "/proc/missing"])
def test_standard_error_stays_clean_without_a_home_folder_to_write_to(home):
    done = subprocess.run(
        command("read", METER), env=variables_of(home), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "40713" in done.stdout


def test_a_call_to_the_network_would_be_found(tmp_path):
    trace = tmp_path / "trace"
    # 192.0.2.1 is reserved for documentation; a datagram's connection sends nothing.
    code = "import socket as s; s.socket(s.AF_INET, s.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    subprocess.run([*traced(trace), *command(code=code)], check=False)
    assert any("192.0.2.1" in call for call in network_calls(trace))


def test_importing_inkread_turns_telemetry_off():
    names = ("ORT_DISABLE_TELEMETRY", "RAY_USAGE_STATS_ENABLED")
    code = f"import inkread, os; print(*map(os.environ.get, {names}))"
    done = subprocess.run(
        command(code=code), env=variables_of(None), capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "0"]


def test_what_the_user_has_set_is_kept(monkeypatch, tmp_path):
    chosen = {
        "ORT_DISABLE_TELEMETRY": "0",
        "RAY_USAGE_STATS_ENABLED": "1",
        "KERAS_HOME": str(tmp_path / "mine"),
        "MPLCONFIGDIR": str(tmp_path / "mine too"),
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)
    privacy.disable_telemetry()
    privacy.keep_library_files_in_cache()
    assert {name: os.environ[name] for name in chosen} == chosen


@pytest.fixture
def home(monkeypatch, tmp_path):
    for name in ("KERAS_HOME", "MPLCONFIGDIR", "INKREAD_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, "")  # so that it is put back
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return tmp_path


def test_keras_and_matplotlib_get_folders_in_the_cache(home):
    privacy.keep_library_files_in_cache()
    cache = home / ".cache" / "inkread"
    assert os.environ["KERAS_HOME"] == str(cache / "keras")
    assert os.environ["MPLCONFIGDIR"] == str(cache / "matplotlib")
    assert list(home.iterdir()) == []


@pytest.mark.parametrize(
    ("folder", "variable"),
    [
        (".keras", "KERAS_HOME"),
        ("config/matplotlib", "MPLCONFIGDIR"),
        (".matplotlib", "MPLCONFIGDIR"),
    ],
)
def test_a_library_keeps_the_folder_that_the_user_has_for_it(home, folder, variable):
    (home / folder).mkdir(parents=True)
    privacy.keep_library_files_in_cache()
    assert variable not in os.environ


def imported(path):
    """The names of the modules that a file imports, in their order."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "lineno")]
    for node in sorted(nodes, key=lambda node: node.lineno):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("path", [*ROOT.glob("benchmarks/*.py"), *ROOT.glob("tools/*.py")], ids=str)
def test_a_script_imports_inkread_before_the_libraries(path):
    roots = [name.split(".")[0] for name in imported(path)]
    libraries = [place for place, root in enumerate(roots) if root in LIBRARIES]
    before = roots[: libraries[0]] if libraries else ["inkread"]
    assert {"inkread", "provenance"} & set(before)  # provenance.py imports inkread


def test_keras_and_matplotlib_are_imported_where_their_folders_are_chosen():
    users = [
        path.relative_to(PACKAGE)
        for path in PACKAGE.rglob("*.py")
        if {name.split(".")[0] for name in imported(path)} & {"keras", "matplotlib", "tensorflow"}
    ]
    assert {path.parts[0] for path in users} == {"training"}
