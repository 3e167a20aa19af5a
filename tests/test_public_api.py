import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import inkread

PACKAGE = Path(inkread.__file__).parent
MODULES = [
    "inkread",
    *(info.name for info in pkgutil.walk_packages([str(PACKAGE)], prefix="inkread.")),
]
# Of an extra, but listed in every installation.
COMMANDS = {name for name in MODULES if name.startswith("inkread.cli.")}
EXTRAS = ("training", "web", "scale", "forms", "corrections")
BASE_MODULES = [
    name
    for name in MODULES
    if name.split(".")[1:2] not in [[folder] for folder in EXTRAS]
    and name not in {"inkread.cli.demo", "inkread.explain.feature_maps"}
]
TRAINING = {
    *("tensorflow", "keras", "matplotlib", "sklearn", "scipy", "onnx", "tf2onnx", "jinja2"),
    *("fastapi", "pydantic", "uvicorn", "sqlalchemy", "alembic", "prometheus_client"),
}
READING = {"cv2", "onnxruntime"}
FORMS = {"yaml", "pydantic", "reportlab", "pyarrow", "openpyxl"}


def source_of(module):
    path = PACKAGE.joinpath(*module.split(".")[1:])
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def parsed(module):
    return ast.parse(source_of(module).read_text())


def imports(node, *, inside_functions):
    """The modules that a piece of code imports, those for its types among them."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        yield from (
            f"{node.module}.{alias.name}"
            if f"{node.module}.{alias.name}" in MODULES
            else node.module
            for alias in node.names
        )
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        is_for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if inside_functions or not (is_function or is_for_types):
            yield from imports(child, inside_functions=inside_functions)


def public_definitions(module):
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [
        node
        for node in parsed(module).body
        if isinstance(node, kinds) and not node.name.startswith("_")
    ]


def loaded_after(code):
    """The top-level modules that a fresh process has loaded after running ``code``."""
    program = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in json.loads(done.stdout)}


def test_the_public_names_are_these():
    assert inkread.__all__ == [
        "Box",
        "BusyError",
        "ConfigError",
        "DataError",
        "Digit",
        "ImageError",
        "InkreadError",
        "ModelError",
        "Notation",
        "Number",
        "Page",
        "Reader",
        "StoreError",
        "__version__",
        "read",
    ]


def test_the_public_names_are_listed_and_there():
    assert set(inkread.__all__) <= set(dir(inkread))
    for name in inkread.__all__:
        assert getattr(inkread, name) is not None


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'write'"):
        _ = inkread.write


@pytest.mark.parametrize("module", MODULES)
def test_all_names_what_is_there(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__ or source_of(module).read_text() == ""
    if not hasattr(loaded, "__path__") or module == "inkread":
        assert list(loaded.__all__) == sorted(set(loaded.__all__), key=sort_key)
        assert all(hasattr(loaded, name) for name in loaded.__all__)


def sort_key(name):
    """Constants, then classes, then the rest, as ruff sorts ``__all__``."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2, name


@pytest.mark.parametrize(
    "module", [name for name in MODULES if name not in {"inkread.cli.app", *COMMANDS}]
)
def test_every_public_function_and_class_is_in_all(module):
    listed = getattr(importlib.import_module(module), "__all__", ())
    assert {node.name for node in public_definitions(module)} <= set(listed)


@pytest.mark.parametrize("module", MODULES)
def test_everything_public_has_a_docstring(module):
    bare = []
    for node in public_definitions(module):
        members = node.body if isinstance(node, ast.ClassDef) else []
        methods = [
            member
            for member in members
            if isinstance(member, ast.FunctionDef) and not member.name.startswith("_")
        ]
        bare += [each.name for each in (node, *methods) if not ast.get_docstring(each)]
    assert bare == []


def test_importing_loads_nothing_heavy():
    assert not loaded_after("import inkread") & (TRAINING | READING)


def test_the_reader_loads_nothing_of_training():
    loaded = loaded_after("import inkread; inkread.Reader")
    assert not loaded & TRAINING
    assert loaded >= READING


def test_reading_a_picture_loads_nothing_of_training():
    code = "import inkread, numpy; inkread.read(numpy.full((40, 60), 255, 'uint8'))"
    assert not loaded_after(code) & TRAINING


def test_the_command_line_loads_nothing_of_training():
    assert not loaded_after("import inkread.cli.app") & (TRAINING | READING | FORMS)


@pytest.mark.parametrize("module", BASE_MODULES)
def test_reading_does_not_import_training(module):
    imported = (
        set(imports(parsed(module), inside_functions=False)) - COMMANDS - {"inkread.training.plan"}
    )
    assert not [name for name in imported if name.startswith("inkread.training")]
    assert not {name.split(".")[0] for name in imported} & TRAINING


def test_only_one_module_knows_ray():
    known = {
        module: {name.split(".")[0] for name in imports(parsed(module), inside_functions=True)}
        for module in MODULES
    }
    assert [module for module in MODULES if "ray" in known[module]] == ["inkread.scale.ray_engine"]


def test_only_runtime_knows_onnxruntime():
    knowing = [
        module
        for module in MODULES
        if "onnxruntime" in imports(parsed(module), inside_functions=True)
    ]
    assert knowing == ["inkread.models.runtime"]
