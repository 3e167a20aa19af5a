"""A reader that follows the registry: a service switches to a promoted model while it runs.

A service asks for its reader once a request:

```python
live = LiveReader(Registry(folder), model="default", threads=2)  # once, when the service starts
reader = live.reader()  # in every request, and then only this one until the request is answered
```
A request that began with the old model ends with it; the next request gets the new model.
"""

import logging
import threading

from inkread.errors import ModelError
from inkread.models.registry import Registry
from inkread.models.runtime import DEFAULT, LineModel
from inkread.reader import Reader

__all__ = ["LiveReader"]

_log = logging.getLogger(__name__)


class LiveReader:
    """A reader that follows the registry; may be shared between threads."""

    def __init__(
        self, registry: Registry, model: str = DEFAULT, *, threads: int | None = None
    ) -> None:
        """Load the model in use.

        Args:
            registry: the promoted models.
            model: used while none is promoted.
            threads: as for ``Reader``.

        Raises:
            ModelError: the model is missing, corrupt, foreign, or of a newer format.
            ConfigError: ``threads`` below 1.
        """
        self._registry, self._model, self._threads = registry, model, threads
        self._lock = threading.Lock()
        self._stamp = registry.get_stamp()
        self._reader = self._load()

    def reader(self) -> Reader:
        """Return the reader with the model in use; call it once a request and keep the result.

        Where another model is in use than at the last call, this call loads it, and calls from
        other threads get the old reader meanwhile. A model that can't be loaded is logged once, and
        the old reader stays.
        """
        stamp = self._registry.get_stamp()
        if stamp != self._stamp and self._lock.acquire(blocking=False):
            try:
                self._stamp = stamp
                self._reader = self._load()
                names = self._reader.model.name, self._reader.line_model.name
                _log.info("reading with %s and %s from now on", *names)
            except ModelError as error:
                _log.error("%s stays in use: %s", self._reader.model.name, error)
            finally:
                self._lock.release()
        return self._reader

    def _load(self) -> Reader:
        return Reader(
            self._registry.find_current() or self._model,
            line_model=self._registry.find_current(LineModel) or DEFAULT,
            threads=self._threads,
        )
