"""Why a service of Apprise did not take a message.

Apprise only answers that it did not. But it logs that while the error which it swallows is still at hand, in the thread that waits for the
answer; so whoever listens to its log knows what became of the request.
"""

from __future__ import annotations

import logging
import socket
import ssl
import sys
import threading
from collections.abc import Iterator

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from channels.contract import DeliveryFailed, TryAgain, Uncertain, Unreachable

_NOT_CONNECTED = (
    *(requests.ConnectTimeout, ConnectTimeoutError, NewConnectionError),
    *(ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError),
)
"""Before anything of a message could be written."""


class _Heard(threading.local):
    """In each thread its own."""

    error: BaseException | None = None


_heard = _Heard()


class _Listener(logging.Filter):
    """Keeps the error that a line is about, and drops the line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging."""
        _heard.error = sys.exc_info()[1] or _heard.error
        return False


def listen() -> None:
    """From now on, and silence: Apprise logs addresses and tokens on every failure, and its HTTP library paths, which hold tokens too."""
    log = logging.getLogger("apprise")
    log.filters[:] = [_Listener()]
    log.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


def forget() -> None:
    """In this thread something new begins."""
    _heard.error = None


def failure() -> DeliveryFailed:
    """What became of the message that was just not taken in this thread. Where an answer came it was a no, of which Apprise says nothing
    more."""
    error, _heard.error = _heard.error, None
    if error is None:
        return TryAgain("the service did not take it; Apprise gives no reason")
    if any(isinstance(cause, _NOT_CONNECTED) for cause in _causes(error)):
        return Unreachable("no connection could be made")
    if isinstance(error, requests.RequestException) and isinstance(error, ValueError):  # a URL or a header that can't be
        return TryAgain("the service can't be asked so")
    return Uncertain("the connection broke off before the service had answered")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error with all that it wraps: `requests` and urllib3 keep them as arguments, and as `reason`."""
    yield error
    for wrapped in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(wrapped, BaseException):
            yield from _causes(wrapped)
