"""``make bench``: a table, and the figures in benchmarks/latest.json. ``ONLY=name,name`` for some of them."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import at_scale, crowd, fanout, ledger, matching, nodes, postgis, providers, recovery, residents, slow_network, versus
from benchmarks.measure import Bar, Figure, Missing, at_most, times
from hub import log

LATEST = Path(__file__).parent / "latest.json"

SUITES: dict[tuple[str, ...], Callable[[], dict[str, Figure]]] = {
    ("fanout_webhook",): fanout.webhook,
    ("fanout_webhook_many_hosts",): fanout.many_hosts,
    ("fanout_web_push",): fanout.web_push,
    ("fanout_email",): providers.email,
    ("fanout_sms",): providers.sms,
    ("fanout_telegram",): providers.telegram,
    ("fanout_apprise",): providers.apprise,
    ("alert_page", "alert_page_fanout_loss"): crowd.pages,
    ("publish_to_first_handover_100k",): fanout.first_handover,
    ("vs_apprise",): versus.apprise,
    ("vs_celery",): versus.celery,
    ("vs_pgqueuer", "vs_pgqueuer_default"): versus.pgqueuer,
    ("ledger", "ledger_vs_sqlite"): ledger.settling,
    ("postgres",): nodes.on_postgres,
    ("recovery",): recovery.kill_everything,
    ("match_neighbourhood_1m", "match_city_1m"): matching.million,
    ("match_neighbourhood_10m", "match_city_10m"): matching.ten_million,
    ("signup",): residents.sign_up,
    ("live_sse",): residents.live,
    ("pages_at_400kbit",): slow_network.pages,
    ("start_1m",): at_scale.start,
    ("publish_to_first_handover_1m_p50", "publish_to_first_handover_1m_p99"): at_scale.first_handover,
    ("overtake_first", "overtake_finish"): at_scale.overtaking,
    ("memory_coordinator", "memory_sender"): at_scale.memory,
}
"""Names of figures → what takes them."""

BARS: dict[str, Bar] = {
    "fanout_webhook": times(2.2),
    "fanout_webhook_many_hosts": times(1.3),
    "fanout_web_push": times(2),
    "fanout_email": times(1.4),
    "fanout_sms": times(1.3),
    "fanout_telegram": times(1.3),
    "fanout_apprise": times(8),
    "alert_page": times(0.6),
    "alert_page_fanout_loss": at_most(15),
    "vs_apprise": times(40),
    "vs_celery": times(50),
    "vs_pgqueuer": times(8),
    "vs_pgqueuer_default": times(8),
    "recovery": at_most(10),
    "ledger": times(5),
    "postgres": times(0.8),
    "publish_to_first_handover_100k": at_most(100),
    "match_neighbourhood_1m": at_most(5),
    "match_city_1m": at_most(20),
    "match_neighbourhood_10m": at_most(50),
    "match_city_10m": at_most(200),
    "signup": times(0.5),
    "live_sse": at_most(1000),
    "pages_at_400kbit": at_most(1000),
    "start_1m": times(0.5),
    "publish_to_first_handover_1m_p50": at_most(30),
    "publish_to_first_handover_1m_p99": at_most(100),
    "overtake_first": at_most(300),
    "overtake_finish": at_most(1.5),
    "memory_coordinator": at_most(400),
    "memory_sender": at_most(150),
}
"""What the figures have to reach; one without a bar is shown beside its yardstick only."""

BESIDE_POSTGIS = {"match_neighbourhood_1m": times(30), "match_city_1m": times(30)}
"""What they have to reach besides, where PostGIS is there to be the yardstick."""

NAMES = [name for names in SUITES for name in names]


def main() -> None:
    """Take the figures that were asked for, print them, and keep them."""
    log.configure("warning")
    only = wanted(os.environ.get("ONLY", ""))
    taken: dict[str, Figure] = {}
    for names, take in SUITES.items():
        asked = [name for name in names if name in only]
        if not asked:
            continue
        try:
            found = take()
        except Missing as reason:
            print(f"{', '.join(asked)} left out: {reason}", file=sys.stderr)
            continue
        taken |= {name: found[name] for name in asked}
        keep(taken, whole=False)
    keep(taken, whole=len(only) == len(NAMES))
    Console(width=170).print(table(taken))


def wanted(only: str) -> set[str]:
    """The names in ONLY, all of them when it is empty. Ends with a message when one is unknown."""
    asked = {name.strip() for name in only.split(",") if name.strip()}
    if unknown := sorted(asked - set(NAMES)):
        raise SystemExit(f"there is no figure {', '.join(unknown)}; known: {', '.join(NAMES)}")
    return asked or set(NAMES)


def keep(taken: dict[str, Figure], *, whole: bool) -> None:
    """Write them down: beside what is kept from earlier runs, or, after a `whole` run, alone."""
    kept = json.loads(LATEST.read_text()) if not whole and LATEST.exists() else {}
    LATEST.write_text(json.dumps(kept | taken, indent=1, sort_keys=True) + "\n")


def table(figures: dict[str, Figure]) -> Table:
    """One line a figure."""
    shown = Table("figure", "value", "unit", "ratio", "least … most", "rounds", "bar", "met", "yardstick", box=None, pad_edge=False)
    for name, figure in figures.items():
        bars = bars_of(name, figure)
        spread = f"{figure['ratio_min']} … {figure['ratio_max']}"
        limits = ", ".join(map(str, bars))
        met = "" if not bars else "yes" if all(bar.met(figure) for bar in bars) else "NO"
        shown.add_row(
            name, f"{figure['value']:,}", figure["unit"], str(figure["ratio"]), spread, str(figure["rounds"]), limits, met,
            figure["yardstick"],
        )  # fmt: skip
    return shown


def bars_of(name: str, figure: Figure) -> list[Bar]:
    """All that a figure has to reach beside the yardstick that it was taken with."""
    further = BESIDE_POSTGIS.get(name) if figure["yardstick"] == postgis.YARDSTICK else None
    return [bar for bar in (BARS.get(name), further) if bar is not None]


if __name__ == "__main__":
    main()
