"""What is on near somebody's places, why their last alert came, and that they have read it (S16, S26)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from aiogram.types import CallbackQuery, Message
from sqlalchemy import select

from hub.alerts.area import target
from hub.alerts.store import StoredAlert
from hub.bot.choices import TOPICS
from hub.bot.parts import CHANNEL, BotHub
from hub.bot.talk import Talk
from hub.bot.words import N_
from hub.clock import milliseconds
from hub.delivery.sending.outcome import REACHED
from hub.delivery.words.alert_words import AlertWords, alert_words
from hub.store import tables
from subscriptions.errors import LinkExpired, NotSubscribed
from subscriptions.languages import listed
from subscriptions.own_address import Owner

SHOWN = 10
"""Alerts in one answer; the page has them all."""
CODE_CHARACTERS = 12
"""Of an alert's number in base 36: more than any database counts to is no number of ours."""


async def alerts(message: Message, talk: Talk) -> None:
    """``/alerts``: those that would come to this chat if they went out now."""
    owner, page = await _owner(talk), f"{talk.hub.public_url}/"
    if talk.view is not None and talk.view.paused_until is not None:
        until = talk.phrases.moment(talk.view.paused_until.timestamp(), talk.hub.clock())
        await talk.send(talk.say(N_("Your alerts are paused until %(when)s. All that is on: %(url)s"), when=until, url=page))
        return
    found = _matching(talk.hub, owner, await talk.hub.alerts.live(milliseconds(talk.hub.clock)))
    if not found:
        await talk.send(talk.say(N_("Nothing is on at your places now. All that is on: %(url)s"), url=page))
        return
    lines = [_in_short(words(alert, talk), talk) for alert in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(talk.say(N_("And %(count)s more: %(url)s"), count=talk.phrases.number(len(found) - SHOWN), url=page))
    await talk.send("\n\n".join(lines))


def _matching(hub: BotHub, owner: Owner, live: Sequence[StoredAlert]) -> list[StoredAlert]:
    def reaches(alert: StoredAlert) -> bool:
        aim = target(alert.area, alert.document, alert.grade, hub.catalog)
        return bool(hub.audience.match_one(owner.subscriber, aim).people)

    return [alert for alert in live if reaches(alert)]


def words(alert: StoredAlert, talk: Talk) -> AlertWords:
    """An alert in the reader's language."""
    hub = talk.hub
    return alert_words(alert, talk.phrases, public_url=hub.public_url, city_name=hub.settings.city_name, now=hub.clock())


def _in_short(said: AlertWords, talk: Talk) -> str:
    until = talk.say(N_("%(where)s, until %(when)s"), where=said.where_short, when=said.until)
    return f"<b>{talk.words.escaped(said.title(200))}</b>\n{until}\n{talk.words.escaped(said.page)}"


async def _owner(talk: Talk) -> Owner:
    """Raises NotSubscribed."""
    owner = await talk.own.owner(CHANNEL, talk.address)
    if owner is None:
        raise NotSubscribed
    return owner


async def why(message: Message, talk: Talk) -> None:
    """``/why``: of the last alert."""
    owner = await _owner(talk)
    last = await _last(talk.hub, owner.address)
    alert = await talk.hub.alerts.by_number(last.alert) if last is not None else None
    if last is None or alert is None:
        await talk.send(talk.say(N_("No alert has come to this chat yet.")))
        return
    token = talk.hub.links.token("why", owner.subscriber, owner.address, owner.epoch, last.mailing)
    try:
        reason = await talk.hub.enrolment.why(token)
    except LinkExpired:
        raise NotSubscribed from None
    year, month = map(int, reason.since.split("-"))
    places = talk.plain(N_("the whole city")) if reason.citywide else ", ".join(reason.places) or talk.plain(N_("your places"))
    await talk.send(
        talk.say(
            N_("“%(headline)s” came because you follow %(places)s and %(topics)s, since %(month)s."),
            headline=words(alert, talk).title(200),
            places=places,
            topics=listed((talk.plain(TOPICS[topic]) for topic in reason.topics if topic in TOPICS), talk.language)
            or talk.plain(N_("Drills too")),
            month=talk.phrases.month(year, month),
        )
        + "\n\n"
        + talk.say(N_("To change it: /settings. To end it: /stop"))
    )


class Last(msgspec.Struct, frozen=True):
    """A mailing and the number of its alert."""

    mailing: int
    alert: int


async def _last(hub: BotHub, address: int) -> Last | None:
    """The newest alert that may have come to an address. Rows are looked up mailing by mailing, the newest first."""
    mailing, delivery = tables.mailing.c, tables.delivery.c
    query = (
        select(mailing.id, mailing.alert)
        .join(tables.delivery, (delivery.mailing == mailing.id) & (delivery.address == address))
        .where(mailing.alert.is_not(None), delivery.outcome.in_([int(outcome) for outcome in REACHED]))
        .order_by(mailing.id.desc())
        .limit(1)
    )
    async with hub.database.read() as connection:
        row = (await connection.execute(query)).first()
    return Last(*row) if row is not None else None


async def have_read(press: CallbackQuery, talk: Talk) -> None:
    """The button under an alert: counts as confirmed, once."""
    number = read_code((press.data or "").partition(":")[2])
    owner = await talk.own.owner(CHANNEL, talk.address)
    known = None
    if number is not None and owner is not None:
        known = await talk.hub.ledger.confirm(number, owner.address, milliseconds(talk.hub.clock))
    if known is None:
        await press.answer(talk.plain(N_("This could not be noted. Please press again in a moment.")), show_alert=True)
        return
    await press.answer(talk.plain(N_("Noted: you have read this. Nobody sees more than how many have.")))
    if isinstance(press.message, Message):
        await talk.without_buttons(press.message)


def read_code(code: str) -> int | None:
    """The number of an alert, None for what can't be one."""
    if not (code.isascii() and code.isalnum() and len(code) <= CODE_CHARACTERS):
        return None
    return int(code, 36)
