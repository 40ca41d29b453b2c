"""Signing up: three fields, everything else is a choice that can wait. The answer never tells whether an address is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from aiohttp import web

from hub.web.context import CLIENT, HubContext, hub
from hub.web.language import Words, page_language, words
from hub.web.pages import render
from hub.web.residents.choices import RADII, TOPIC_WORDS, channel_options, choices, radii
from hub.web.residents.places import UnknownPlace, read_places
from subscriptions.errors import InvalidSubscription, TooManyRequests
from subscriptions.languages import nearest
from subscriptions.subscriber import ChannelRequest, PlaceRequest, PushSubscription, SubscriptionRequest

if TYPE_CHECKING:
    from multidict import MultiDictProxy

    from subscriptions.views import Subscribed

FIELD_OF_KIND = {"email": "email", "sms": "phone"}


class SignUpForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed, as it was typed."""

    place: str = ""
    kind: str = "email"
    email: str = ""
    phone: str = ""
    citywide: bool = False
    lat: str = ""
    lon: str = ""
    radius_m: int = RADII[1][0]
    topics: tuple[str, ...] = tuple(TOPIC_WORDS)
    minimum_severity: str = "Minor"
    language: str = "en"
    drills: bool = False
    subscription: str = ""

    def __repr__(self) -> str:
        return f"<SignUpForm {self.kind}>"


class Faulty(Exception):
    """Fields to mend: name → sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(errors))
        self.errors = dict(errors)


async def subscribe_page(request: web.Request) -> web.StreamResponse:
    """``GET /subscribe[?zip=]``."""
    context = hub(request)
    offered = context.enrolment.offered()
    kind = next((kind for kind in ("email", "sms", "telegram") if kind in offered), "email")
    form = SignUpForm(place=request.query.get("zip", "")[:40], kind=kind, language=page_language(request))
    return _page(request, form, {})


async def subscribe_submit(request: web.Request) -> web.StreamResponse:
    """``POST /subscribe``: the form, or the same fields from push.js with the browser's push subscription."""
    form = read_form(await request.post(), page_language(request))
    wants_json = "application/json" in request.headers.get("Accept", "")
    try:
        answer = await _subscribe(request, form)
    except Faulty as faulty:
        if wants_json:
            return web.json_response({"errors": faulty.errors}, status=422)
        return _page(request, form, faulty.errors)
    if wants_json:
        return web.json_response({"status": answer.status}, status=202)
    return render(request, "subscribed.html", kind=form.kind, telegram=answer.telegram)


async def _subscribe(request: web.Request, form: SignUpForm) -> Subscribed:
    context, said = hub(request), words(page_language(request))
    wanted = read_request(form, context, said)
    try:
        return await context.enrolment.subscribe(wanted, client=request[CLIENT], source="web")
    except InvalidSubscription as invalid:
        raise Faulty(_errors(invalid, form, said)) from None
    except TooManyRequests:
        raise Faulty({"kind": said.text("Too many sign-ups just now. Please try again later.")}) from None


def read_form(data: MultiDictProxy[Any], language: str) -> SignUpForm:
    """The fields of a POST; what is missing has its default."""

    def text(name: str, default: str = "") -> str:
        value = data.get(name, default)
        return value.strip()[:2000] if isinstance(value, str) else default

    return SignUpForm(
        place=text("place"),
        kind=text("kind"),
        email=text("email"),
        phone=text("phone"),
        citywide="citywide" in data,
        lat=text("lat"),
        lon=text("lon"),
        radius_m=int(radius) if (radius := text("radius_m", "800")).isascii() and radius.isdecimal() else RADII[1][0],
        topics=tuple(topic for topic in data.getall("topics", []) if isinstance(topic, str)),
        minimum_severity=text("minimum_severity", "Minor"),
        language=text("language", language),
        drills="drills" in data,
        subscription=text("subscription"),
    )


def read_request(form: SignUpForm, context: HubContext, said: Words) -> SubscriptionRequest:
    """The form as INTERFACE's document. Raises Faulty with every fault that the form itself can see."""
    errors: dict[str, str] = {}
    places = _places(form, context, said, errors)
    channel = _channel(form, context, said, errors)
    if not form.topics:
        errors["topics"] = said.text("Choose at least one topic.")
    if errors or channel is None:
        raise Faulty(errors)
    return SubscriptionRequest(
        places=tuple(places),
        channels=(channel,),
        topics=form.topics + (("test",) if form.drills else ()),
        minimum_severity=form.minimum_severity,
        language=nearest(form.language) or "en",
        drills=form.drills,
    )


def _places(form: SignUpForm, context: HubContext, said: Words, errors: dict[str, str]) -> list[PlaceRequest]:
    places = [PlaceRequest(citywide=True)] if form.citywide else []
    try:
        places += read_places(form.place, context.catalog, said) if form.place else []
        places += [PlaceRequest(lat=float(form.lat), lon=float(form.lon), radius_m=form.radius_m)] if form.lat and form.lon else []
    except UnknownPlace as unknown:
        errors["place"] = str(unknown)
    except ValueError:
        errors["place"] = said.text("The point on the map can't be read. Give a ZIP code instead.")
    if not places and "place" not in errors:
        errors["place"] = said.text("Give a ZIP code, a neighborhood or a borough.")
    return places


def _channel(form: SignUpForm, context: HubContext, said: Words, errors: dict[str, str]) -> ChannelRequest | None:
    if form.kind not in context.enrolment.offered():
        errors["kind"] = said.text("Choose how we should reach you.")
        return None
    field = FIELD_OF_KIND.get(form.kind)
    if form.kind == "web_push":
        return _push(form, said, errors)
    if field is None:
        return ChannelRequest(kind=form.kind)
    address = getattr(form, field)
    if not address:
        errors[field] = said.text("Give your e-mail address.") if field == "email" else said.text("Give your mobile number.")
        return None
    return ChannelRequest(kind=form.kind, address=address)


def _push(form: SignUpForm, said: Words, errors: dict[str, str]) -> ChannelRequest | None:
    try:
        return ChannelRequest(kind="web_push", subscription=msgspec.json.decode(form.subscription, type=PushSubscription))
    except msgspec.DecodeError:
        errors["kind"] = said.text("This browser did not allow notifications. Choose another way, or switch JavaScript on.")
        return None


def _errors(invalid: InvalidSubscription, form: SignUpForm, said: Words) -> dict[str, str]:
    """Faults by field. The document's own sentences are English, so those that residents meet have words of their own."""
    errors: dict[str, str] = {}
    for fault in invalid.errors:
        first = fault.pointer.strip("/").split("/")[0]
        if first == "channels" and form.kind == "email":
            errors["email"] = said.text("This is not a complete e-mail address. Write it like name@example.org.")
        elif first == "channels" and form.kind == "sms":
            errors["phone"] = said.text("We can't send to this number. Write a US mobile number with its area code, like 718 555 0100.")
        elif first == "places":
            errors["place"] = said.text("We can't follow this place: %(why)s", why=fault.detail)
        else:
            errors[{"channels": "kind"}.get(first, first)] = fault.detail
    return errors


def _page(request: web.Request, form: SignUpForm, errors: Mapping[str, str]) -> web.Response:
    context, said = hub(request), words(page_language(request))
    channels = channel_options(said, context.enrolment.offered(), form.kind)
    ticked = choices(said, topics=form.topics, minimum_severity=form.minimum_severity, language=form.language, drills=form.drills)
    return render(
        request,
        "subscribe.html",
        status=422 if errors else 200,
        form=form,
        errors=errors,
        channels=channels,
        kinds=[option.value for option in channels],
        choices=ticked,
        radii=radii(said),
        more_open=bool(errors.keys() - {"place", "email", "phone", "kind"}) or form.citywide,
    )
