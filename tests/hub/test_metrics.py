"""Each hub counts for itself, under names that Prometheus takes."""

from __future__ import annotations

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
