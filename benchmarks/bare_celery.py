"""The yardstick of task queues: Celery with Valkey, a task per recipient that posts the same 600 bytes. Prints hand-overs a second.

Usage: python -m benchmarks.bare_celery URL N [POOL PROCESSES PREFETCH]. Its worker's start is not counted; its queueing is, as ours is.
`acks_late`, since without it a task that is under way is lost with its worker; no results are kept. One `requests.Session` a process or
thread, though many make none and pay a connection for each person.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import requests
from celery import Celery

from benchmarks import tally
from benchmarks.systems import SETUP_S, new_run, valkey, worker

BODY = b"x" * 600
WARM = 100
POOL, PROCESSES, PREFETCH = "prefork", "2", "64"

app = Celery("bare_celery", broker=f"redis+socket://{os.environ.get('BENCH_BROKER', '')}")
app.conf.update(
    broker_connection_retry_on_startup=True,
    task_acks_late=True,
    task_ignore_result=True,
    worker_enable_remote_control=False,
    worker_prefetch_multiplier=int(os.environ.get("BENCH_PREFETCH", PREFETCH)),
)
_own = threading.local()


@app.task(name="post")  # type: ignore[untyped-decorator]  # Celery leaves its decorators untyped
def post(url: str) -> None:
    """One recipient."""
    if not hasattr(_own, "session"):
        _own.session = requests.Session()
    _own.session.post(url, data=BODY, headers={"TTL": "60", "Urgency": "high"}, timeout=10).raise_for_status()


def queue(broker: str, url: str, run: str, count: int) -> None:
    """A task per recipient, all through one connection."""
    with app.connection_for_write(f"redis+socket://{broker}") as connection:
        producer = app.amqp.Producer(connection)
        for number in range(count):
            post.apply_async((f"{url}/{run}/{number}",), producer=producer)


@contextmanager
def warm_worker(url: str, broker: str, pool: str = POOL, processes: str = PROCESSES, prefetch: str = PREFETCH) -> Iterator[None]:
    """A worker that has done some tasks already."""
    with started(broker, pool, processes, prefetch):
        run = new_run("warm")
        queue(broker, url, run, WARM)
        assert tally.ask(url, run, WARM, SETUP_S).people == WARM
        yield


@contextmanager
def started(broker: str, pool: str = POOL, processes: str = PROCESSES, prefetch: str = PREFETCH) -> Iterator[object]:
    """A worker that may not be up yet."""
    options = ("--pool", pool, "--concurrency", processes, "--without-gossip", "--without-mingle", "--without-heartbeat", "-l", "ERROR")
    environ = {"BENCH_BROKER": broker, "BENCH_PREFETCH": prefetch}
    with worker("celery", "-A", "benchmarks.bare_celery", "worker", *options, **environ) as process:
        yield process


def main(url: str, count: int, *configuration: str) -> None:
    """Queue, wait for the last, print."""
    with valkey() as broker, warm_worker(url, broker, *configuration):
        run, start = new_run("celery"), time.time()
        queue(broker, url, run, count)
        reached = tally.ask(url, run, count)
        assert reached.people == count, reached
        print(round(count / (reached.last_at - start), 1))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
