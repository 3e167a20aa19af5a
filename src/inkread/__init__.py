"""inkread reads handwritten digits and numbers in photos, scans and drawings.

```python
import inkread

page = inkread.read("meter.jpg")
page.numbers[0].text, page.numbers[0].confidence
```

Importing it loads neither TensorFlow nor ONNX Runtime; the reader comes with its first use.
"""

from typing import TYPE_CHECKING, Any

from inkread import privacy
from inkread.errors import (
    BusyError,
    ConfigError,
    DataError,
    ImageError,
    InkreadError,
    ModelError,
    StoreError,
)
from inkread.notation import Notation
from inkread.results import Box, Digit, Number, Page

if TYPE_CHECKING:
    from inkread.reader import Reader, read

__all__ = [
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

__version__ = "0.2.0"

privacy.disable_telemetry()


def __getattr__(name: str) -> Any:
    """Import what needs OpenCV and ONNX Runtime when it is first asked for (PEP 562)."""
    if name in ("Reader", "read"):
        from inkread import reader

        return getattr(reader, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names, those that are not imported yet among them."""
    return sorted({*globals(), *__all__})
