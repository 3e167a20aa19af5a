"""The README as a package index shows it: there, links relative to the repository lead nowhere."""

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = ["ReadmeHook", "readme_for_index"]

_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?!\w+:|#)(?P<path>[^)\s]+)\)")


def readme_for_index(readme: str, repository: str | None) -> str:
    """Make the README's links independent of where it stands.

    Args:
        readme: Markdown whose relative links start at the root of the repository.
        repository: address of the repository; ``None``: it has none, so links become plain text
            and pictures are left out.
    """

    def replaced(link: re.Match[str]) -> str:
        if repository is None:
            return "" if link["picture"] else link["text"]
        view = "raw" if link["picture"] else "blob"
        address = f"{repository.rstrip('/')}/{view}/main/{link['path']}"
        return f"{link['picture']}[{link['text']}]({address})"

    return re.sub(r"\n\s*\n", "\n\n", _LINK.sub(replaced, readme))  # pictures leave blank lines


class ReadmeHook(MetadataHookInterface):
    """Puts the README into the package's metadata; links lead to ``Repository`` of its URLs."""

    def update(self, metadata: dict[str, object]) -> None:
        """Add the readme to the project's metadata."""
        urls = metadata.get("urls")
        repository = urls.get("Repository") if isinstance(urls, dict) else None
        readme = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = readme_for_index(readme, repository)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
