"""One table of every HTTP status → outcome, shared by all channels that speak HTTP."""

from __future__ import annotations

from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

import msgspec

from channels.contract import Rejected, TryAgain

Outcome = Literal["taken", "later", "no"]

LONGEST_WAIT = 86_400.0
"""Seconds; a provider that asks for more is asked again after a day."""

_LATER_BELOW_500 = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}
)


class Answer(msgspec.Struct, frozen=True):
    """What a server said: the status, and its Retry-After as sent."""

    status: int
    retry_after: str | None = None


class Words(Answer, frozen=True):
    """An answer with its body, or as much as came of it."""

    body: bytes = b""


def _outcome(status: int) -> Outcome:
    if 200 <= status < 300:
        return "taken"
    if status >= 500 or status in _LATER_BELOW_500:
        return "later"
    return "no"


def _reason(status: int) -> str:
    try:
        return f"HTTP {status} {HTTPStatus(status).phrase}"
    except ValueError:
        return f"HTTP {status}"


OUTCOMES: dict[int, tuple[Outcome, str]] = {status: (_outcome(status), _reason(status)) for status in range(100, 600)}
"""Status → (outcome, reason).

2xx: taken. 5xx, 408, 421, 425 and 429: later (RFC 9110 §15, RFC 8470 §5.2, RFC 6585 §4). All else is a final no: redirects are never
followed, and 401 or 403 are the hub's fault as often as the address's, so on their own they close nothing.
"""

_UNKNOWN: tuple[Outcome, str] = ("no", "an HTTP status that does not exist")


def settle(answer: Answer, *, gone: frozenset[int], later: frozenset[int] = frozenset(), now: float) -> None:
    """Return for a success, else raise TryAgain or Rejected.

    `gone` are the statuses by which this kind of receiver says that the address no longer exists, and `later` those by which it asks for
    patience beyond the table's; `now` is in seconds since 1970.
    """
    outcome, reason = OUTCOMES.get(answer.status, _UNKNOWN)
    if outcome == "taken":
        return
    if outcome == "later" or answer.status in later:
        raise TryAgain(reason, read_retry_after(answer.retry_after, now))
    raise Rejected(reason, address_is_dead=answer.status in gone)


def read_retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait: Retry-After (RFC 9110 §10.2.3) is whole seconds or an HTTP date. None for nothing, or for nonsense, and for no
    wait at all: whoever refuses and names none is asked ever more rarely, like those who say nothing."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), LONGEST_WAIT) or None
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    # A date without a zone is UTC in HTTP, while Python would read it as local time.
    moment = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return min(max(0.0, moment - now), LONGEST_WAIT) or None
