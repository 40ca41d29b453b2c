"""Who is in a sender's hands: leased, or lost with whoever had them, and nothing said of them yet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hub.store.driver import Connection


def of_earlier_versions(connection: Connection, alert: int) -> frozenset[int]:
    """Addresses at which a later version must wait: it never overtakes an earlier one."""
    batches = connection.execute(
        "SELECT b.id, b.mailing, b.addresses FROM alert a JOIN alert e ON e.chain=a.chain AND e.number<a.number"
        " JOIN mailing m ON m.alert=e.number JOIN batch b ON b.mailing=m.id WHERE a.number=? AND b.state=1",
        (alert,),
    ).fetchall()
    return frozenset(_not_settled(connection, batches))


def of(connection: Connection, mailings: Sequence[int]) -> set[int]:
    """Addresses at which these may be handed over just now, or may have been by whoever ended without a last word."""
    query = "SELECT id, mailing, addresses FROM batch WHERE state<>0 AND mailing IN (SELECT j.value FROM ids(?) j)"
    return _not_settled(connection, connection.execute(query, (connection.ids(mailings),)).fetchall())


def _not_settled(connection: Connection, batches: Sequence[Sequence[Any]]) -> set[int]:
    """A batch's list is as it was leased: most of it may be long done, and one slow receiver speaks for itself alone."""
    left = set[int]()
    for batch, mailing, addresses in batches:
        ids = np.frombuffer(addresses, dtype="<i8").tolist()
        left.update(set(ids) - settled(connection, batch, mailing, connection.ids(ids)))
    return left


def settled(connection: Connection, batch: int, mailing: int, wanted: Any) -> set[int]:
    """Who of the addresses in `wanted` is no more this batch's to reach."""
    rows = connection.execute(
        "SELECT d.address FROM ids(?) j JOIN delivery d ON d.mailing=? AND d.address=j.value WHERE NOT (d.outcome IN (0, 7) AND d.batch=?)",
        (wanted, mailing, batch),
    )
    return {row[0] for row in rows.fetchall()}
