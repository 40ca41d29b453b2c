"""What every page of the console shares: who is logged in, what they may do, and a line for each alert."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from hub.errors import Unauthenticated
from hub.staff.actor import Actor
from hub.staff.roles import allowed
from hub.web.cards import Card, card
from hub.web.console import words as plain
from hub.web.context import ACTOR, HubContext
from hub.web.language import words
from hub.web.pages import render
from subscriptions.languages import LANGUAGES

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert

ENGLISH = words("en")
"""The console's language: its readers are staff."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as staff see it."""

    id: str
    path: str
    card: Card
    heading: str
    """The kind of event, with what the message is to it when it is an update or a call-off."""
    status: str
    status_word: str
    people: int
    author: str
    approver: str
    created: str
    hash: str
    own: bool


def actor_of(request: web.Request) -> Actor:
    """Who is logged in. Raises Unauthenticated, which leads to the log-in page."""
    actor: Actor | None = request.get(ACTOR)
    if actor is None:
        raise Unauthenticated("Log in first.")
    return actor


def page(request: web.Request, template: str, /, *, status: int = 200, **values: Any) -> web.Response:
    """A page of the console: never cached, in English, with what this person may do."""
    actor: Actor | None = request.get(ACTOR)
    may = allowed(actor.role) if actor else frozenset()
    return render(request, template, language="en", status=status, allowed=may, words=plain, language_names=LANGUAGES, **values)


def row(stored: StoredAlert, context: HubContext, actor: Actor) -> Row:
    """The line of an alert."""
    now = context.clock()
    return Row(
        id=stored.id,
        path=f"/console/alerts/{stored.id}",
        card=staff_card(stored, context),
        heading=heading(stored),
        status=stored.status,
        status_word=plain.STATUSES[stored.status],
        people=stored.audience,
        author=name_of(stored.author),
        approver=name_of(stored.approver) if stored.approver else "",
        created=ENGLISH.phrases.moment(stored.created_at / 1000, now),
        hash=stored.hash,
        own=stored.author == actor.label,
    )


def heading(stored: StoredAlert) -> str:
    """``Call-off: Water Outage``: what is over must not look like what is live."""
    return {"Update": "Update: ", "Cancel": "Call-off: "}.get(stored.document.msgType, "") + stored.document.event


def staff_card(stored: StoredAlert, context: HubContext) -> Card:
    """The card in the console's language, with the kind of event as its author wrote it."""
    shown = card(stored, ENGLISH, context.clock(), city_name=context.settings.city_name)
    return msgspec.structs.replace(shown, event=stored.document.event)


def name_of(label: str) -> str:
    """``staff:3 night desk`` → ``night desk``."""
    return label.partition(" ")[2] or label


def see_other(location: str) -> web.Response:
    """After a form: look there (RFC 9110 §15.4.4)."""
    return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})
