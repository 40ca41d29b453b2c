"""Each hub counts for itself, under names that Prometheus takes."""

from __future__ import annotations

from hub.durations import Durations
from hub.metrics import CONTENT_TYPE, Metrics


def test_two_hubs_in_one_process_do_not_count_together():
    one, other = Metrics(), Metrics()
    one.handovers.labels("sms", "handed_over").inc(3)
    assert 'tocsin_handovers_total{channel="sms",outcome="handed_over"} 3.0' in one.render().decode()
    assert "tocsin_handovers_total{" not in other.render().decode()


def test_the_page_is_prometheus_text():
    assert CONTENT_TYPE.startswith("text/plain")
    text = Metrics().render().decode()
    for name in ("batches_waiting", "senders_alive", "match_seconds", "people", "sse_clients", "http_requests", "alerts_published"):
        assert f"# HELP tocsin_{name}" in text


def test_what_senders_have_counted_is_added_up_as_a_histogram():
    metrics, counted = Metrics(), Durations()
    for seconds in (0.0005, 0.02, 0.02, 40.0):
        counted.note(seconds)
    for _ in range(2):
        metrics.deliver_seconds.add("sms", counted)
    text = metrics.render().decode()
    for bound, count in (("0.001", 2), ("0.01", 2), ("0.025", 6), ("30.0", 6), ("+Inf", 8)):
        assert f'tocsin_deliver_seconds_bucket{{channel="sms",le="{bound}"}} {count}.0' in text
    assert 'tocsin_deliver_seconds_count{channel="sms"} 8.0' in text
    assert 'tocsin_deliver_seconds_sum{channel="sms"} 80.081' in text
