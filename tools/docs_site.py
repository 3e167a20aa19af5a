"""Pages of the documentation site that stand in no file of their own; hooks of MkDocs.

The home page is the README, the tutorial is the notebook, and the HTTP reference is what the
service says of itself.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from inkread.web.application import create_app
from inkread.web.settings import Settings

ROOT = Path(__file__).parent.parent
_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)\s]+)\)")
# The public surface, in the order in which one needs it.
PYTHON = (
    "inkread", "inkread.reader", "inkread.results", "inkread.notation", "inkread.errors",
    "inkread.explain.occlusion", "inkread.models.runtime", "inkread.forms.template",
    "inkread.forms.form_reader",
)  # fmt: skip
TRAINING = (
    "inkread.training.mnist", "inkread.training.recipes", "inkread.training.train",
    "inkread.training.evaluation.evaluate", "inkread.training.evaluation.plots",
    "inkread.training.evaluation.calibrate", "inkread.training.networks.architectures",
)  # fmt: skip


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    made = {
        "index.md": make_home((ROOT / "README.md").read_text()),
        "tutorial.md": make_tutorial(json.loads((ROOT / "docs" / "tutorial.ipynb").read_text())),
        "reference/python.md": make_reference("Python", PYTHON),
        "reference/training.md": make_reference("Training", TRAINING),
        "reference/http.md": "\n".join(describe_service(load_openapi())),
    }
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Make links to files that are no pages plain text."""
    del config
    folder = Path(page.file.src_uri).parent

    def kept(link: re.Match[str]) -> str:
        mark, text, target = link.groups()
        path = (ROOT / "docs" / folder / target.split("#")[0]).resolve()
        inside = path.is_relative_to(ROOT / "docs")
        name = path.relative_to(ROOT / "docs").as_posix() if inside else ""
        is_known = inside and files.get_file_from_path(name) is not None
        return link[0] if is_known or not target.split("#")[0] else "" if mark else text

    return _LINK.sub(kept, markdown.replace("](tutorial.ipynb)", "](tutorial.md)"))


def make_home(readme: str) -> str:
    """Make the README the home page: it stands in the folder that its links lead to."""
    return readme.replace("](docs/", "](")


def make_reference(title: str, modules: tuple[str, ...]) -> str:
    """Make a page of the docstrings of modules."""
    return "\n\n".join([f"# {title}", *(f"::: {module}" for module in modules)]) + "\n"


def make_tutorial(book: dict[str, Any]) -> str:
    """Make the notebook a page: its text, its code, and what the code printed and drew."""
    parts = []
    for cell in book["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source)
            continue
        parts.append(f"```python\n{source}\n```")
        parts += [part for output in cell["outputs"] for part in show_output(output)]
    return "\n\n".join(parts) + "\n"


def show_output(output: dict[str, Any]) -> Iterator[str]:
    """Show what a cell printed, or a picture that it drew."""
    data = output.get("data", {})
    if "image/png" in data:
        yield f"![What the cell draws](data:image/png;base64,{''.join(data['image/png']).strip()})"
    text = "".join(output.get("text", data.get("text/plain", "")))
    if text and "image/png" not in data:
        yield f"```text\n{text.rstrip()}\n```"


def load_openapi() -> dict[str, Any]:
    """Return what the service says of itself."""
    return create_app(Settings()).openapi()


def describe_service(document: dict[str, Any]) -> Iterator[str]:
    """Describe the HTTP interface in Markdown."""
    yield f"# HTTP\n\n{document['info']['description']}"
    yield "Of a running service, `GET /openapi.json` is all of this for programs.\n"
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            yield f"## `{method.upper()} {path}`\n"
            yield f"{operation['description']}\n"
            yield from describe_parameters(operation.get("parameters", []))
            yield from describe_answers(operation["responses"])


def describe_parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    """Describe the parameters of an operation as a table."""
    if parameters:
        yield "| parameter | in | what it is |\n|---|---|---|"
        for each in parameters:
            told = each.get("description") or each.get("schema", {}).get("description", "")
            yield f"| `{each['name']}` | {each['in']} | {told} |"
        yield ""


def describe_answers(responses: dict[str, Any]) -> Iterator[str]:
    """Describe the answers of an operation: an example, and the problems that there may be."""
    problems = []
    for status, answer in sorted(responses.items()):
        if int(status) >= 400:
            problems.append(f"{status} {answer.get('description', '').lower()}")
            continue
        for kind, content in answer.get("content", {}).items():
            yield f"Answers {status} with `{kind}`.\n"
            if "example" in content:
                example = json.dumps(content["example"], indent=1, ensure_ascii=False)
                yield f"```json\n{shorten(example)}\n```\n"
    if problems:
        yield f"Problems: {'; '.join(problems)}.\n"


def shorten(example: str) -> str:
    """Write lists of numbers in one line, long ones with an ellipsis."""
    joined = re.sub(r"\[\s*([-0-9.,\s]+?)\s*\]", lambda m: f"[{' '.join(m[1].split())}]", example)
    joined = re.sub(r"\[(\[[-0-9., ]*\]),\s*(?:\[[-0-9., ]*\],?\s*){3,}\]", r"[\1, …]", joined)
    return re.sub(r"\[((?:[-0-9.]+, ){10})(?:[-0-9.]+, ?)+[-0-9.]+\]", r"[\1…]", joined)
