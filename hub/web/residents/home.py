"""The front page: what is going on now, where, and the way to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hub.clock import milliseconds
from hub.web.cards import card
from hub.web.language import Words, words
from hub.web.pages import public_page
from hub.web.residents.choices import TOPIC_WORDS, Option
from hub.web.residents.filters import Filter, NoSuchPlace, filtered
from subscriptions.languages import LANGUAGES

if TYPE_CHECKING:
    from hub.web.context import PublicContext
    from hub.web.pages import Pages, Place

MINUTE_S = 60


NOTHING = Filter()


class FilterForm(msgspec.Struct, frozen=True, kw_only=True):
    """The form as it stands on the page."""

    place: str
    error: str
    topics: tuple[Option, ...]
    languages: tuple[Option, ...]
    shown: str
    """What is shown, in words; empty when that is everything."""


async def home(
    context: PublicContext, pages: Pages, place: Place, wanted: Filter = NOTHING, unknown: NoSuchPlace | None = None
) -> tuple[bytes, float]:
    """``GET /``, and until when it is true: it says the minute at which it was made. `unknown`: the place that nobody knows."""
    now, said = context.clock(), words(place.language)
    live = await context.alerts.live(milliseconds(context.clock))
    found = filtered(live, wanted, context.catalog)
    cards = [card(alert, said, now, city_name=context.settings.city_name) for alert in found]
    real, unreal = [one for one in cards if not one.mark], [one for one in cards if one.mark]
    text = public_page(
        pages,
        context,
        place,
        "home.html",
        real=real,
        unreal=unreal,
        others=len(live) - len(found),
        filter=_form(wanted, unknown, said),
        now=now,
        clock=said.phrases.time(now),
        hour=said.phrases.hour(now),
    )
    return text, min([now - now % MINUTE_S + MINUTE_S, *(alert.expires_at / 1000 for alert in live)])


def _form(wanted: Filter, unknown: NoSuchPlace | None, said: Words) -> FilterForm:
    place = wanted.place.name if wanted.place else ""
    topics = [Option(key, said.text(name), "", key == wanted.topic) for key, (name, _) in TOPIC_WORDS.items()]
    languages = [Option(tag, name, "", tag == wanted.language) for tag, name in LANGUAGES.items()]
    chosen = [option.name for option in (*topics, *languages) if option.chosen]
    return FilterForm(
        place=unknown.text if unknown else place,
        error=_unknown(unknown, said) if unknown else "",
        topics=tuple(topics),
        languages=tuple(languages),
        shown=" · ".join([place, *chosen] if place else chosen),
    )


def _unknown(unknown: NoSuchPlace, said: Words) -> str:
    if unknown.near:
        return said.text("We do not know “%(place)s”. Did you mean %(near)s?", place=unknown.text, near=" / ".join(unknown.near))
    return said.text("We do not know “%(place)s”. Give a ZIP code, a neighborhood or a borough of this city.", place=unknown.text)
