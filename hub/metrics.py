"""What Prometheus may read at ``/metrics``. Each hub has its own registry, so that several can live in one process (tests do)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import cache
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

from hub.durations import STEPS_S, Durations

CONTENT_TYPE = CONTENT_TYPE_LATEST

_LATENCIES_S = (0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
_STEPS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)
_MATCHES_S = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 1)


class SentSeconds(Collector):
    """A histogram by channel of what senders have counted: to observe each hand-over anew would cost as much as to settle it."""

    def __init__(self, name: str, meaning: str, registry: CollectorRegistry) -> None:
        self._name, self._meaning = name, meaning
        self._channels: defaultdict[str, Durations] = defaultdict(Durations)
        registry.register(self)

    def add(self, channel: str, durations: Durations) -> None:
        """A sender has counted these since it spoke last."""
        self._channels[channel].add(durations)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What Prometheus asks for."""
        family = HistogramMetricFamily(self._name, self._meaning, labels=["channel"])
        bounds = [*(str(float(step)) for step in STEPS_S), "+Inf"]
        for channel, durations in self._channels.items():
            family.add_metric([channel], list(zip(bounds, accumulate(durations.counts), strict=True)), durations.seconds)
        yield family


class Metrics:
    """The hub's figures. Labels hold names of our own only, never anything of a person."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.alerts_published = Counter(
            "tocsin_alerts_published", "Alerts that went live, by source and CAP status.", ["source", "status"], registry=self.registry
        )
        self.publish_seconds = Histogram(
            "tocsin_publish_seconds",
            "Time to match and commit an alert that goes live.",
            buckets=_STEPS_S,
            registry=self.registry,
        )
        self.render_seconds = Histogram(
            "tocsin_render_seconds", "Time to make one batch's text, by channel.", ["channel"], buckets=_STEPS_S, registry=self.registry
        )
        self.deliver_seconds = SentSeconds(
            "tocsin_deliver_seconds",
            "From giving one message to its provider until the answer, by channel: the send alone.",
            self.registry,
        )
        self.first_handover_seconds = Histogram(
            "tocsin_first_handover_seconds",
            "From going live until this node reached its first recipient of an alert.",
            buckets=_LATENCIES_S,
            registry=self.registry,
        )
        self.retries = Counter("tocsin_retries", "Hand-overs that are tried again later, by channel.", ["channel"], registry=self.registry)
        self.ledger_seconds = Histogram(
            "tocsin_ledger_seconds",
            "Time of one transaction of the ledger with the wait for its turn, by step: plan, lease, settle.",
            ["step"],
            buckets=_STEPS_S,
            registry=self.registry,
        )
        self.in_flight = Gauge("tocsin_in_flight", "Hand-overs under way in this node's senders.", registry=self.registry)
        self.ahead = Gauge("tocsin_ahead", "Hand-overs whose receipts are not on disk yet.", registry=self.registry)
        self.window_waits = Counter(
            "tocsin_window_waits", "Hand-overs that had to wait until earlier receipts were on disk.", registry=self.registry
        )
        self.resting = Gauge(
            "tocsin_resting",
            "Providers and hosts that this node's senders leave alone after failures, by channel.",
            ["channel"],
            registry=self.registry,
        )
        self.signals_lost = Gauge(
            "tocsin_signals_lost", "How often signals between nodes broke off or could not be told since the start.", registry=self.registry
        )
        self.batches_held = Gauge("tocsin_batches_held", "Batches in the hands of this node's senders.", registry=self.registry)
        self.audience_age_seconds = Gauge(
            "tocsin_audience_age_seconds",
            "How long ago this node's audience took in the latest changes of subscriptions.",
            registry=self.registry,
        )
        self.handovers = Counter(
            "tocsin_handovers",
            "Ends of hand-overs as senders report them, by channel and outcome; who never came into a sender's hands is in none.",
            ["channel", "outcome"],
            registry=self.registry,
        )
        self.handover_latency = Histogram(
            "tocsin_handover_latency_seconds",
            "From going live to the provider's answer, by channel; one observation for each group of receipts that was settled together.",
            ["channel"],
            buckets=_LATENCIES_S,
            registry=self.registry,
        )
        self.batches_waiting = Gauge("tocsin_batches_waiting", "Batches that no sender has yet.", registry=self.registry)
        self.senders_alive = Gauge("tocsin_senders_alive", "Sender processes that answer.", registry=self.registry)
        self.sms_bound = Gauge("tocsin_sms_bound", "SMSCs at which this node takes people's text messages.", registry=self.registry)
        self.match_seconds = Histogram(
            "tocsin_match_seconds", "Time to find an alert's people.", buckets=_MATCHES_S, registry=self.registry
        )
        self.people = Gauge("tocsin_people", "People with at least one confirmed address.", registry=self.registry)
        self.sse_clients = Gauge("tocsin_sse_clients", "Open live streams.", registry=self.registry)
        self.alerts_stalled = Gauge(
            "tocsin_alerts_stalled", "Live alerts with people left that have reached nobody for half a minute.", registry=self.registry
        )
        self.backups = Counter("tocsin_backups", "Scheduled backups, by how they ended: taken or failed.", ["end"], registry=self.registry)
        self.backup_age = Gauge("tocsin_backup_age_seconds", "Age of the newest scheduled backup.", registry=self.registry)
        answers = Counter(
            "tocsin_http_requests", "Answers, by method, route pattern and status.", ["method", "route", "status"], registry=self.registry
        )

        self.answered: Callable[[str, str, int], Counter] = cache(lambda method, route, status: answers.labels(method, route, str(status)))
        """By method, route pattern and status. Looking a counter up takes longer than counting."""

    def render(self) -> bytes:
        """All of it in Prometheus' text format (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)
