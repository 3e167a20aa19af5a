"""The errors inkread raises; every one says what was expected and what was received.

```
InkreadError
├── ImageError    a picture that is missing, empty, broken, too large, of a wrong dtype or shape
├── ModelError    a model file that is missing, corrupt, foreign, or of a newer format
├── DataError     a data set that is missing, incomplete, or whose checksum is wrong
├── ConfigError   a setting that doesn't exist or contradicts another
├── StoreError    a database that is unreachable, locked, full, broken, or of a newer schema
└── BusyError     a file or folder that another process is writing to
```
"""

__all__ = [
    "BusyError",
    "ConfigError",
    "DataError",
    "ImageError",
    "InkreadError",
    "ModelError",
    "StoreError",
]


class InkreadError(Exception):
    """The base of every error that inkread raises on purpose."""


class ImageError(InkreadError):
    """A picture that can't be read: missing, empty, broken, too large, wrong dtype or shape."""


class ModelError(InkreadError):
    """A model file that is missing, corrupt, foreign, or of a newer format version."""


class DataError(InkreadError):
    """A data set that is missing, incomplete, or whose checksum is wrong."""


class ConfigError(InkreadError):
    """A setting, recipe or run that doesn't exist or contradicts another."""


class StoreError(InkreadError):
    """A database that is unreachable, locked, full, broken, or of a newer schema."""


class BusyError(InkreadError):
    """A file or folder that another process is writing to."""
