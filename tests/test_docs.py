import ast
import importlib
import re
import shlex
from pathlib import Path

import pytest
import typer

import inkread
from inkread.cli.app import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
PAGE_NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
SHELLS = {"console", "bash", "sh", "shell"}
FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
COMMAND_LINE = typer.main.get_command(app)

every_page = pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)


def blocks(page, languages):
    return [text for _, language, text in FENCE.findall(page.read_text()) if language in languages]


def shell_commands(page):
    """The commands of a page's shell blocks, as lists of words, pipes and redirections apart."""
    for block in blocks(page, SHELLS):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.strip().removeprefix("$ "), comments=True)
            command = []
            for word in [*words, "|"]:
                if word in ("|", "&&", ";", ">", ">>", "<"):
                    if command:
                        yield command
                    command = []
                else:
                    command.append(word)


def commands(command=COMMAND_LINE, path=()):
    """Every command of the real command line with the words that call it."""
    yield path, command
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, (*path, name))


def options(command):
    names = {name for parameter in command.params for name in parameter.opts}
    return {name for name in names if name.startswith("-")} | {"-h", "--help"}


def assert_possible(words):
    """Follow the words of one ``inkread`` command through the real command line."""
    command = COMMAND_LINE
    for word in words[1:]:
        if word.startswith("-") and word != "-":
            name = word.split("=")[0]
            assert name in options(command), f"{shlex.join(words)}: no option {name}"
        elif hasattr(command, "commands"):
            assert word in command.commands, f"{shlex.join(words)}: no command {word}"
            command = command.commands[word]


def test_the_pages_are_there():
    expected = {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/guide.md", "docs/design.md"}
    assert expected <= set(PAGE_NAMES)


@every_page
def test_every_inkread_command_shown_is_possible(page):
    for words in shell_commands(page):
        if words[0] == "inkread":
            assert_possible(words)


def test_commands_are_shown():
    shown = [words for page in PAGES for words in shell_commands(page) if words[0] == "inkread"]
    assert len(shown) >= 5


@pytest.mark.parametrize(
    "line", ["inkread reed a.png", "inkread read --jsn a.png", "inkread data --json info"]
)
def test_an_impossible_command_would_be_found(line):
    with pytest.raises(AssertionError):
        assert_possible(shlex.split(line))


@pytest.mark.parametrize(
    ("path", "command"),
    [(path, command) for path, command in commands() if path],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_every_command_and_option_is_documented(path, command):
    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "guide.md").read_text()
    assert re.search(rf"\binkread {' '.join(path)}\b", text)
    long_options = {name for name in options(command) if name.startswith("--")} - {"--help"}
    missing = {name for name in long_options if not re.search(rf"{name}(?![\w-])", text)}
    assert not missing


def test_the_options_of_the_whole_are_documented():
    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "guide.md").read_text()
    assert "--version" in text


@every_page
def test_every_make_target_mentioned_exists(page):
    targets = set(re.findall(r"^([\w-]+):(?!=)", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = page.read_text()
    inline = re.findall(r"`make ([\w-]+)`", text)
    shown = [word for words in shell_commands(page) if words[0] == "make" for word in words[1:]]
    mentioned = {word for word in (*inline, *shown) if not word.startswith("-") and "=" not in word}
    assert mentioned <= targets


@every_page
def test_every_file_mentioned_exists(page):
    mentioned = re.findall(
        r"(?<![\w./-])((?:benchmarks|tools|docs|src|tests)/[\w./-]*\w\.\w+)", page.read_text()
    )
    missing = [name for name in mentioned if not (ROOT / name).exists()]
    assert missing == []


@every_page
def test_every_link_leads_somewhere(page):
    targets = re.findall(r"\]\(<?([^)\s>]+)>?\)", page.read_text())
    local = [target.split("#")[0] for target in targets if not re.match(r"\w+:", target)]
    missing = [target for target in local if not (page.parent / target).exists()]
    assert missing == []


@every_page
def test_every_python_block_compiles_and_uses_names_that_exist(page):
    for block in blocks(page, {"python", "py"}):
        compile(block, page.name, "exec")
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "inkread":
                module = importlib.import_module(node.module)
                for alias in node.names:
                    assert hasattr(module, alias.name), f"{node.module} has no {alias.name}"
            elif isinstance(node, ast.Attribute) and ast.unparse(node.value) == "inkread":
                assert hasattr(inkread, node.attr), f"inkread has no {node.attr}"


def test_the_newest_change_is_of_this_version():
    versions = re.findall(
        r"^## \[?v?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE
    )
    assert versions[0] == inkread.__version__
