"""Confirming an address. Looking changes nothing, since mail scanners look too; only the button confirms (safeguard S25)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from aiohttp import web

from hub.clock import milliseconds
from hub.web.cards import Card, card
from hub.web.context import hub
from hub.web.language import Words, letter_language, words
from hub.web.pages import render
from hub.web.residents.choices import severity_sentence, topics_sentence
from hub.web.residents.nearby import concerns
from hub.web.residents.sentences import exceptions
from subscriptions.columns import CITY_KEY
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.languages import LANGUAGES

if TYPE_CHECKING:
    from subscriptions.views import PendingView, SubscriptionView


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """What is being confirmed, in words and without an address."""

    places: str
    topics: str
    severity: str
    language: str


def summary(view: PendingView, said: Words, city_name: str) -> Summary:
    """The view of a sign-up as sentences."""
    places = said.phrases.places(view.places, 12) if view.places else said.phrases.gettext("a place on the map")
    if CITY_KEY in view.places:
        places = said.text("All of %(city)s", city=said.phrases.gettext(city_name))
    return Summary(
        places=places,
        topics=topics_sentence(said, view.topics),
        severity=severity_sentence(said, view.minimum_severity) + exceptions(view.minimum_severity, view.severities, view.topics, said),
        language=LANGUAGES.get(view.language, view.language),
    )


async def confirm_page(request: web.Request) -> web.StreamResponse:
    """``GET /confirm/{token}``."""
    context = hub(request)
    try:
        view = await context.enrolment.look_at_confirmation(request.match_info["token"])
    except (LinkInvalid, LinkExpired):
        return too_old(request)
    language = letter_language(request, view.language)
    if view.confirmed:
        return render(request, "confirmed.html", language=language, cards=[], manage=None, first=False)
    return render(
        request, "confirm.html", language=language, shared=view.shared, view=summary(view, words(language), context.settings.city_name)
    )


async def confirm_submit(request: web.Request) -> web.StreamResponse:
    """``POST /confirm/{token}``; the service worker asks for JSON and passes the link to the settings on to its page."""
    context = hub(request)
    try:
        alone = "alone" in await request.post()
        confirmed = await context.enrolment.confirm(request.match_info["token"], alone=alone)
    except (LinkInvalid, LinkExpired):
        return too_old(request)
    manage = f"/manage/{confirmed.manage}" if confirmed.manage else None
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response({"status": "active", "manage": manage}, headers={"Cache-Control": "no-store"})
    language = letter_language(request, confirmed.view.language)
    # The alerts that are being sent. A repeat is shown none: it is sent none.
    owner = await context.enrolment.view(confirmed.manage) if confirmed.manage else None
    cards = await live_there(request, owner, words(language)) if owner else []
    return render(request, "confirmed.html", language=language, cards=cards, manage=manage, first=manage is not None)


async def live_there(request: web.Request, owner: SubscriptionView, said: Words) -> list[Card]:
    """What is in effect now at the person's places (S28)."""
    context, now = hub(request), hub(request).clock()
    live = await context.alerts.live(milliseconds(context.clock))
    here = [stored for stored in live if concerns(stored, owner, context.catalog)]
    return [card(stored, said, now, city_name=context.settings.city_name) for stored in here]


def too_old(request: web.Request, *, at: str | None = None) -> web.Response:
    """What to do when a link is no good: the same page for a forged one, an old one and one that was used. `at` as of `render`."""
    return render(request, "no_link.html", status=410, at=at)
