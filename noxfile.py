"""The quick tests with every Python found, and with the lowest declared versions: ``make matrix``.

Pythons that are not installed are left out; pyenv's are found. ``nox --list`` shows the sessions,
``nox --session lowest`` runs some of them, and words after ``--`` go to pytest.
"""

import os
import shutil
from pathlib import Path

import nox

SUPPORTED = ("3.11", "3.12", "3.13")
# What takes minutes, or needs a browser, Ray or strace; `make test` runs it with one Python.
SLOW = (
    "tests/cli/test_demo.py",
    "tests/cli/test_train_commands.py",
    "tests/cli/test_train_on_corrections.py",
    "tests/imaging/test_fuzz.py",
    "tests/scale/test_ray_engine.py",
    "tests/test_privacy.py",
    "tests/test_tutorial.py",
    "tests/training/test_finetune.py",
    "tests/training/test_members_and_teachers.py",
    "tests/training/test_resuming.py",
    "tests/training/test_train.py",
    "tests/training/test_train_line.py",
    "tests/web/test_correction_page.py",
    "tests/web/test_form_page.py",
    "tests/web/test_form_review.py",
    "tests/web/test_openapi.py",
    "tests/web/test_page.py",
    "tests/web/test_page_files.py",
    "tests/web/test_page_ink.py",
)
# Old libraries use what the newest of their own dependencies have deprecated.
DEPRECATIONS_OF_OTHERS = ("-W", "default::DeprecationWarning")

nox.options.default_venv_backend = "uv"
nox.options.download_python = "never"


def installed_pythons() -> list[str]:
    """List the supported Pythons of this machine, after putting pyenv's on the path."""
    pyenv = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser() / "versions"
    folders = [
        str(path.parent) for v in SUPPORTED for path in sorted(pyenv.glob(f"{v}.*/bin/python"))
    ]
    os.environ["PATH"] = os.pathsep.join([*folders, os.environ["PATH"]])
    return [version for version in SUPPORTED if shutil.which(f"python{version}")]


PYTHONS = installed_pythons()


@nox.session(python=PYTHONS)
def pinned(session: nox.Session) -> None:
    """Test with the versions of constraints.txt."""
    session.install("--constraint", "constraints.txt", "--editable", ".[dev]")
    run_quick_tests(session)


@nox.session(python=sorted({*PYTHONS[:1], *PYTHONS[-1:]}))
def lowest(session: nox.Session) -> None:
    """Test with the lowest declared versions that have wheels for the Python."""
    session.install(
        *("--resolution", "lowest-direct", "--only-binary", ":all:"),
        *("--requirements", "pyproject.toml", "--extra", "dev"),
    )
    session.install("--no-deps", "--editable", ".")
    run_quick_tests(session, *DEPRECATIONS_OF_OTHERS)


def run_quick_tests(session: nox.Session, *options: str) -> None:
    """Run all tests but the slow ones."""
    if gone := [path for path in SLOW if not Path(path).exists()]:
        session.error(f"expected slow tests at {gone}: name their new places in noxfile.py")
    ignored = [f"--ignore={path}" for path in SLOW]
    session.run("pytest", "-p", "no:cacheprovider", *options, *ignored, *session.posargs)
