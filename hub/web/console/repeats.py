"""The same notice sent twice, by going back and sending once more or by two colleagues at once: said before it goes out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.clock import milliseconds
from hub.publishing.changes import same_place
from hub.web.console.staff import ENGLISH
from subscriptions.languages import nearest

if TYPE_CHECKING:
    from hub.alerts.alert import Alert
    from hub.alerts.store import StoredAlert
    from hub.web.context import HubContext


async def repeats(alert: StoredAlert, context: HubContext, chain: str) -> list[str]:
    """A finding for each other alert that is live, or waits for approval, and says the same of the same area.

    `chain`: of the alert itself, and of what it follows: an update may well keep the headline of what is live.
    """
    now = milliseconds(context.clock)
    others = [*await context.alerts.live(now), *await context.alerts.recent(status=("awaiting_approval",))]
    others = [one for one in others if one.number != alert.number and (one.chain != chain or one.live_at is None)]
    return [_finding(one, now) for one in others if _says_the_same(one, alert)]


def _says_the_same(one: StoredAlert, alert: StoredAlert) -> bool:
    same_people = one.document.status == alert.document.status and same_place(one.area, alert.area)
    return same_people and bool(_headlines(one.document) & _headlines(alert.document))


def _headlines(document: Alert) -> set[tuple[str | None, str]]:
    return {(nearest(info.language), info.headline.casefold()) for info in document.infos}


def _finding(one: StoredAlert, now: int) -> str:
    is_live = one.live_at is not None
    since = ENGLISH.phrases.moment((one.live_at or one.created_at) / 1000, now / 1000)
    state = "is live" if is_live else "waits for approval"
    return f"An alert with the same headline for the same area {state} since {since}."
