"""Counters and timers of the service, for Prometheus."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from inkread.web.pool import Pool

__all__ = ["Metrics"]

_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one service, in a registry of their own.

    Attributes:
        requests: answered, by route, method and status.
        seconds: from a request's arrival to the end of its answer, by route.
        in_flight: requests that are being answered.
        digits: that were read, by whether they were rejected.
        refused: work that found the pool full.
    """

    def __init__(self, pool: Pool, model_names: Callable[[], dict[str, str]]) -> None:
        """Make them.

        Args:
            pool: its load is shown.
            model_names: says which models read now, by kind.
        """
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "inkread_requests", "Requests answered", ("route", "method", "status"),
            registry=self._registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "inkread_request_seconds", "Time to answer", ("route",),
            buckets=_BUCKETS_S, registry=self._registry,
        )  # fmt: skip
        self.in_flight = Gauge(
            "inkread_requests_in_flight", "Requests being answered", registry=self._registry
        )
        self.digits = Counter(
            "inkread_digits", "Digits read", ("rejected",), registry=self._registry
        )
        self.refused = Counter(
            "inkread_refused", "Requests that found the pool full", registry=self._registry
        )
        self._add_gauge("inkread_pool_taken", "Work that is done or waits").set_function(
            lambda: pool.taken
        )
        self._add_gauge("inkread_pool_places", "Work that there is room for").set(
            pool.workers + pool.queue
        )
        self._model = Gauge(
            "inkread_model_info", "A model that reads", ("kind", "model"), registry=self._registry
        )
        self._model_names = model_names

    def _add_gauge(self, name: str, about: str) -> Gauge:
        return Gauge(name, about, registry=self._registry)

    def exposition(self) -> bytes:
        """Return all of them in Prometheus' text format."""
        self._model.clear()
        for kind, name in self._model_names().items():
            self._model.labels(kind, name).set(1)
        return generate_latest(self._registry)
