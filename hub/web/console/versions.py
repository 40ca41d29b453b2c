"""Between the versions of one alert: what it follows, what has followed it, and whether it can still be sent as what it was meant to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from hub.publishing.changes import said_otherwise, same_place

if TYPE_CHECKING:
    from hub.alerts.store import StoredAlert
    from hub.web.context import HubContext


class Follows(msgspec.Struct, frozen=True, kw_only=True):
    """What an update or a call-off is about, and what an update says otherwise."""

    does: str
    path: str
    headline: str
    changed: str


def follows(alert: StoredAlert, earlier: StoredAlert | None) -> Follows | None:
    """For whoever decides on it. A call-off changes nothing: it takes everything back."""
    if earlier is None:
        return None
    calls_off = alert.document.msgType == "Cancel"
    changed = said_otherwise(alert.document, earlier.document, moved=not same_place(alert.area, earlier.area))
    return Follows(
        does="calls off" if calls_off else "updates",
        path=f"/console/alerts/{earlier.id}",
        headline=earlier.document.infos[0].headline,
        changed="" if calls_off else ", ".join(changed) or "nothing",
    )


async def newer(context: HubContext, stored: StoredAlert) -> StoredAlert | None:
    """The latest version that people were told after this one."""
    if stored.live_at is None:
        return None
    later = [one for one in await _told(context, stored) if one.number > stored.number]
    return later[-1] if later else None


async def earlier(context: HubContext, stored: StoredAlert) -> StoredAlert | None:
    """What people were told last before this update or call-off; None for an alert that follows nothing."""
    if stored.document.msgType == "Alert":
        return None
    before = [one for one in await _told(context, stored) if one.number < stored.number]
    return before[-1] if before else None


async def still_followed(context: HubContext, draft: StoredAlert) -> StoredAlert | None:
    """What an update or a call-off that was sent back is about, while that is the last word and people believe it."""
    if draft.status != "draft" or draft.document.msgType == "Alert":
        return None
    told = await _told(context, draft)
    last = told[-1] if told else None
    return last if last is not None and last.is_believed and last.id in draft.document.references else None


async def corrected_by(context: HubContext, draft: StoredAlert) -> str:
    """The parameter of the form by which what was sent back is written again as what it was; "" where it can't be."""
    if draft.status == "draft" and draft.document.msgType == "Alert":
        return "copy"
    return "correct" if await still_followed(context, draft) is not None else ""


async def _told(context: HubContext, stored: StoredAlert) -> list[StoredAlert]:
    return [one for one in await context.alerts.chain(stored.chain) if one.live_at is not None]
