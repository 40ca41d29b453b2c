"""SIGKILL to everything at a third of the way, an immediate restart, and how long until the last person was reached.

Ours is the whole hub, coordinator and senders, as its own processes. Of Celery only the workers are killed: its broker and whoever queues
stay, which is kinder. What a killed worker had taken stays with the broker as unacknowledged for its visibility timeout, an hour by
default, so a round of theirs ends when nothing is queued any more and nothing has come for a while: whoever is missing then is stranded,
and the round counts as `CAP_S`.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import redis

from benchmarks import bare_celery, tally
from benchmarks.fanout import alert
from benchmarks.hub_process import HubProcess
from benchmarks.measure import PAIRS, Figure, figure, listening
from benchmarks.systems import new_run, valkey

PEOPLE, QUEUED = 6000, 900
ANSWER_AFTER_S = 0.02
"""Our sink takes as long as a provider nearby does, else the hub would be done before it could be killed."""
CAP_S, QUIET_S = 30.0, 3.0
RUN = "people"
ONE = "1"
"""What a worker of theirs takes ahead: the fewest, so that the fewest are stranded."""


def kill_everything() -> dict[str, Figure]:
    """Seconds from the restart to the last of 6,000; the worst of the rounds is the value."""
    ours, theirs, stranded = [], [], []
    with (
        tempfile.TemporaryDirectory() as folder,
        listening("benchmarks.tally", ANSWER_AFTER_S) as slow,
        listening("benchmarks.tally") as fast,
    ):
        url = f"http://127.0.0.1:{slow}"
        with HubProcess(Path(folder), TOCSIN_WEBHOOK_HOSTS=f"127.0.0.1:{slow}") as hub:
            hub.add_people([f"{url}/{RUN}/{number}" for number in range(PEOPLE)])
            for _ in range(PAIRS):
                ours.append(hub_killed(hub, url))
                seconds, missing = celery_killed(f"http://127.0.0.1:{fast}")
                theirs.append(seconds)
                stranded.append(missing)
    said = f"Celery acks_late, workers alone killed: {min(stranded)} to {max(stranded)} of {QUEUED} stranded, counted as {CAP_S:g} s"
    return {"recovery": figure(ours, theirs, "s", said, less_is_more=True) | {"value": round(max(ours), 3)}}


def hub_killed(hub: HubProcess, url: str) -> float:
    """Seconds from the restart to the last person. Nobody may be missing."""
    hub.start()
    tally.ask(url, RUN, forget=True)
    hub.publish(alert("11201"))
    tally.ask(url, RUN, PEOPLE // 3)
    hub.kill()
    before = tally.ask(url, RUN)
    assert PEOPLE // 3 <= before.people < PEOPLE, before
    start = time.time()
    hub.start()
    after = tally.ask(url, RUN, PEOPLE)
    assert after.people == PEOPLE, after
    hub.settled()
    hub.stop()
    return after.last_at - start


def celery_killed(url: str) -> tuple[float, int]:
    """(seconds from the restart to the last, how many were stranded)."""
    run = new_run("celery")
    with valkey() as broker:
        with bare_celery.warm_worker(url, broker, prefetch=ONE):
            bare_celery.queue(broker, url, run, QUEUED)
            assert tally.ask(url, run, QUEUED // 3).people < QUEUED
        start = time.time()
        with bare_celery.started(broker, prefetch=ONE), redis.Redis(unix_socket_path=broker) as books:
            reached, seen = tally.ask(url, run, QUEUED, QUIET_S), 0
            while reached.people < QUEUED and (reached.people > seen or books.llen("celery")):
                reached, seen = tally.ask(url, run, QUEUED, QUIET_S), reached.people
    stranded = QUEUED - reached.people
    return (CAP_S if stranded else reached.last_at - start), stranded
