"""Signing up: three fields, everything else is a choice that can wait. The answer never tells whether an address is known."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
from aiohttp import web
from aiohttp.web_response import ContentCoding
from babel.dates import format_timedelta

from hub.web.context import CLIENT, HubContext, hub
from hub.web.language import Words, page_language, words
from hub.web.pages import render
from hub.web.ready import accepts_gzip
from hub.web.residents.choices import TOPIC_WORDS, Chosen, channel_options, choices, radii, read_chosen
from hub.web.residents.forms import Data, Faulty, text
from hub.web.residents.places import PlaceForm, field_of, read_place_form, requests_of
from subscriptions.errors import InvalidSubscription, TooManyRequests
from subscriptions.limits import OF_ADDRESSES
from subscriptions.subscriber import ChannelRequest, PlaceRequest, PushSubscription, SubscriptionRequest

if TYPE_CHECKING:
    from subscriptions.views import Subscribed

FIELD_OF_KIND = {"email": "email", "sms": "phone"}
OWN_WAYS = frozenset({"web_push", "telegram"})
MINUTE_S = 60


class SignUpForm(msgspec.Struct, frozen=True, kw_only=True):
    """What was typed, as it was typed."""

    spot: PlaceForm
    chosen: Chosen
    kind: str = "email"
    email: str = ""
    phone: str = ""
    subscription: str = ""

    def __repr__(self) -> str:
        return f"<SignUpForm {self.kind}>"


class TooOften(Exception):
    """A limit is reached: so many minutes to wait. `of_address`: the limit of what was given, and not of the visitor's network."""

    def __init__(self, many: TooManyRequests) -> None:
        super().__init__("too many sign-ups")
        self.after, self.of_address = many.after, many.limit in OF_ADDRESSES

    def when(self, said: Words) -> str:
        """``in 20 minutes``."""
        wait = timedelta(seconds=max(float(MINUTE_S), self.after))
        return str(format_timedelta(wait, granularity="minute", add_direction=True, locale=said.phrases.names))


async def subscribe_page(request: web.Request) -> web.StreamResponse:
    """``GET /subscribe[?zip=]``. It holds no secret, so it may travel compressed."""
    offered = hub(request).enrolment.offered()
    kinds = ("sms", "email", "telegram") if on_iphone(request) else ("email", "sms", "telegram")
    kind = next((kind for kind in kinds if kind in offered), "email")
    spot = PlaceForm(place=request.query.get("zip", "")[:40])
    page = _page(request, SignUpForm(spot=spot, chosen=Chosen(language=page_language(request)), kind=kind))
    if accepts_gzip(request.headers.get("Accept-Encoding", "")):
        page.enable_compression(ContentCoding.gzip)
    return page


async def subscribe_submit(request: web.Request) -> web.StreamResponse:
    """``POST /subscribe``: the form, or the same fields from push.js with the browser's push subscription."""
    form = read_form(await request.post(), page_language(request))
    for_script = "application/json" in request.headers.get("Accept", "")
    try:
        answer = await _subscribe(request, form)
    except Faulty as faulty:
        return web.json_response({"errors": faulty.errors}, status=422) if for_script else _page(request, form, faulty)
    except TooOften as often:
        said = words(page_language(request))
        if for_script:
            return web.json_response({"errors": {"kind": too_often(often, said)}}, status=429)
        page = _page(request, form, Faulty({"kind": too_often(often, said)}), status=429)
        page.headers["Retry-After"] = str(max(1, round(often.after)))
        return page
    if for_script:
        return web.json_response({"status": answer.status}, status=202)
    return render(request, "subscribed.html", kind=form.kind, telegram=answer.telegram)


async def _subscribe(request: web.Request, form: SignUpForm) -> Subscribed:
    context, said = hub(request), words(page_language(request))
    wanted = read_request(form, context, said)
    try:
        return await context.enrolment.subscribe(wanted, client=request[CLIENT], source="web")
    except InvalidSubscription as invalid:
        raise Faulty(faults_of(invalid, said, form.kind)) from None
    except TooManyRequests as many:
        raise TooOften(many) from None


def read_form(data: Data, language: str) -> SignUpForm:
    """The fields of a POST; what is missing has its default."""
    return SignUpForm(
        spot=read_place_form(data),
        chosen=read_chosen(data, language),
        kind=text(data, "kind"),
        email=text(data, "email"),
        phone=text(data, "phone"),
        subscription=text(data, "subscription"),
    )


def read_request(form: SignUpForm, context: HubContext, said: Words) -> SubscriptionRequest:
    """The form as INTERFACE's document. Raises Faulty with every fault that the form itself can see."""
    errors: dict[str, str] = {}
    found = Faulty({})
    places: list[PlaceRequest] = []
    try:
        places = requests_of(form.spot, context.catalog, said)
        if not places:
            errors["place"] = said.text("Give a ZIP code, a neighborhood or a borough.")
    except Faulty as faulty:
        errors |= faulty.errors
        found = faulty
    channel = channel_of(form, context, said, errors)
    if not form.chosen.topics:
        errors["topics"] = said.text("Choose at least one topic.")
    if errors or channel is None:
        raise Faulty(errors, wrong=found.wrong, fixes=found.fixes)
    chosen = form.chosen
    return SubscriptionRequest(
        places=tuple(places),
        channels=(channel,),
        topics=chosen.all_topics,
        minimum_severity=chosen.minimum_severity,
        language=chosen.language,
        drills=chosen.drills,
        discreet=chosen.discreet,
    )


class AddressFields(msgspec.Struct, frozen=True, kw_only=True):
    """How somebody wants to be reached, as typed."""

    kind: str = ""
    email: str = ""
    phone: str = ""
    subscription: str = ""

    def __repr__(self) -> str:
        return f"<AddressFields {self.kind}>"


def channel_of(form: SignUpForm | AddressFields, context: HubContext, said: Words, errors: dict[str, str]) -> ChannelRequest | None:
    """The address of a form; None with the fault noted when there is none."""
    if form.kind not in context.enrolment.offered():
        errors["kind"] = said.text("Choose how we should reach you.")
        return None
    field = FIELD_OF_KIND.get(form.kind)
    if form.kind == "web_push":
        return _push(form.subscription, said, errors)
    if field is None:
        return ChannelRequest(kind=form.kind)
    address = form.email if field == "email" else form.phone
    if not address:
        errors[field] = said.text("Give your e-mail address.") if field == "email" else said.text("Give your mobile number.")
        return None
    return ChannelRequest(kind=form.kind, address=address)


def _push(subscription: str, said: Words, errors: dict[str, str]) -> ChannelRequest | None:
    try:
        return ChannelRequest(kind="web_push", subscription=msgspec.json.decode(subscription, type=PushSubscription))
    except msgspec.DecodeError:
        errors["kind"] = said.text("This browser did not allow notifications. Choose another way, or switch JavaScript on.")
        return None


def faults_of(invalid: InvalidSubscription, said: Words, kind: str) -> dict[str, str]:
    """Faults by field. The document's own sentences are English, so those that residents meet have words of their own."""
    errors: dict[str, str] = {}
    for fault in invalid.errors:
        first = fault.pointer.strip("/").split("/")[0]
        if first in {"channels", "add_channels"} and kind == "email":
            errors["email"] = said.text("This is not a complete e-mail address. Write it like name@example.org.")
        elif first in {"channels", "add_channels"} and kind == "sms":
            errors["phone"] = said.text("We can't send to this number. Write a US mobile number with its area code, like 718 555 0100.")
        elif first == "places":
            field, sentence = field_of(fault, said)
            errors[field] = sentence
        else:
            errors[{"channels": "kind", "add_channels": "kind"}.get(first, first)] = fault.detail
    return errors


def too_often(often: TooOften, said: Words) -> str:
    """What somebody reads who may have done nothing wrong: what is full, how long, and that nothing is lost."""
    if often.of_address:
        return said.text(
            "This address or number, or many like it, was signed up very often just now. Try again %(when)s; what you typed stays here.",
            when=often.when(said),
        )
    return said.text(
        "Very many people signed up from your network just now. Try again %(when)s; what you typed stays here.", when=often.when(said)
    )


def on_iphone(request: web.Request) -> bool:
    """Only for hints: there, notifications need the installed app."""
    agent = request.headers.get("User-Agent", "")
    return "iPhone" in agent or "iPad" in agent


def _page(request: web.Request, form: SignUpForm, faulty: Faulty | None = None, status: int = 422) -> web.Response:
    context, said, errors = hub(request), words(page_language(request)), faulty.errors if faulty else {}
    iphone = on_iphone(request)
    channels = channel_options(said, context.enrolment.offered(), form.kind, first="sms" if iphone else "email")
    return render(
        request,
        "subscribe.html",
        status=status if errors else 200,
        form=form,
        spot=form.spot,
        errors=errors,
        wrong=faulty.wrong if faulty else "",
        fixes=faulty.fixes if faulty else (),
        channels=channels,
        kinds=[option.value for option in channels],
        others=[option.name for option in channels if option.value in OWN_WAYS] if status == 429 else [],
        choices=choices(said, form.chosen),
        radii=radii(said),
        locates=context.enrolment.locates_addresses(),
        iphone=iphone,
        elsewhere_open=form.spot.elsewhere or bool(errors.keys() & {"address", "point", "corners"}),
        more_open=_changed(form.chosen, page_language(request)) or bool(errors.keys() & {"topics", "minimum_severity", "language"}),
    )


def _changed(chosen: Chosen, language: str) -> bool:
    return chosen != Chosen(language=language, topics=tuple(TOPIC_WORDS))
