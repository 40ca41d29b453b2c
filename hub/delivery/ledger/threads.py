"""Where a channel lets one message answer another, and lets the old one be struck through: what has to be kept for that, and no more.

Of those channels the ledger keeps the provider's number of each message that was taken. A later version of the alert goes out as an answer
to it; then the old words are struck through by a mailing of their own, behind every alert, so that they never hold up the new ones. And a
reader may say in the chat itself that they have read it: *confirmed*, which is another number than *handed over* (S16).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

import msgspec
import numpy as np

from hub.delivery.ledger.batches import Leased, Planned
from hub.delivery.sending.outcome import REACHED, Outcome
from hub.store.driver import Connection
from subscriptions import languages

PRIORITY = 4
"""Behind every alert that is going out."""
VALID_MS = 24 * 3600 * 1000
STRUCK_AT_ONCE = 150
"""In a batch: five seconds at the thirty a second that Telegram allows. Nothing as urgent waits behind them."""

_ARRIVED = ",".join(str(int(outcome)) for outcome in (*REACHED, Outcome.DOUBTFUL))
_EARLIER = (
    " FROM posted p JOIN mailing m ON m.id=p.mailing JOIN alert e ON e.number=m.alert JOIN alert n ON n.chain=e.chain AND e.number<n.number"
)


class Statements(Protocol):
    """What is asked here of `hub.delivery.ledger.statements.Statements`."""

    @property
    def connection(self) -> Connection: ...

    def plan(self, mailing: int, matched: int, lists: Sequence[Planned], now: int) -> bool:
        """Freeze a launched mailing's list."""

    def count(self, mailing: int, channel: str, outcome: str, by: int) -> None:
        """Add to a counter."""


def note(connection: Connection, leased: Leased, posted: Iterable[tuple[int, int]]) -> None:
    """Keep the numbers of messages that were taken, as (address, number), unless the address is another chat by now: a group that has
    become a supergroup numbers its messages anew."""
    numbers = dict(posted)
    connection.executemany(
        "INSERT INTO posted(mailing, address, message) SELECT ?, a.id, ? FROM address a WHERE a.id=? AND a.sealed=?"
        " ON CONFLICT(mailing, address) DO UPDATE SET message=excluded.message",
        [(leased.mailing, numbers[address], address, sealed) for address, sealed in leased.sealed(numbers)],
    )


def earlier(connection: Connection, leased: Leased) -> Mapping[int, int]:
    """Address → number of the message that this batch answers or, in a mailing that strikes, overwrites."""
    wanted = connection.ids(to.address for to in leased.recipients)
    if leased.purpose == "strike":
        query = "SELECT p.address, p.message FROM ids(?) j JOIN posted p ON p.mailing=? AND p.address=j.value"
        rows = connection.execute(query, (wanted, int(leased.parameter("mailing")))).fetchall()
    else:
        query = f"SELECT p.address, p.message{_EARLIER} WHERE n.number=? AND p.address IN (SELECT j.value FROM ids(?) j) ORDER BY p.mailing"  # noqa: S608 - our own words
        rows = connection.execute(query, (leased.alert, wanted)).fetchall()
    return dict(rows)  # the newest comes last


def strike(statements: Statements, alert: int, now: int) -> None:
    """Queue the striking of what is out of date once this alert is planned: each person's last message about it that can be overwritten.

    Discreet words say nothing that could be.
    """
    query = (
        f"SELECT MAX(p.mailing), p.address, s.language{_EARLIER} JOIN address a ON a.id=p.address"
        " JOIN subscriber s ON s.id=a.subscriber WHERE n.number=? AND a.state='active' AND s.discreet=0 GROUP BY p.address, s.language"
    )
    found: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for mailing, address, language in statements.connection.execute(query, (alert,)).fetchall():
        found[mailing][language].append(address)
    for mailing, by_language in sorted(found.items()):
        _add(statements, mailing, by_language, now)


def _add(statements: Statements, mailing: int, by_language: Mapping[int, list[int]], now: int) -> None:
    (number,) = statements.connection.execute("SELECT alert FROM mailing WHERE id=?", (mailing,)).fetchone()
    parameters = msgspec.json.encode({"mailing": str(mailing), "alert": str(number)}).decode()
    (made,) = statements.connection.execute(
        "INSERT INTO mailing(purpose, parameters, priority, state, matched, created_at, planned_at, expires_at)"
        " VALUES ('strike', ?, ?, 'launched', 0, ?, ?, ?) RETURNING id",
        (parameters, PRIORITY, now, now, now + VALID_MS),
    ).fetchone()
    lists = [
        Planned("telegram", languages.tag(language), False, np.array(sorted(addresses), dtype=np.int64), STRUCK_AT_ONCE)
        for language, addresses in sorted(by_language.items())
    ]
    statements.plan(made, sum(map(len, by_language.values())), lists, now)


def confirm(statements: Statements, alert: int, address: int, now: int) -> bool | None:
    """Somebody at this address has read this alert: counted once, whatever is pressed again. False when it was known, None when nothing
    is known of such a message."""
    connection = statements.connection
    row = connection.execute(
        "SELECT m.id, a.channel FROM mailing m JOIN address a ON a.id=? WHERE m.alert=? AND m.purpose='alert'", (address, alert)
    ).fetchone()
    if row is None:
        return None
    mailing, channel = row
    # What was doubtful has arrived: whoever presses its button has it.
    query = f"UPDATE delivery SET confirmed_at=? WHERE mailing=? AND address=? AND confirmed_at IS NULL AND outcome IN ({_ARRIVED})"  # noqa: S608 - our own numbers
    if connection.execute(query, (now, mailing, address)).rowcount:
        statements.count(mailing, channel, "confirmed", 1)
        return True
    known = "SELECT 1 FROM delivery WHERE mailing=? AND address=? AND confirmed_at IS NOT NULL"
    return False if connection.execute(known, (mailing, address)).fetchone() else None
