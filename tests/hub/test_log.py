"""Logs are JSON lines, and no address, token or password leaves in one."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from apscheduler.events import EVENT_JOB_MAX_INSTANCES
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from hub import log
from hub.commands import show_settings
from hub.settings import load


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What a process configured at `info` writes; the loggers are as before afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level, {name: logging.getLogger(name).level for name in log.QUIET})
    stream = io.StringIO()
    log.configure("info", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before[0], before[1]
    for name, level in before[2].items():
        logging.getLogger(name).setLevel(level)


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_holds_time_level_event_and_what_the_caller_named(written):
    structlog.get_logger().info("published", alert_id="alt_1", people=12)
    (line,) = lines(written)
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "event": "published", "alert_id": "alt_1", "people": 12}


@pytest.mark.parametrize("word", ["INFO", " Warning ", "error", ""])
def test_a_level_that_the_settings_call_fine_is_one(written, word):
    assert [line.wrong for line in show_settings.lines(load(environ={"TOCSIN_LOG_LEVEL": word})) if line.wrong] == []
    log.configure(word, written)
    assert logging.getLogger().level == log.LEVELS[word.strip().lower() or "info"]


def test_libraries_write_the_same_lines_and_chatter_is_dropped(written):
    logging.getLogger("aiohttp.server").warning("late %s", "client")
    logging.getLogger("sqlalchemy.engine").info("SELECT")
    structlog.get_logger().debug("not asked for")
    (line,) = lines(written)
    assert (line["level"], line["event"]) == ("warning", "late client")


async def test_a_job_that_takes_longer_than_its_interval_is_nothing_to_warn_of(written):
    scheduler, skipped, done = AsyncIOScheduler(timezone="UTC"), asyncio.Event(), asyncio.Event()
    scheduler.add_listener(lambda _: skipped.set(), EVENT_JOB_MAX_INSTANCES)
    scheduler.add_job(done.wait, "interval", seconds=0.01)
    scheduler.start()
    await skipped.wait()
    done.set()
    scheduler.shutdown(wait=False)
    assert lines(written) == []


def test_a_traceback_is_one_value_of_its_line(written):
    try:
        int("jane@example.org")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(written)
    assert "Traceback" in str(line["exception"])
    assert "'[address]'" in str(line["exception"])


TOKEN = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"


@pytest.mark.parametrize(
    "secret",
    [
        "jane.doe+alerts@example.org",
        "josé@bücher.example",
        "+17185550100",
        "+1 (718) 555-0100",
        "smtp://user:pass@relay.example:587",
        f"https://alerts.example.gov/manage/{TOKEN}",
        "/confirm/short-token",
        f"https://push.example/send/{TOKEN}",
        "123456789:AAEexampleexampleexampleexample-12345",
        TOKEN,
    ],
)
def test_whatever_looks_like_an_address_or_a_token_is_masked_wherever_it_stands(written, secret):
    structlog.get_logger().info(f"sent to {secret}", value=secret, nested={"list": [secret]}, thing=Exception(secret))
    text = str({name: value for name, value in json.loads(written.getvalue()).items() if name != "time"})
    for piece in (secret, "jane", "josé", "718", "pass@", TOKEN, "short-token", "AAEexample"):
        assert piece not in text


@pytest.mark.parametrize(
    "harmless",
    [
        "http://127.0.0.1:8080",
        "alt_01jd8x6r9kq0a3v5",
        "2026-11-22T16:02:00-05:00",
        "hub/delivery/coordinator.py",
        "1+1 = 2",
        "test_a_very_long_name_of_a_function_without_any_digits",
    ],
)
def test_what_helps_to_understand_stays(harmless):
    assert log.masked(harmless) == harmless
