"""What the server counts, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """Counters of one server, by the names of its models, so that no request can make new ones."""

    def __init__(self):
        self._registry = CollectorRegistry()
        prefix, registry = "keras_imgen_", {"registry": self._registry}
        self._requests = Counter(
            f"{prefix}requests", "Requests by model and HTTP status or gRPC code.", ["model", "status"], **registry
        )
        self._seconds = Histogram(
            f"{prefix}request_seconds", "From request to answer.", ["model"], buckets=SECONDS, **registry
        )
        self._rows = Histogram(
            f"{prefix}batch_rows", "Rows of a batch.", ["model"], buckets=(1, 2, 4, 8, 16, 32, 64, 128), **registry
        )
        self._work = Histogram(f"{prefix}batch_seconds", "Of one batch.", ["model"], buckets=SECONDS, **registry)
        self._restarts = Counter(f"{prefix}worker_restarts", "Of the process of a model.", ["model"], **registry)
        self._waiting = Gauge(f"{prefix}rows_waiting", "In the queue of a model.", ["model"], **registry)

    def request(self, model: str, status: int | str, seconds: float) -> None:
        """Count a request.

        Args:
            model: its name.
            status: of HTTP, or the code of gRPC.
            seconds: that it took.
        """
        self._requests.labels(model, status).inc()
        self._seconds.labels(model).observe(seconds)

    def batch(self, model: str, rows: int, seconds: float) -> None:
        """Count a batch.

        Args:
            model: its name.
            rows: of the batch.
            seconds: that it took.
        """
        self._rows.labels(model).observe(rows)
        self._work.labels(model).observe(seconds)

    def restarted(self, model: str, times: int) -> None:
        """Count new processes of a model, in place of one that died."""
        self._restarts.labels(model).inc(times)

    def waiting(self, model: str, rows: int) -> None:
        """Note how many rows wait."""
        self._waiting.labels(model).set(rows)

    def text(self) -> bytes:
        """All of it, in the form of Prometheus."""
        return generate_latest(self._registry)
