"""Who of a batch is to hear of it as they have chosen by now: the state of an address, and a pause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub.delivery.ledger import reached
from hub.delivery.ledger.batches import Leased
from hub.store.driver import Connection

_STATES = {"alert": ("active",), "access": ("active",), "notice": ("active",), "strike": ("active",), "confirm": ("unconfirmed",)} | {
    "answer": ("active", "stopped", "answered")  # whoever writes is answered, a STOP and a stranger too
}


def of(connection: Connection, batch: Leased, addresses: Iterable[int], now: int) -> list[Any]:
    """What `hub.delivery.sending.frames.To` is made of, then state, rule of quiet hours, end of a pause, language and discreet words."""
    rows = connection.execute(
        "SELECT a.id, a.subscriber, s.epoch, a.key_id, a.sealed, a.state, s.quiet, s.paused_until, s.language, s.discreet"
        " FROM address a JOIN subscriber s ON s.id=a.subscriber WHERE a.id IN (SELECT j.value FROM ids(?) j)",
        (connection.ids(addresses),),
    ).fetchall()
    left = [row for row in rows if row[5] in _STATES[batch.purpose]]
    if batch.comes_unasked and (paused := {row[0] for row in left if row[7] is not None and row[7] > now}):
        # Whoever may have been reached by an earlier version learns what became of it, whatever they chose since (S3).
        told = reached.earlier(connection, () if batch.alert is None else (batch.alert,), paused)
        paused -= {address for _, address in told}
        left = [row for row in left if row[0] not in paused]
    return left


def keep_still(connection: Connection, mailing: int) -> bool:
    """Nobody comes back into an alert's mailing until this transaction is over; False when somebody is at it. That is not waited for:
    whoever stops an alert has its mailing, and waits for batches."""
    return connection.execute("SELECT 1 FROM mailing WHERE id=? FOR SHARE SKIP LOCKED", (mailing,)).fetchone() is not None
