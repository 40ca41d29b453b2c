"""How a hand-over that failed is reported: each of the channels' errors as a row."""

from __future__ import annotations

from channels.contract import DeliveryFailed, OptedOut, Rejected, TryAgain, Uncertain
from hub.delivery.sending.frames import Row
from hub.delivery.sending.outcome import Outcome


def row_of(failure: DeliveryFailed, address: int, at: int) -> Row:
    """The row of one address, at `at` milliseconds since 1970."""
    reason = failure.reason[:80].encode("utf-8", "replace").decode()
    match failure:
        case TryAgain(after=after, away=away):
            return Row(address, Outcome.WAITING, at, reason, after=after, away=away)
        case Uncertain():
            return Row(address, Outcome.WAITING, at, reason, maybe_sent=True)
        case Rejected(address_is_dead=dead):
            return Row(address, Outcome.FAILED, at, reason, dead=dead, opted_out=isinstance(failure, OptedOut))
        case _:
            return Row(address, Outcome.FAILED, at, reason)
