"""A person's own settings. Nobody has a password: a one-use link to a confirmed address opens them, and only its button uses it up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from hub.web.context import CLIENT, hub
from hub.web.language import chosen_language, letter_language, page_language, split_address, words
from hub.web.pages import render
from hub.web.residents.choices import ADDRESS_STATES, channel_name, choices
from hub.web.residents.confirm import too_old
from hub.web.residents.places import UnknownPlace, place_name, read_places
from subscriptions.errors import InvalidSubscription, LinkExpired, LinkInvalid
from subscriptions.languages import nearest
from subscriptions.subscriber import PlaceRequest, SubscriptionChange

if TYPE_CHECKING:
    from multidict import MultiDictProxy

    from subscriptions.views import SubscriptionView

ADDRESS_CHARACTERS = 320


class PlaceLine(msgspec.Struct, frozen=True):
    """One place with its tick."""

    name: str
    kept: bool


class ChannelLine(msgspec.Struct, frozen=True):
    """One address, shortened so that a shoulder surfer learns little."""

    name: str
    address: str
    state: str


class Typed(msgspec.Struct, frozen=True):
    """The one text field of the settings."""

    place: str = ""


async def manage_ask(request: web.Request) -> web.StreamResponse:
    """``GET /manage``."""
    return render(request, "manage_ask.html", form={"address": ""}, errors={})


async def manage_ask_submit(request: web.Request) -> web.StreamResponse:
    """``POST /manage``: the same answer whether the address is known or not; only what can't be an address at all is named."""
    said = words(page_language(request))
    address = str((await request.post()).get("address", "")).strip()[:ADDRESS_CHARACTERS]
    errors: dict[str, str] = {}
    if not address:
        errors["address"] = said.text("Give the e-mail address or the mobile number that gets your alerts.")
    elif not hub(request).enrolment.is_address(address):
        errors["address"] = said.text(
            "This is neither a complete e-mail address nor a US mobile number. Write it like name@example.org or 718 555 0100."
        )
    if errors:
        return render(request, "manage_ask.html", status=422, form={"address": address}, errors=errors)
    await hub(request).enrolment.request_access(address, client=request[CLIENT])
    return render(request, "manage_asked.html")


async def manage_page(request: web.Request) -> web.StreamResponse:
    """``GET /manage/{token}``: the settings for a manage token, a button for a one-use link."""
    enrolment, token = hub(request).enrolment, request.match_info["token"]
    try:
        view = await enrolment.view(token)
    except (LinkInvalid, LinkExpired):
        await _look_at_access(request)
        language = letter_language(request, await enrolment.link_language("access", token))
        return render(request, "manage_open.html", language=language)
    return _settings(request, view, saved="saved" in request.query)


async def _look_at_access(request: web.Request) -> None:
    try:
        await hub(request).enrolment.look_at_access(request.match_info["token"])
    except (LinkInvalid, LinkExpired):
        raise too_old(words(page_language(request))) from None


async def manage_submit(request: web.Request) -> web.StreamResponse:
    """``POST /manage/{token}``: use up a one-use link, or save the settings."""
    token, data = request.match_info["token"], await request.post()
    try:
        if data.get("action") == "open":
            return _see_other(request, await hub(request).enrolment.redeem(token))
        return await _change(request, token, data)
    except (LinkInvalid, LinkExpired):
        raise too_old(words(page_language(request))) from None


def _see_other(request: web.Request, token: str, note: str = "") -> web.Response:
    (prefix, _), chosen = split_address(request.path), chosen_language(request)
    query = "&".join(part for part in (note, f"lang={chosen}" if chosen and not prefix else "") if part)
    location = (f"/{prefix}" if prefix else "") + f"/manage/{token}" + (f"?{query}" if query else "")
    return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


async def _change(request: web.Request, token: str, data: MultiDictProxy[Any]) -> web.Response:
    context = hub(request)
    view = await context.enrolment.view(token)
    said = words(letter_language(request, view.language))
    kept = [place for position, place in enumerate(view.places) if str(position) in data.getall("keep", [])]
    typed = Typed(str(data.get("place", "")).strip()[:2000])
    errors: dict[str, str] = {}
    try:
        added = read_places(typed.place, context.catalog, said) if typed.place else []
    except UnknownPlace as unknown:
        errors["place"], added = str(unknown), []
    change = read_change(data, (*kept, *added))
    if not kept and not added and not errors:
        errors["place"] = said.text("Keep at least one place, or stop all alerts below.")
    if not change.topics:
        errors["topics"] = said.text("Choose at least one topic.")
    if not errors:
        try:
            await context.enrolment.change(token, change, source="web")
            return _see_other(request, token, "saved=1")
        except InvalidSubscription as invalid:
            errors |= {fault.pointer.strip("/").split("/")[0].replace("places", "place"): fault.detail for fault in invalid.errors}
    return _settings(request, _as_typed(view, change), errors=errors, typed=typed, kept={id(place) for place in kept})


def read_change(data: MultiDictProxy[Any], places: tuple[PlaceRequest, ...]) -> SubscriptionChange:
    """The form as a change that names everything the page shows. Topics that the page does not know stay out of it."""
    topics = tuple(topic for topic in data.getall("topics", []) if isinstance(topic, str))
    drills = "drills" in data
    return SubscriptionChange(
        places=places,
        topics=topics + (("test",) if drills and topics else ()),
        minimum_severity=str(data.get("minimum_severity", "Minor")),
        language=nearest(str(data.get("language", "en"))) or "en",
        drills=drills,
    )


def _as_typed(view: SubscriptionView, change: SubscriptionChange) -> SubscriptionView:
    named = {"topics": change.topics, "minimum_severity": change.minimum_severity, "language": change.language, "drills": change.drills}
    return msgspec.structs.replace(view, **named)


def _settings(
    request: web.Request,
    view: SubscriptionView,
    *,
    saved: bool = False,
    errors: Mapping[str, str] | None = None,
    typed: Typed | None = None,
    kept: set[int] | None = None,
) -> web.Response:
    context, language = hub(request), letter_language(request, view.language)
    said = words(language)
    return render(
        request,
        "manage.html",
        language=language,
        status=422 if errors else 200,
        errors=errors or {},
        saved=saved,
        form=typed or Typed(),
        places=[PlaceLine(place_name(place, context.catalog, said), kept is None or id(place) in kept) for place in view.places],
        choices=choices(said, topics=view.topics, minimum_severity=view.minimum_severity, language=view.language, drills=view.drills),
        channels=[
            ChannelLine(
                channel_name(said, channel.kind), channel.hint, said.text(state) if (state := ADDRESS_STATES.get(channel.state, "")) else ""
            )
            for channel in view.channels
        ],
        end_path=f"/manage/{request.match_info['token']}/end",
    )


async def manage_end(request: web.Request) -> web.StreamResponse:
    """``POST /manage/{token}/end``: everything is deleted."""
    enrolment, token = hub(request).enrolment, request.match_info["token"]
    try:
        language = letter_language(request, (await enrolment.view(token)).language)
        await enrolment.end(token, source="web")
    except (LinkInvalid, LinkExpired):
        raise too_old(words(page_language(request))) from None
    return render(request, "ended.html", language=language, deleted=True)
