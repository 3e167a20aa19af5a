"""The model files that have been promoted, and which of them is in use: a folder.

```
models/
  glyph-cascade-0001.onnx   one file a version, never changed once it is there
  glyph-cascade-0002.onnx
  current                     the promoted versions' file names, the one in use last
```
``current`` is replaced atomically: a reader sees the state before a promotion or the one after it.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from inkread.errors import ConfigError, ModelError
from inkread.files import replace_atomically, write_atomically
from inkread.models.metadata import ModelMetadata
from inkread.models.runtime import LineModel, Model, list_shipped_models

__all__ = ["ListedModel", "Registry", "Version", "get_default_folder", "list_models"]

_CURRENT = "current"
_VERSION = re.compile(r"(?P<name>.+)-(?P<number>\d{4,})\.onnx")


@dataclass(frozen=True)
class Version:
    """A promoted model file.

    Attributes:
        number: from 1, in the order of promotion.
        path: of the model file.
        is_current: whether it is the one in use.
    """

    number: int
    path: Path
    is_current: bool


def get_default_folder() -> Path:
    """Return where models are promoted to: ``$INKREAD_MODELS`` or in the user's data folder."""
    return Path(
        os.environ.get("INKREAD_MODELS") or Path(platformdirs.user_data_dir("inkread")) / "models"
    )


class Registry:
    """A folder of promoted models; it need not be there before the first promotion.

    Attributes:
        folder: where the model files lie.
    """

    def __init__(self, folder: Path | str) -> None:
        """Look at nothing yet."""
        self.folder = Path(folder)

    def get_stamp(self) -> tuple[int, int] | None:
        """Return what changes whenever ``current`` may have: one ``stat``, some microseconds."""
        try:
            status = (self.folder / _CURRENT).stat()
        except OSError:  # if not because nothing is promoted, then reading ``current`` tells
            return None
        return status.st_ino, status.st_mtime_ns

    def find_current(self) -> Path | None:
        """Return the model file in use; ``None`` if none is promoted, or all were rolled back.

        Raises:
            ModelError: the file is gone, or ``current`` can't be read.
        """
        names = self._promoted()
        if not names:
            return None
        path = self.folder / names[-1]
        if not path.is_file():
            raise ModelError(f"expected the model in use at {path}, found none")
        return path

    def list_versions(self) -> list[Version]:
        """List the promoted models, those that were rolled back among them, the oldest first.

        Raises:
            ModelError: ``current`` can't be read.
        """
        promoted = self._promoted()
        found = []
        for path in self.folder.glob("*.onnx"):
            if match := _VERSION.fullmatch(path.name):
                is_current = path.name in promoted[-1:]
                found.append(Version(int(match["number"]), path, is_current))
        return sorted(found, key=lambda version: version.number)

    def promote(self, model_file: Path, name: str) -> Version:
        """Put a copy of a model file into use.

        Args:
            model_file: the one to copy.
            name: what the version is called before its number; a version's own name may be given.

        Raises:
            ModelError: not a model file that can be loaded.
            OSError: the folder can't be written; the model in use is then as it was.
        """
        Model(model_file, threads=1)  # what can't be loaded must not get into use
        base = match["name"] if (match := _VERSION.fullmatch(f"{name}.onnx")) else name
        if base != Path(base).name or not base:
            raise ConfigError(f"expected a name for a file, received {name!r}")
        promoted = self._promoted()
        number = max((version.number for version in self.list_versions()), default=0) + 1
        path = self.folder / f"{base}-{number:04}.onnx"
        with replace_atomically(path) as temporary:
            temporary.write_bytes(model_file.read_bytes())
        self._write([*promoted, path.name])
        return Version(number, path, is_current=True)

    def roll_back(self) -> Path | None:
        """Go back to the model that was in use before the current one was promoted.

        Returns:
            The model file now in use; ``None``: no promoted one, but the model that the service was
            started with.

        Raises:
            ConfigError: no promoted model is in use.
            ModelError: the model to go back to is gone; the one in use stays.
            OSError: the folder can't be written; the model in use is then as it was.
        """
        promoted = self._promoted()
        if not promoted:
            raise ConfigError(
                f"expected a promoted model to go back from, found none in {self.folder}"
            )
        if promoted[1:] and not (self.folder / promoted[-2]).is_file():
            raise ModelError(f"expected a model to go back to at {promoted[-2]}, found none")
        self._write(promoted[:-1])
        return self.find_current()

    def _promoted(self) -> list[str]:
        path = self.folder / _CURRENT
        try:
            names = path.read_text().splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(f"expected the names of promoted models in {path}: {error}") from error
        if unfit := [name for name in names if not _VERSION.fullmatch(name) or "/" in name]:
            raise ModelError(f"expected the names of promoted models in {path}, received {unfit}")
        return names

    def _write(self, promoted: list[str]) -> None:
        write_atomically(self.folder / _CURRENT, "".join(f"{name}\n" for name in promoted))


@dataclass(frozen=True)
class ListedModel:
    """A model file that can be used.

    Attributes:
        name: the shipped model's name, or the promoted file's name without its suffix.
        metadata: as the file holds them.
        size_bytes: size of the file.
        is_current: whether it is the promoted model that is in use.
    """

    name: str
    metadata: ModelMetadata
    size_bytes: int
    is_current: bool = False


def list_models(folder: Path) -> list[ListedModel]:
    """List the models that ship and those that were promoted to a folder.

    Raises:
        ModelError: a model, or the state of the folder, can't be read.
    """
    listed = [
        ListedModel(name, kind(path).metadata, path.stat().st_size)
        for kind in (Model, LineModel)
        for name, path in list_shipped_models(kind.kind).items()
    ]
    for version in Registry(folder).list_versions():
        path = version.path
        metadata, size_bytes = Model(path).metadata, path.stat().st_size
        listed.append(ListedModel(path.stem, metadata, size_bytes, version.is_current))
    return listed
