"""Runs the command line, in this process or in one of its own, with sample pictures, for tests."""

import os
import subprocess
import sys
from importlib import resources
from pathlib import Path

from PIL import Image
from typer.testing import CliRunner

from inkread.cli.app import app

__all__ = [
    "CHALK",
    "METER",
    "SAMPLES",
    "WITHOUT_TRAIN_EXTRA",
    "run",
    "run_for_real",
    "save_blank_picture",
]

SAMPLES = Path(str(resources.files("inkread") / "samples"))
METER, CHALK = SAMPLES / "meter-40713.png", SAMPLES / "chalk-1969.png"
WITHOUT_TRAIN_EXTRA = """
import sys
for name in "keras tensorflow sklearn scipy matplotlib onnx tf2onnx jinja2 markupsafe".split():
    sys.modules[name] = None
sys.argv[0] = "inkread"
from inkread.cli.app import main
main()
"""


def run(*arguments, stdin=None):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.stderr
    return result


def run_for_real(*arguments, code=None, environment=None, **options):
    """Run the command line in its own process: ``code`` instead of ``-m inkread``."""
    started = ["-c", code] if code else ["-m", "inkread"]
    options = {"stdout": subprocess.PIPE, **options}
    result = subprocess.run(
        [sys.executable, *started, *map(str, arguments)],
        stderr=subprocess.PIPE,
        env={**os.environ, **(environment or {})},
        check=False,
        **options,
    )
    assert b"Traceback" not in result.stderr, result.stderr.decode()
    assert b"Exception ignored" not in result.stderr, result.stderr.decode()
    return result


def save_blank_picture(path):
    Image.new("L", (60, 40), 255).save(path)
    return path
