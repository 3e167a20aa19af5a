"""Runs the command line, in this process or in one of its own, for tests."""

import os
import subprocess
import sys

from typer.testing import CliRunner

from inkread.cli.app import app

__all__ = ["run", "run_for_real"]


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
