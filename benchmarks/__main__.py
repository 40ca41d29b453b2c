"""``make bench``: a table, and the figures in benchmarks/latest.json. ``ONLY=name,name`` for some of them."""

from __future__ import annotations

import json
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import fanout, matching
from benchmarks.measure import Figure
from hub import log

LATEST = Path(__file__).parent / "latest.json"

SUITES = {
    ("match_neighbourhood_1m", "match_city_1m", "match_citywide_1m"): matching.figures,
    ("fanout_webhook",): fanout.webhook,
    ("vs_apprise",): fanout.vs_apprise,
    ("publish_to_first_handover_100k",): fanout.first_handover,
}
"""Names of figures → what takes them."""


def main() -> None:
    """Take the figures that were asked for, print them, and keep them."""
    log.configure("warning")
    only = {name for name in os.environ.get("ONLY", "").split(",") if name}
    unknown = only - {name for names in SUITES for name in names}
    if unknown:
        raise SystemExit(f"there is no figure {', '.join(sorted(unknown))}; known: {', '.join(name for names in SUITES for name in names)}")
    taken: dict[str, Figure] = {}
    for names, take in SUITES.items():
        if not only or only & set(names):
            taken |= {name: result for name, result in take().items() if not only or name in only}
    kept = json.loads(LATEST.read_text()) if only and LATEST.exists() else {}
    LATEST.write_text(json.dumps(kept | taken, indent=1, sort_keys=True) + "\n")
    Console(width=150).print(table(taken))


def table(figures: dict[str, Figure]) -> Table:
    """One line a figure."""
    shown = Table("figure", "value", "unit", "ratio", "least … most", "rounds", "yardstick", box=None, pad_edge=False)
    for name, figure in figures.items():
        spread = f"{figure['ratio_min']} … {figure['ratio_max']}"
        shown.add_row(
            name, f"{figure['value']:,}", figure["unit"], str(figure["ratio"]), spread, str(figure["rounds"]), figure["yardstick"]
        )
    return shown


if __name__ == "__main__":
    main()
