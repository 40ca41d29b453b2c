"""Why a service of Apprise did not take a message.

Apprise only answers that it did not. But it logs that while the error which it swallows is still at hand, in the thread that waits for the
answer; so whoever listens to its log knows what became of the request.
"""

from __future__ import annotations

import http.client
import logging
import smtplib
import socket
import ssl
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import requests
import urllib3.exceptions

from channels.contract import DeliveryFailed, TryAgain, Uncertain, Unreachable

_NOT_CONNECTED = (
    *(requests.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError, urllib3.exceptions.NewConnectionError),
    *(ConnectionRefusedError, socket.gaierror, ssl.SSLCertVerificationError),
)
_BROKEN_OFF = (OSError, urllib3.exceptions.HTTPError, http.client.HTTPException)
"""What a connection may end with; anything else was said of an answer that came."""
_ANSWERED = (ValueError, smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)
"""Of those: what can't be asked so, what is no JSON, and a mail server's no."""


class _Heard(threading.local):
    """In each thread its own, and only during a hand-over: Apprise also logs of addresses that are none."""

    errors: list[BaseException] | None = None


_heard = _Heard()


class _Listener(logging.Filter):
    """Keeps the error that a line is about, and drops the line."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging."""
        error = sys.exc_info()[1]
        if error is not None and _heard.errors is not None and not any(error is one for one in _heard.errors):
            _heard.errors.append(error)
        return False


def listen() -> None:
    """From now on, and silence: Apprise logs addresses and tokens on every failure, and its HTTP library paths, which hold tokens too."""
    log = logging.getLogger("apprise")
    log.filters[:] = [_Listener()]
    log.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)


@contextmanager
def heard() -> Iterator[list[BaseException]]:
    """The errors of a hand-over that this thread makes within the block."""
    errors: list[BaseException] = []
    _heard.errors = errors
    try:
        yield errors
    finally:
        _heard.errors = None


def failure(errors: Sequence[BaseException], targets: int) -> DeliveryFailed:
    """What became of a message that was not taken, by a service that hands it to so many targets one after another, with these errors.
    Where an answer came it was a no, of which Apprise says nothing more; and of several targets it does not say which one took it."""
    unconnected = [error for error in errors if any(_never_stood(cause) for cause in _causes(error))]
    others = [error for error in errors if not any(error is one for one in unconnected)]
    if any(isinstance(error, _BROKEN_OFF) and not isinstance(error, _ANSWERED) for error in others):
        return Uncertain("the connection broke off before the service had answered")
    if len(unconnected) >= targets:
        return Unreachable("no connection could be made")
    if targets > 1:
        return Uncertain("the service did not take it for each of its targets")
    return TryAgain("the service did not take it; Apprise gives no reason")


def _never_stood(error: BaseException) -> bool:
    """Before anything of a message could be written."""
    in_handshake = any(frame.f_code.co_name == "do_handshake" for frame, _ in traceback.walk_tb(error.__traceback__))
    return in_handshake or isinstance(error, _NOT_CONNECTED)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error with all that it wraps: `requests` and urllib3 keep them as arguments, and as `reason`."""
    yield error
    for wrapped in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(wrapped, BaseException):
            yield from _causes(wrapped)
