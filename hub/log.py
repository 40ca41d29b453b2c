"""Logs as JSON lines on stderr: ``time``, ``level``, ``event`` and what the caller names (``alert_id``, ``mailing``, …).

Nobody logs an address or a token on purpose. `mask` is the last defence, for a library's exception text or a URL that slipped in: whatever
looks like one is replaced before it is written, in every value and in tracebacks.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Final, TextIO

import structlog

from hub.errors import SettingsError

LEVELS: Final[Mapping[str, int]] = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

QUIET: Final = ("aiogram", "aiosmpplib", "aiosmtplib", "aiosqlite", "alembic", "apscheduler", "asyncio", "sqlalchemy")
"""Libraries that say below WARNING what only their own developers want to know. Apprise is silent: see `channels.apprise_failures`."""

_MASKS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"(?<=://)[^/\s@]+@"), "[credentials]@"),
    (re.compile(r"/(manage|confirm|unsubscribe|why)/[\w-]+"), r"/\1/[token]"),
    (re.compile(r"\b\d{6,}:[\w-]{30,}"), "[token]"),  # Telegram's bot tokens
    (re.compile(r"[^\s@<>\"'(),;:=]+@[^\s@<>\"'(),;:=]+\.[^\s@<>\"'(),;:=]+"), "[address]"),
    (re.compile(r"(?<![\w.])\+\d[\d ().-]{6,}\d"), "[address]"),  # E.164
    (re.compile(r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{40,}"), "[token]"),  # base64url keys, tokens, push endpoints
)
_HINTS: Final = re.compile(r"[@+]|://|[\w-]{30}|/(?:manage|confirm|unsubscribe|why)/")
"""Cheap first look: most values hold nothing of the kind."""


def read_level(word: str) -> int:
    """The level that TOCSIN_LOG_LEVEL names, in small or capital letters; empty is info. Raises SettingsError."""
    level = LEVELS.get(word.strip().lower() or "info")
    if level is None:
        raise SettingsError(f"TOCSIN_LOG_LEVEL: {word!r} is none of {', '.join(LEVELS)}")
    return level


def configure(level: str = "info", stream: TextIO | None = None) -> None:
    """Set up structlog, and the standard library's loggers through it, for this process. Raises SettingsError for an unknown level."""
    threshold = read_level(level)
    shared: list[Callable[..., Any]] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.StackInfoRenderer(),
    ]
    written = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            mask,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(written)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(threshold)
    logging.getLogger("aiohttp.server").filters[:] = [_NoQuotes()]
    logging.getLogger("apscheduler.scheduler").filters[:] = [_NoDelays()]
    for name in QUIET:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _NoQuotes(logging.Filter):
    """aiohttp logs a request that it can't parse with the whole broken header, which may be a token."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info:
            record.msg, record.args = f"{record.getMessage()} ({getattr(record.exc_info[0], '__name__', 'error')})", ()
            record.exc_info = record.exc_text = None
        return True


class _NoDelays(logging.Filter):
    """apscheduler warns of each job that is not started since it still runs: on a full hub every other second, and as it should be."""

    def filter(self, record: logging.LogRecord) -> bool:
        return "maximum number of running instances" not in str(record.msg)


def mask(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace what looks like an address, a token or a password in every value (a structlog processor)."""
    for name, value in event.items():
        event[name] = _masked(value)
    return event


def masked(text: str) -> str:
    """One text without addresses, tokens and passwords."""
    if _HINTS.search(text) is None:
        return text
    for pattern, instead in _MASKS:
        text = pattern.sub(instead, text)
    return text


def _masked(value: Any) -> Any:
    match value:
        case str():
            return masked(value)
        case bool() | int() | float() | None:
            return value
        case dict():
            return {key: _masked(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_masked(item) for item in value]
        case _:
            return masked(str(value))
