"""A registry of promoted model files: a folder with all versions, and which of them is in use.

```
models/
  glyph-cascade-0001.onnx   one file for each version, which is never changed
  line-0002.line.onnx       a line model, which reads numbers
  current                   file names of the promoted versions; the last one of each kind is in use
```
``current`` is replaced atomically, so a reader sees the state before or after a promotion.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from inkread.errors import ConfigError, ModelError
from inkread.files import find_user_folder, hold_lock, replace_atomically, write_atomically
from inkread.models.layout_model import LayoutModel
from inkread.models.metadata import ModelMetadata
from inkread.models.runtime import LineModel, Model, list_shipped_models

__all__ = ["ListedModel", "Registry", "Version", "get_default_folder", "list_models"]

_CURRENT, _LINE = "current", ".line"
_LOCK_WAIT_S = 30.0  # promotions take a second each
_VERSION = re.compile(r"(?P<name>.+)-(?P<number>\d{4,})(?P<line>\.line)?\.onnx")


@dataclass(frozen=True)
class Version:
    """A promoted model file.

    Attributes:
        number: from 1, in the order of promotion.
        path: of the model file.
        is_current: whether it is the one of its kind that is in use.
    """

    number: int
    path: Path
    is_current: bool

    @property
    def kind(self) -> type[Model | LineModel]:
        """What the file is loaded as."""
        return _kind_of(self.path.name)


def get_default_folder() -> Path:
    """Return the default folder of a registry: ``$INKREAD_MODELS``, or one in the user's data.

    Raises:
        ConfigError: the variable isn't set, and the user has no home, as in some containers.
    """
    return find_user_folder(
        "INKREAD_MODELS", lambda name: platformdirs.user_data_path(name) / "models"
    )


class Registry:
    """A folder of promoted models, which the first promotion creates if it doesn't exist.

    Attributes:
        folder: of the model files.
    """

    def __init__(self, folder: Path | str) -> None:
        """Set the folder, without reading it yet."""
        self.folder = Path(folder)

    def get_stamp(self) -> tuple[int, int] | None:
        """Return a value that changes when ``current`` is replaced; takes some microseconds.

        Returns:
            The inode and modification time (ns) of ``current``; ``None`` if it can't be found.
        """
        try:
            status = (self.folder / _CURRENT).stat()
        except OSError:  # nothing is promoted, or else reading ``current`` raises the error
            return None
        return status.st_ino, status.st_mtime_ns

    def find_current(self, kind: type[Model | LineModel] = Model) -> Path | None:
        """Return the model file in use; ``None`` if none is promoted, or all were rolled back.

        Args:
            kind: of the model.

        Raises:
            ModelError: the file is missing, or ``current`` can't be read.
        """
        names = [name for name in self._read_promoted() if _kind_of(name) is kind]
        if not names:
            return None
        path = self.folder / names[-1]
        if not path.is_file():
            raise ModelError(f"expected the model in use at {path}, found none")
        return path

    def list_versions(self) -> list[Version]:
        """List all versions, including those that were rolled back, oldest first.

        Raises:
            ModelError: ``current`` can't be read.
        """
        in_use = {_kind_of(name): name for name in self._read_promoted()}
        found = []
        for path in self.folder.glob("*.onnx"):
            if match := _VERSION.fullmatch(path.name):
                is_current = path.name in in_use.values()
                found.append(Version(int(match["number"]), path, is_current))
        return sorted(found, key=lambda version: version.number)

    def promote(
        self, model_file: Path, name: str, kind: type[Model | LineModel] = Model
    ) -> Version:
        """Copy a model file to the registry, and put it into use.

        Args:
            model_file: the file to copy.
            name: of the version, without its number; the number of a full version name is dropped.
            kind: of the model.

        Returns:
            The new version.

        Raises:
            ModelError: the model file can't be loaded, or doesn't answer in ten seconds.
            ConfigError: the name is no file name.
            OSError: the folder can't be written; the model in use stays the same.
            BusyError: another process is changing the registry.
        """
        kind(model_file, threads=1).try_out()
        base = match["name"] if (match := _VERSION.fullmatch(f"{name}.onnx")) else name
        if base != Path(base).name or not base:
            raise ConfigError(f"expected a name for a file, received {name!r}")
        with hold_lock(self.folder / _CURRENT, wait_s=_LOCK_WAIT_S):
            promoted = self._read_promoted()
            number = max((version.number for version in self.list_versions()), default=0) + 1
            path = self.folder / f"{base}-{number:04}{_LINE if kind is LineModel else ''}.onnx"
            with replace_atomically(path) as temporary:
                temporary.write_bytes(model_file.read_bytes())
            self._write_promoted([*promoted, path.name])
        return Version(number, path, is_current=True)

    def roll_back(self) -> Path | None:
        """Put the model back into use that was in use before the last promotion.

        Returns:
            The model file now in use; ``None`` if it is no promoted one but the model that the
            service was started with.

        Raises:
            ConfigError: no promoted model is in use.
            ModelError: the previous model is missing; the one in use stays the same.
            OSError: the folder can't be written; the model in use stays the same.
            BusyError: another process is changing the registry.
        """
        if not self._read_promoted():
            raise self._nothing_promoted()
        with hold_lock(self.folder / _CURRENT, wait_s=_LOCK_WAIT_S):
            promoted = self._read_promoted()
            if not promoted:
                raise self._nothing_promoted()
            kind = _kind_of(promoted[-1])
            before = [name for name in promoted[:-1] if _kind_of(name) is kind]
            if before and not (self.folder / before[-1]).is_file():
                raise ModelError(f"expected a model to go back to at {before[-1]}, found none")
            self._write_promoted(promoted[:-1])
            return self.find_current(kind)

    def _nothing_promoted(self) -> ConfigError:
        return ConfigError(
            f"expected a promoted model to go back from, found none in {self.folder}"
        )

    def _read_promoted(self) -> list[str]:
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

    def _write_promoted(self, promoted: list[str]) -> None:
        write_atomically(self.folder / _CURRENT, "".join(f"{name}\n" for name in promoted))


def _kind_of(name: str) -> type[Model | LineModel]:
    return LineModel if name.endswith(f"{_LINE}.onnx") else Model


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
        for kind in (Model, LineModel, LayoutModel)
        for name, path in list_shipped_models(kind.kind).items()
    ]
    for version in Registry(folder).list_versions():
        path = version.path
        metadata, size_bytes = version.kind(path).metadata, path.stat().st_size
        listed.append(ListedModel(path.stem, metadata, size_bytes, version.is_current))
    return listed
