import ast
import re
from pathlib import Path

import pytest
from layers import LAYERS

import inkread

PACKAGE = Path(inkread.__file__).parent
DESIGN = Path(__file__).parent.parent / "docs" / "design.md"
MAX_TOP_MODULES, MAX_TRAINING_MODULES, MAX_LINES = 8, 18, 400
ORDER = [
    ".".join(filter(None, (folder, name)))
    for folder, names in LAYERS.items()
    for name in names.split() or [""]
]


def name_of(path):
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


SOURCES = {
    name_of(path): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if "migrations" not in path.parts and not path.name.startswith("__")
}


def imports_of(path):
    """Every module of the package that a module imports, anywhere in it, types included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}".removeprefix("inkread.")
                found = whole if whole in SOURCES else node.module.removeprefix("inkread.")
                if found in SOURCES:
                    yield found
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.removeprefix("inkread.")
                for alias in node.names
                if alias.name.removeprefix("inkread.") in SOURCES
            )


def test_every_module_is_in_the_order_once():
    assert sorted(ORDER) == sorted(SOURCES)


@pytest.mark.parametrize("module", ORDER)
def test_a_module_imports_only_those_before_it(module):
    place = ORDER.index(module)
    later = {name for name in imports_of(SOURCES[module]) if ORDER.index(name) >= place}
    assert later == set()


def test_the_design_shows_the_same_order():
    """The design's tree: a folder or module at the start of a line, then what is in it."""
    tree = re.search(r"```text\nsrc/inkread/\n(.*?)```", DESIGN.read_text(), re.DOTALL)[1]
    shown, folder, inner = [], "", ""
    for line in tree.splitlines():
        words = re.split(r" {2,}#", line)[0].split()
        if not words:
            continue
        if line.startswith("  ") and not line.startswith("   "):
            folder = inner = ""
            if words[0].endswith("/"):
                folder, words = words[0].rstrip("/"), words[1:]
        for word in words:
            if word.endswith("/"):
                inner = word.rstrip("/")
            elif word == "|":
                inner = ""
            else:
                shown.append(".".join(filter(None, (folder, inner, word))))
    assert shown == ORDER


def test_the_top_and_training_hold_few_modules():
    top = [name for name in SOURCES if "." not in name]
    training = [name for name in SOURCES if re.fullmatch(r"training\.\w+", name)]
    assert len(top) <= MAX_TOP_MODULES
    assert len(training) <= MAX_TRAINING_MODULES


def test_a_name_of_a_module_or_folder_exists_once():
    names = [name.rsplit(".", 1)[-1] for name in SOURCES]
    names += [path.parent.name for path in PACKAGE.rglob("__init__.py") if path.parent != PACKAGE]
    assert sorted(names) == sorted(set(names))


def test_a_name_of_a_public_type_exists_once():
    types = [
        node.name
        for path in SOURCES.values()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]
    assert sorted(types) == sorted(set(types))


@pytest.mark.parametrize("folder", [PACKAGE, Path(__file__).parent], ids=["modules", "tests"])
def test_no_file_is_long(folder):
    long = [
        path.name for path in folder.rglob("*.py") if len(path.read_text().splitlines()) > MAX_LINES
    ]
    assert long == []


def test_only_the_package_itself_has_an_init_with_code():
    filled = [path.parent.name for path in PACKAGE.rglob("__init__.py") if path.read_text().strip()]
    assert sorted(filled) == ["explain", "inkread", "training"]
