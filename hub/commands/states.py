"""What an alert, its mailing and its batches say of each other: what is not live goes to nobody, and what is goes out as it was approved.

Each transaction of the hub leaves all of this so, whatever it is killed at; `CALLED_LIVE` alone is the middle of two, which the hub ends
by itself.
"""

from __future__ import annotations

from typing import Any, get_args

from sqlalchemy import Column, ColumnElement, and_, case, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from channels.catalog import KINDS
from channels.contract import Purpose
from hub.alerts.lifecycle import STATUSES
from hub.commands.broken import SHOWN, Broken
from hub.delivery.ledger.statements import IN_FLIGHT_MS
from hub.delivery.progress import GOING
from hub.delivery.sending.outcome import OPEN, Outcome
from hub.store import tables
from subscriptions.severity import rank
from subscriptions.store import tables as people

_alert, _mailing, _batch, _counter, _delivery = tables.alert, tables.mailing, tables.batch, tables.counter, tables.delivery

_NOT_APPROVED = tuple(status for status in STATUSES if status not in {"live", "ended"})

_WORDS: tuple[tuple[Column[Any], tuple[Any, ...]], ...] = (
    (_alert.c.status, STATUSES),
    (_mailing.c.state, (*GOING, "done", "refused", "stopped")),
    (_mailing.c.purpose, get_args(Purpose)),
    (_batch.c.state, (0, 1, 2)),
    (_batch.c.channel, tuple(KINDS)),
    (_delivery.c.outcome, tuple(map(int, Outcome))),
    (
        _counter.c.outcome,
        ("planned", "held", "possible_duplicate", "confirmed", *(outcome.label for outcome in Outcome if outcome not in OPEN)),
    ),
    (people.address.c.state, ("unconfirmed", "active", "dead", "stopped", "merged", "answered")),
    (people.subscriber.c.status, ("pending", "active", "ended", "passing")),
)
"""Columns whose values are few → those that mean something."""


async def words(connection: AsyncConnection) -> Broken:
    """No column says what nobody understands: whoever asks for one of the known words would pass it over for ever."""
    found: dict[str, int] = {}
    for column, known in _WORDS:
        query = select(column, func.count()).where(column.not_in(known)).group_by(column).order_by(column)
        found |= {f"{column.table.name}.{column.name} {word}": count for word, count in await connection.execute(query)}
    return Broken(sum(found.values()), tuple(found)[:SHOWN])


def _has(column: Column[Any]) -> ColumnElement[bool]:
    return select(column).where(column == _mailing.c.id).exists()


_OVER_BEFORE_ITS_TIME = and_(_alert.c.status == "ended", _alert.c.ended_at < _alert.c.expires_at)
"""A later version took its place. What has merely run out may have people left who are to be told that they missed it."""

NOT_LIVE = (
    select(_alert.c.id)
    .join(_mailing, _mailing.c.alert == _alert.c.number)
    .where(_mailing.c.state.in_(GOING), or_(_alert.c.status.in_(_NOT_APPROVED), _OVER_BEFORE_ITS_TIME))
    .order_by(_alert.c.number)
)
CALLED_LIVE = (
    select(_alert.c.id)
    .join(_mailing, _mailing.c.alert == _alert.c.number)
    .where(_alert.c.status == "live", _mailing.c.state == "stopped")
    .order_by(_alert.c.number)
)
_OTHERWISE = and_(
    or_(_alert.c.status == "live", _mailing.c.state.in_(GOING)),
    or_(_mailing.c.expires_at != _alert.c.expires_at, _mailing.c.priority != rank("Extreme") - _alert.c.grade),
)
_OUT_OF_TURN = select(_batch.c.id).where(_batch.c.mailing == _mailing.c.id, _batch.c.priority != _mailing.c.priority).exists()
UNLIKE_ITS_ALERT = (
    select(_mailing.c.id)
    .join(_alert, _alert.c.number == _mailing.c.alert, isouter=True)
    .where(or_(_OTHERWISE, _OUT_OF_TURN))
    .order_by(_mailing.c.id)
)
TOO_LATE = (
    # Quiet hours may outlast an alert, and then its readers are told; a try that is put off is given up sooner than that.
    select(_batch.c.id)
    .join(_mailing, _mailing.c.id == _batch.c.mailing)
    .where(_batch.c.held == 0, _batch.c.due_at > _mailing.c.expires_at + IN_FLIGHT_MS)
    .order_by(_batch.c.id)
)
SAID_TWICE = (
    # What a source says of several of its alerts makes one chain of theirs, and one of them may have a later version by then.
    select(_alert.c.chain)
    .group_by(_alert.c.chain)
    .having(func.sum(case((_alert.c.status == "live", 1), else_=0)) > 1, func.sum(case((_alert.c.source == "cap", 1), else_=0)) == 0)
    .order_by(_alert.c.chain)
)
REACHED_UNPLANNED = (
    select(_mailing.c.id)
    .where(_mailing.c.state == "launched", or_(_has(_batch.c.mailing), _has(_delivery.c.mailing), _has(_counter.c.mailing)))
    .order_by(_mailing.c.id)
)
KEY_TO_NOWHERE = (
    select(tables.idempotency.c.alert)
    .join(_alert, _alert.c.id == tables.idempotency.c.alert, isouter=True)
    .where(_alert.c.id.is_(None))
    .order_by(tables.idempotency.c.alert)
)
