"""A real hub with a million people: its start, its memory, its first hand-over, and an urgent alert among many others' messages."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.big_city import kept
from benchmarks.fanout import alert
from benchmarks.measure import PAIRS, Figure, figure, in_a_process
from benchmarks.node import Node, moment, running
from subscriptions.topics import TOPICS

PUBLISHES = 100
ROUNDS = 5
ZIPS = ("11201", "11205", "10001", "10025", "11368", "10451", "10301", "11691", "11220", "11101")
MANY = {"boroughs": ["Brooklyn", "Queens"]}
"""About half of the city's deliveries at severity Minor."""
IN_THE_MIDDLE = 50_000
"""Hand-overs of the lesser alert after which the urgent one comes."""
_SAMPLE_S = 0.05


def start() -> dict[str, Figure]:
    """Everyone read from disk and sorted, against fetching the same rows; each in a process of its own, in turns."""
    folder = kept()
    pairs = [
        (in_a_process("benchmarks.load_audience", folder), in_a_process("benchmarks.bare_fetchmany", folder / "tocsin.db"))
        for _ in range(PAIRS)
    ]
    yardstick = "sqlite3 fetchmany of the same rows, dropped"
    return {"start_1m": figure([ours for ours, _ in pairs], [theirs for _, theirs in pairs], "s", yardstick, less_is_more=True)}


def first_handover() -> dict[str, Figure]:
    """From the POST to /api/v1/alerts until the first of some 40,000 was reached; each alert is stopped before the next."""
    with running() as node:
        waits = [_first(node, ZIPS[turn % len(ZIPS)]) for turn in range(PUBLISHES + len(ZIPS))][len(ZIPS) :]
    percentiles = statistics.quantiles(waits, n=100, method="inclusive")
    name = "publish_to_first_handover_1m"
    return {
        f"{name}_p50": _plain(percentiles[49], waits, "ms", "the bar of 30 ms", 30),
        f"{name}_p99": _plain(percentiles[98], waits, "ms", "the bar of 100 ms", 100),
    }


def _first(node: Node, place: str) -> float:
    document, start = alert(place), time.time()
    published = node.publish(document)
    waited = (node.first(published) - start) * 1000
    node.ask("POST", f"/api/v1/alerts/{published}/stop", {}, role="approver")
    return waited


def overtaking() -> dict[str, Figure]:
    """An Extreme alert to 10,000 people, approved in the middle of a Minor one to 500,000, against the same alone."""
    with running() as node:
        _urgent(node)
        alone, among = [], []
        for _ in range(ROUNDS):
            alone.append(_urgent(node)[1])
            lesser = node.publish(_changed(alert("11201", severity="Minor"), area=MANY))
            node.after(lesser, IN_THE_MIDDLE)
            among.append(_urgent(node))
            node.ask("POST", f"/api/v1/alerts/{lesser}/stop", {}, role="approver")
    firsts, finishes = [first for first, _ in among], [last for _, last in among]
    slower = [last / before for last, before in zip(finishes, alone, strict=True)]
    return {
        "overtake_first": _plain(statistics.median(firsts), firsts, "ms", "the bar of 300 ms", 300),
        "overtake_finish": _plain(statistics.median(slower), slower, "× alone", "the same alert alone", 1),
    }


def _urgent(node: Node) -> tuple[float, float]:
    """Milliseconds from approval to the first and to the last of those who follow one of two ZIPs and chose a rare topic."""
    waiting = node.publish(_changed(alert("11201", "10001", severity="Extreme"), topics=["test"]))
    start = time.time()
    node.approve(waiting)
    state = node.after(waiting, 10**9)
    assert state["handed_over"] == state["planned"] > 0, state
    times = state["timeline"]
    first, last = ((moment(times[name]) + 0.001 - start) * 1000 for name in ("first_handover", "last_handover"))
    return first, last


def memory() -> dict[str, Figure]:
    """Resident memory of the coordinator and of the larger sender, before and at the peak of an alert to everyone."""
    with running() as node:
        node.after(_everyone(node, drill=True), 10**9)
        with _watched([node.process, *node.senders]) as seen:
            state = node.after(_everyone(node), 10**9)
        assert state["handed_over"] == state["planned"] > 0, state
    coordinator, *senders = seen
    return {
        "memory_coordinator": _memory(coordinator, 400, state["planned"]),
        "memory_sender": _memory(max(senders, key=max), 150, state["planned"]),
    }


def _everyone(node: Node, *, drill: bool = False) -> str:
    status = "Exercise" if drill else "Actual"
    document = _changed(alert("11201", severity="Extreme"), area={"citywide": True}, topics=list(TOPICS), status=status)
    published = node.publish(document)
    if not drill:
        node.approve(published)
    return published


def _memory(seen: list[float], bar: float, planned: int) -> Figure:
    shown = _plain(max(seen), seen, "MB", f"the bar of {bar:g} MB, {planned:,} deliveries", bar)
    return shown | {"before": round(seen[0], 1), "after": round(seen[-1], 1)}


@contextmanager
def _watched(processes: list[int]) -> Iterator[list[list[float]]]:
    """Resident megabytes of each process, again and again until the end."""
    seen = [[_resident(process)] for process in processes]
    done = threading.Event()

    def look() -> None:
        while not done.wait(_SAMPLE_S):
            for values, process in zip(seen, processes, strict=True):
                values.append(_resident(process))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        done.set()
        watcher.join()


def _resident(process: int) -> float:
    """Megabytes of its own and of libraries that it shares."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _changed(document: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(document) | fields).encode()


def _plain(value: float, values: list[float], unit: str, yardstick: str, bar: float) -> Figure:
    """A figure whose yardstick is a number."""
    return figure(values, [bar] * len(values), unit, yardstick, less_is_more=True) | {"value": round(value, 2)}
