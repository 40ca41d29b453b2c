"""What staff programs send and get about alerts, as INTERFACE has it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from hub.alerts.alert import Alert
from hub.alerts.store import StoredAlert
from hub.clock import instant
from hub.delivery.forecast import Forecast
from hub.staff.audit import AuditEntry
from subscriptions.severity import SEVERITIES

_NOT_FOR_AUTHORS = frozenset({"audience_languages"})

AlertRequest = msgspec.defstruct(
    "AlertRequest",
    [
        (field.name, field.type) if field.required else (field.name, field.type, field.default)
        for field in msgspec.structs.fields(Alert)
        if field.name not in _NOT_FOR_AUTHORS
    ],
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
)
"""The shape only, for the API's description: `hub.alerts.validation` reads the document strictly."""


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """`people` when it was written; `by_channel` counts their addresses."""

    people: int
    by_channel: dict[str, int]


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to whatever makes or publishes an alert."""

    id: str
    status: str
    audience: Reach
    links: dict[str, str]
    forecast: Forecast | None
    """How long until the last of them has it; none for what goes to nobody any more."""
    warnings: tuple[str, ...] = ()
    """What reading an imported document left out or repaired."""


class SentBack(msgspec.Struct, frozen=True, kw_only=True):
    """Why an approver sent an alert back to its author."""

    by: str
    at: datetime | None
    """None where the log's own time can't be read any more."""
    reason: str


class AlertView(msgspec.Struct, frozen=True, kw_only=True):
    """One alert as staff see it."""

    id: str
    chain: str
    """Id of the first alert that this one updates or cancels, its own when there is none."""
    status: str
    agency: str
    source: str
    author: str
    approver: str | None
    grade: str
    """Its severity by the hub's own rule."""
    hash: str
    """What an approval is bound to; send it back with one."""
    people: int
    areas: tuple[str, ...]
    created: datetime
    approved: datetime | None
    live: datetime | None
    ended: datetime | None
    alert: Alert
    links: dict[str, str]
    sent_back: SentBack | None = None
    """Only when it is asked for alone."""


class AlertPage(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first; `next` is the cursor of the following page."""

    alerts: tuple[AlertView, ...]
    next: str | None


class ApproveRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`hash` is that of what was looked at; without it, whatever is stored is approved."""

    hash: str | None = None


class RejectRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why, for its author."""

    reason: str = ""


class StoppedView(msgspec.Struct, frozen=True, kw_only=True):
    """How many deliveries had gone, how many into the outbox, how many will not go, and of how many neither can be said yet."""

    id: str
    status: str
    handed_over: int
    simulated: int
    withheld: int
    unknown: int


def links_of(alert: StoredAlert, public_url: str) -> dict[str, str]:
    """Where to go from here; an action is named only while it is possible."""
    itself = f"{public_url}/api/v1/alerts/{alert.id}"
    links = {"self": itself, "progress": f"{itself}/progress", "page": f"{public_url}/alerts/{alert.id}"}
    if alert.status == "awaiting_approval":
        links |= {"approve": f"{itself}/approve", "reject": f"{itself}/reject"}
    if alert.status == "live":
        links |= {"stop": f"{itself}/stop"}
    if alert.is_believed:
        links |= {"update": f"{itself}/update", "cancel": f"{itself}/cancel"}
    return links


def view_of(alert: StoredAlert, public_url: str, sent_back: AuditEntry | None = None) -> AlertView:
    """The stored alert for staff."""
    return AlertView(
        id=alert.id,
        chain=alert.chain,
        status=alert.status,
        agency=alert.agency,
        source=alert.source,
        author=alert.author,
        approver=alert.approver,
        grade=SEVERITIES[alert.grade],
        hash=alert.hash,
        people=alert.audience,
        areas=alert.area.names,
        created=instant(alert.created_at / 1000),
        approved=_moment(alert.approved_at),
        live=_moment(alert.live_at),
        ended=_moment(alert.ended_at),
        alert=alert.document,
        links=links_of(alert, public_url),
        sent_back=_sent_back(sent_back) if sent_back is not None else None,
    )


def _sent_back(entry: AuditEntry) -> SentBack:
    return SentBack(by=entry.actor, at=datetime.fromisoformat(entry.at) if entry.at else None, reason=str(entry.details.get("reason", "")))


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else instant(milliseconds / 1000)
