"""The settings of a service: their defaults and limits."""

from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from inkread.batch.processes import num_cores
from inkread.corrections.store import Keep
from inkread.errors import ConfigError
from inkread.imaging.images import MAX_MEGAPIXELS
from inkread.models.registry import get_default_folder
from inkread.models.runtime import DEFAULT

__all__ = ["Settings"]

_POSITIVE = (
    "workers", "max_worker_bytes", "max_body_bytes", "max_megapixels", "max_batch",
    "body_timeout_s", "work_timeout_s", "stop_timeout_s",
)  # fmt: skip


@dataclass(frozen=True)
class Settings:
    """The settings of a service.

    Attributes:
        model: the name of a shipped model, or the path of a model file;
            used while none is promoted.
        models: the folder of promoted models.
        token: what requests must carry as ``Authorization: Bearer``; ``None``: nothing.
        hosts: names that requests may call the service by; empty: any.
        origins: web origins whose pages may use the service besides its own.
        workers: processes that read, each on one core.
        max_worker_bytes: memory that each of them may take besides that of its models.
        queue: requests that may wait for one of them; more are refused.
        max_body_bytes: of one request.
        max_megapixels: of one picture, in millions of pixels.
        max_batch: glyphs in one request.
        body_timeout_s: seconds in which a request's body must have arrived.
        work_timeout_s: seconds from then on in which it must be answered.
        stop_timeout_s: seconds that requests in flight get when the service is told to stop.
        corrections: URL of the database that corrections go to; ``None``: nothing is stored.
        keep: what is stored of a corrected picture: all of it, or the digits' glyphs.
        forms: whether forms are offered; by default where the extra [forms] is installed.
    """

    model: str = DEFAULT
    models: Path = field(default_factory=get_default_folder)
    token: str | None = None
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    workers: int = num_cores()
    queue: int = 12
    max_worker_bytes: int = 400_000_000
    max_body_bytes: int = 16_000_000
    max_megapixels: float = 32.0
    max_batch: int = 1024
    body_timeout_s: float = 10.0
    work_timeout_s: float = 10.0
    stop_timeout_s: float = 30.0
    corrections: str | None = None
    keep: Keep = "glyph"
    forms: bool = find_spec("yaml") is not None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: a limit that is not above 0, a negative queue, an empty token.
        """
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ConfigError(f"expected {name} above 0, received {getattr(self, name)}")
        if self.queue < 0:
            raise ConfigError(f"expected a queue of 0 or more, received {self.queue}")
        if self.max_megapixels > MAX_MEGAPIXELS:
            raise ConfigError(
                f"expected max_megapixels of {MAX_MEGAPIXELS} at most, received "
                f"{self.max_megapixels}"
            )
        if self.token is not None and not (self.token.isascii() and self.token.isprintable()):
            raise ConfigError("expected a token of printable ASCII characters")
        if self.token is not None and len(self.token) < _MIN_TOKEN_LENGTH:
            raise ConfigError(
                f"expected a token of {_MIN_TOKEN_LENGTH} characters or more, received "
                f"{len(self.token)}"
            )


_MIN_TOKEN_LENGTH = 16  # characters; shorter ones can be guessed
