"""Who is owed the correction of what went out (S3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hub.delivery.ledger import in_hand
from hub.delivery.ledger.batches import Reached
from hub.delivery.sending.outcome import REACHED, Outcome
from hub.store.driver import Connection

_WAY = "a.channel, s.language, a.simulated, s.discreet, s.quiet, a.id, s.id"
_MAY_HAVE = ",".join(str(int(outcome)) for outcome in (*REACHED, Outcome.DOUBTFUL))


def everyone(connection: Connection, mailings: Sequence[int]) -> list[Reached]:
    """Everyone who was, or may have been, reached by these mailings, or may be just now, and is still there."""
    rows = connection.execute(
        f"SELECT {_WAY} FROM (SELECT j.value AS address FROM ids(?) j UNION SELECT d.address"  # noqa: S608 - our own words
        f" FROM delivery d WHERE d.mailing IN (SELECT k.value FROM ids(?) k) AND d.outcome IN ({_MAY_HAVE})) r"
        " JOIN address a ON a.id=r.address JOIN subscriber s ON s.id=a.subscriber WHERE a.state='active'",
        (connection.ids(in_hand.of(connection, mailings)), connection.ids(mailings)),
    )
    return [_reached(row) for row in rows.fetchall()]


def before(connection: Connection, alerts: Sequence[int], people: Iterable[int]) -> Mapping[tuple[int, int], Sequence[Reached]]:
    """Where these people were, or may have been, reached by a version before one of these, or may be just now: by (alert, subscriber)."""
    rows = connection.execute(
        f"SELECT {_WAY} FROM address a JOIN subscriber s ON s.id=a.subscriber"  # noqa: S608 - our own words
        " WHERE a.state='active' AND a.subscriber IN (SELECT j.value FROM ids(?) j)",
        (connection.ids(people),),
    )
    own = {row.address: row for row in map(_reached, rows.fetchall())}
    # Asked first: whoever is settled in between is found by what came of it.
    busy = {(alert, address) for alert in alerts for address in in_hand.of_earlier_versions(connection, alert) if address in own}
    found = defaultdict[tuple[int, int], list[Reached]](list)
    for alert, address in sorted(busy | earlier(connection, alerts, own)):
        found[alert, own[address].subscriber].append(own[address])
    return found


def earlier(connection: Connection, alerts: Iterable[int], addresses: Iterable[int]) -> set[tuple[int, int]]:
    """(alert, address) wherever a version before this one of the alerts was, or may have been, handed over."""
    rows = connection.execute(
        # Joined with a list, both databases would rather read all rows of a mailing; in one, they look each up by its key.
        "SELECT DISTINCT a.number, d.address FROM alert a JOIN alert e ON e.chain=a.chain AND e.number<a.number"  # noqa: S608 - our own numbers
        " JOIN mailing m ON m.alert=e.number JOIN delivery d ON d.mailing=m.id WHERE a.number IN (SELECT j.value FROM ids(?) j)"
        f" AND d.address IN (SELECT j.value FROM ids(?) j) AND d.outcome IN ({_MAY_HAVE})",
        (connection.ids(alerts), connection.ids(addresses)),
    )
    return {(row[0], row[1]) for row in rows.fetchall()}


def _reached(row: Sequence[Any]) -> Reached:
    return Reached(row[0], row[1], bool(row[2]), bool(row[3]), row[4] or 0, *row[5:])
