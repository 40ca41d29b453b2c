"""A person's own settings. Nobody has a password: a one-use link to a confirmed address opens them, and only its button uses it up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec
from aiohttp import web
from babel.dates import get_timezone_name

from hub.clock import instant
from hub.web.context import CLIENT, hub
from hub.web.language import Words, chosen_language, letter_language, page_language, split_address, words
from hub.web.pages import render
from hub.web.residents import sentences
from hub.web.residents.changes import TIME_ZONES, Changed, Job, apply, typed_hours
from hub.web.residents.choices import ADDRESS_STATES, Chosen, channel_name, channel_options, choices, radii, read_chosen
from hub.web.residents.confirm import live_there, too_old
from hub.web.residents.forms import Data, Faulty, text
from hub.web.residents.pictures import picture
from hub.web.residents.places import PlaceForm, mark, read_place_form
from hub.web.residents.subscribe import AddressFields, TooOften
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.quiet_hours import QuietHours

if TYPE_CHECKING:
    from markupsafe import Markup

    from subscriptions.subscriber import PlaceRequest
    from subscriptions.views import ChannelView, SubscriptionView

ADDRESS_CHARACTERS = 320
NOTES = frozenset({"saved", "added", "known", "removed", "paused", "resumed", "asked", "tested"})
SECTIONS = frozenset({"places", "choices", "times", "reach"})
NIGHT = QuietHours(start="22:00", end="07:00", timezone="America/New_York")
"""What the form offers to who has no quiet hours."""


class PlaceLine(msgspec.Struct, frozen=True):
    """One place in words, with its picture, and with the mark by which its fields name it."""

    mark: str
    words: str
    label: str
    picture: Markup


class ChannelLine(msgspec.Struct, frozen=True):
    """One address, shortened so that a shoulder surfer learns little."""

    id: str
    name: str
    address: str
    state: str
    link: str | None


async def manage_ask(request: web.Request) -> web.StreamResponse:
    """``GET /manage``."""
    return render(request, "manage_ask.html", form={"address": ""}, errors={})


async def manage_ask_submit(request: web.Request) -> web.StreamResponse:
    """``POST /manage``: the same answer whether the address is known or not; only what can't be an address at all is named."""
    said = words(page_language(request))
    address = text(await request.post(), "address")[:ADDRESS_CHARACTERS]
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
        return await _one_use(request)
    section, note = request.query.get("at", ""), request.query.get("done", "")
    done = Changed(section, note) if section in SECTIONS and note in NOTES else None
    return await _settings(request, view, done=done)


async def _one_use(request: web.Request) -> web.Response:
    enrolment, token = hub(request).enrolment, request.match_info["token"]
    try:
        await enrolment.look_at_access(token)
    except (LinkInvalid, LinkExpired):
        return too_old(request)
    return render(request, "manage_open.html", language=letter_language(request, await enrolment.link_language("access", token)))


async def manage_submit(request: web.Request) -> web.StreamResponse:
    """``POST /manage/{token}``: use up a one-use link, or do what a form of the settings asks."""
    context, token, data = hub(request), request.match_info["token"], await request.post()
    try:
        if data.get("action") == "open":
            return _see_other(request, await context.enrolment.redeem(token))
        view = await context.enrolment.view(token)
        said = words(letter_language(request, view.language))
        try:
            done = await apply(Job(context, token, view, data, said))
        except Faulty as faulty:
            return await _settings(request, view, faulty=faulty, data=data)
        except TooOften as often:
            slower = Faulty({"reach": said.text("That was often. Try again %(when)s.", when=often.when(said))})
            return await _settings(request, view, faulty=slower, data=data, status=429)
    except (LinkInvalid, LinkExpired):
        return too_old(request)
    if "application/json" in request.headers.get("Accept", ""):
        return web.json_response({"status": done.note}, headers={"Cache-Control": "no-store"})
    return _see_other(request, token, done)


def _see_other(request: web.Request, token: str, done: Changed | None = None) -> web.Response:
    prefix, chosen = split_address(request.path)[0], chosen_language(request)
    parts = [f"at={done.section}&done={done.note}"] if done else []
    parts += [f"lang={chosen}"] if chosen and not prefix else []
    location = (f"/{prefix}" if prefix else "") + f"/manage/{token}" + (f"?{'&'.join(parts)}" if parts else "")
    location += f"#{done.section}" if done else ""
    return web.Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})


async def _settings(
    request: web.Request,
    view: SubscriptionView,
    *,
    done: Changed | None = None,
    faulty: Faulty | None = None,
    data: Data | None = None,
    status: int = 422,
) -> web.Response:
    """The page; after a fault with what was typed in the form that was sent."""
    context, language = hub(request), letter_language(request, view.language)
    said, sent = words(language), text(data, "action") if data is not None else ""
    city = said.phrases.gettext(context.settings.city_name)
    today = instant(context.clock()).astimezone(said.phrases.zone).date()
    chosen = read_chosen(data, language) if data is not None and sent == "choices" else _chosen(view)
    reach = AddressFields(**{name: text(data, name) for name in ("kind", "email", "phone")}) if data is not None else AddressFields()
    return render(
        request,
        "manage.html",
        language=language,
        status=status if faulty else 200,
        errors=faulty.errors if faulty else {},
        wrong=faulty.wrong if faulty else "",
        fixes=faulty.fixes if faulty else (),
        done=done,
        form=reach,
        spot=read_place_form(data) if data is not None and sent == "add" else PlaceForm(),
        summary=sentences.summary(view, context.catalog, said, city),
        times=sentences.times(view, said),
        cards=await live_there(request, view, said),
        places=[
            PlaceLine(
                mark(place),
                sentences.where(_unlabelled(place), context.catalog, said, city),
                place.label or "",
                picture(place, context.catalog),
            )
            for place in view.places
        ],
        choices=choices(said, chosen),
        channels=[_channel(said, channel) for channel in view.channels],
        kinds=channel_options(said, context.enrolment.offered(), reach.kind or "email"),
        quiet="quiet" in data if data is not None and sent == "quiet" else view.quiet_hours is not None,
        hours=typed_hours(data) if data is not None and sent == "quiet" else view.quiet_hours or NIGHT,
        until=text(data, "until") if data is not None and sent == "pause" else "",
        zones=_zones(view, said),
        paused=view.paused_until is not None,
        tomorrow=(today + timedelta(days=1)).isoformat(),
        in_a_year=(today + timedelta(days=365)).isoformat(),
        radii=radii(said),
        locates=context.enrolment.locates_addresses(),
        elsewhere_open=bool(faulty and faulty.errors.keys() & {"address", "point", "corners"}),
        export_path=f"/api/v1/subscriptions/{request.match_info['token']}/export",
        end_path=f"/manage/{request.match_info['token']}/end",
    )


def _unlabelled(place: PlaceRequest) -> PlaceRequest:
    return msgspec.structs.replace(place, label=None)


def _chosen(view: SubscriptionView) -> Chosen:
    return Chosen(
        topics=view.topics,
        minimum_severity=view.minimum_severity,
        severities=view.severities,
        language=view.language,
        drills=view.drills,
        discreet=view.discreet,
    )


def _channel(said: Words, channel: ChannelView) -> ChannelLine:
    state = ADDRESS_STATES.get(channel.state, "")
    return ChannelLine(channel.id, channel_name(said, channel.kind), channel.hint, said.text(state) if state else "", channel.link)


def _zones(view: SubscriptionView, said: Words) -> list[tuple[str, str]]:
    own = (view.quiet_hours.timezone,) if view.quiet_hours else ()
    return [(zone, _zone_name(zone, said)) for zone in dict.fromkeys((*own, *TIME_ZONES))]


def _zone_name(zone: str, said: Words) -> str:
    place = zone.rsplit("/", 1)[-1].replace("_", " ")
    name = str(get_timezone_name(ZoneInfo(zone), width="long", locale=said.phrases.names)) if zone != "UTC" else "UTC"
    return name if place in name else f"{name} ({place})"


async def manage_end(request: web.Request) -> web.StreamResponse:
    """``POST /manage/{token}/end``: everything is deleted. What it says can't be read again, so the page names no other languages."""
    enrolment, token = hub(request).enrolment, request.match_info["token"]
    try:
        language = letter_language(request, (await enrolment.view(token)).language)
        await enrolment.end(token, source="web")
    except (LinkInvalid, LinkExpired):
        return too_old(request, at=f"/manage/{token}")
    return render(request, "ended.html", language=language, deleted=True)
