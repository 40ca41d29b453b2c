"""The forms of the settings, each of which changes one thing: places, choices, times, addresses, or sends a test.

`Changed` says which section of the page to show, and what to say there; whatever can't be done comes back as Faulty with its fields.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import msgspec

from hub.web.language import Words
from hub.web.residents.choices import read_chosen
from hub.web.residents.forms import Data, Faulty, text
from hub.web.residents.places import mark, read_place_form, requests_of
from hub.web.residents.subscribe import AddressFields, TooOften, channel_of, faults_of
from subscriptions.errors import InvalidSubscription, TooManyRequests
from subscriptions.quiet_hours import QuietHours
from subscriptions.subscriber import SubscriptionChange

if TYPE_CHECKING:
    from hub.web.context import HubContext
    from subscriptions.views import SubscriptionView

TIME_ZONES = (
    *("America/New_York", "America/Chicago", "America/Denver", "America/Phoenix", "America/Los_Angeles", "America/Anchorage"),
    *(
        "Pacific/Honolulu",
        "America/Puerto_Rico",
        "America/Santo_Domingo",
        "America/Port-au-Prince",
        "America/Mexico_City",
        "America/Bogota",
    ),
    *("America/Sao_Paulo", "Europe/London", "Europe/Paris", "Europe/Warsaw", "Europe/Moscow", "Africa/Cairo", "Asia/Karachi"),
    *("Asia/Kolkata", "Asia/Dhaka", "Asia/Shanghai", "Asia/Seoul", "Asia/Tokyo", "Australia/Sydney", "UTC"),
)
"""What the plain list offers; a browser adds its own zone."""


class Job(msgspec.Struct, frozen=True):
    """One form that was sent for a subscription."""

    context: HubContext
    token: str
    view: SubscriptionView
    data: Data
    said: Words


class Changed(msgspec.Struct, frozen=True):
    """Section of the page, and what came of it."""

    section: str
    note: str = "saved"


async def apply(job: Job) -> Changed:
    """Do what the form asks. Raises Faulty, TooOften, LinkInvalid, LinkExpired."""
    action = text(job.data, "action")
    do = ACTIONS.get(action)
    if do is None:
        raise Faulty({"action": job.said.text("This form is not known here. Open the page again.")})
    try:
        return await do(job)
    except InvalidSubscription as invalid:
        raise Faulty(faults_of(invalid, job.said, text(job.data, "kind"))) from None
    except TooManyRequests as many:
        raise TooOften(many) from None


async def _change(job: Job, **named: object) -> SubscriptionView:
    change = msgspec.structs.replace(SubscriptionChange(), **named)
    return await job.context.enrolment.change(job.token, change, source="web")


async def _places(job: Job) -> Changed:
    """Remove one, or give them names. What is said of a place that is no longer there changes nothing."""
    gone = text(job.data, "remove")
    kept = []
    for place in job.view.places:
        own = mark(place)
        label = text(job.data, f"label_{own}", place.label or "")
        if own != gone:
            kept.append(msgspec.structs.replace(place, label=label or None))
    if not kept:
        raise Faulty({"places": job.said.text("Keep at least one place, or stop all alerts below.")})
    await _change(job, places=tuple(kept))
    return Changed("places", "removed" if gone else "saved")


async def _add(job: Job) -> Changed:
    added = requests_of(read_place_form(job.data), job.context.catalog, job.said)
    if not added:
        raise Faulty({"place": job.said.text("Give a ZIP code, a neighborhood or a borough.")})
    view = await _change(job, places=(*job.view.places, *added))
    return Changed("places", "added" if len(view.places) > len(job.view.places) else "known")


async def _choices(job: Job) -> Changed:
    chosen = read_chosen(job.data, job.view.language)
    if not chosen.topics:
        raise Faulty({"topics": job.said.text("Choose at least one topic.")})
    await _change(
        job,
        topics=chosen.all_topics,
        minimum_severity=chosen.minimum_severity,
        severities={topic: least for topic, least in chosen.severities.items() if topic in chosen.topics},
        language=chosen.language,
        drills=chosen.drills,
        discreet=chosen.discreet,
    )
    return Changed("choices")


def typed_hours(data: Data) -> QuietHours:
    """As they were typed, whether or not there are such hours."""
    return QuietHours(start=text(data, "from")[:5], end=text(data, "to")[:5], timezone=text(data, "timezone"), severe="severe" in data)


async def _quiet(job: Job) -> Changed:
    try:
        await _change(job, quiet_hours=typed_hours(job.data) if "quiet" in job.data else None)
    except InvalidSubscription:
        raise Faulty({"from": job.said.text("Give two different times of day, like 10:00 PM and 7:00 AM.")}) from None
    return Changed("times")


async def _pause(job: Job) -> Changed:
    if "resume" in job.data:
        await _change(job, paused_until=None)
        return Changed("times", "resumed")
    zone = ZoneInfo(job.view.quiet_hours.timezone) if job.view.quiet_hours else job.said.phrases.zone
    no_such_day = Faulty({"until": job.said.text("Give a day in the next 12 months.")})
    try:
        until = datetime.combine(date.fromisoformat(text(job.data, "until")), time(), zone)
    except ValueError:
        raise no_such_day from None
    if until.timestamp() <= job.context.clock():
        raise no_such_day
    try:
        await _change(job, paused_until=until)
    except InvalidSubscription:
        raise no_such_day from None
    return Changed("times", "paused")


async def _reach(job: Job) -> Changed:
    """Remove an address, or ask a new one to confirm."""
    gone = text(job.data, "remove")
    if gone:
        try:
            await _change(job, remove_channels=(gone,))
        except InvalidSubscription:
            last = job.said.text("This is the last address that works. To get no more alerts, stop them below.")
            raise Faulty({"reach": last}) from None
        return Changed("reach", "removed")
    errors: dict[str, str] = {}
    fields = {name: text(job.data, name) for name in ("kind", "email", "phone", "subscription")}
    channel = channel_of(AddressFields(**fields), job.context, job.said, errors)
    if channel is None:
        raise Faulty(errors)
    await _change(job, add_channels=(channel,))
    return Changed("reach", "asked")


async def _test(job: Job) -> Changed:
    sent = await job.context.enrolment.send_test(job.token)
    if not sent:
        raise Faulty({"reach": job.said.text("None of your addresses works just now.")})
    return Changed("reach", "tested")


ACTIONS: Mapping[str, Callable[[Job], Awaitable[Changed]]] = MappingProxyType(
    {"places": _places, "add": _add, "choices": _choices, "quiet": _quiet, "pause": _pause, "reach": _reach, "test": _test}
)
