"""From a launched mailing to its frozen list of recipients: match, group, and write all batches in one transaction.

What goes out must be what was approved: the planner computes the hash of the alert anew and plans nothing when it differs (S5).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial

import numpy as np
import structlog
from sqlalchemy import bindparam, select

from hub.alerts.area import target
from hub.alerts.fingerprint import fingerprint
from hub.alerts.store import AlertStore, StoredAlert
from hub.clock import Clock, milliseconds
from hub.delivery.ledger.batches import Offer, Planned, Reached, batch_size
from hub.delivery.ledger.ledger import Ledger
from hub.store import tables
from hub.store.database import Database
from subscriptions import languages
from subscriptions.areas import AreaCatalog
from subscriptions.audience import Audience
from subscriptions.matching import Group, Match, Target
from subscriptions.quiet_hours import WaitsFor, waits_for
from subscriptions.store.prepared import Prepared

SWEEP_S = 1.0
QUIET_S = 3.0
STILL_S = 0.7
"""All senders of all nodes have heard of a stop by then, and said who had not been begun: who is left waits for a provider's answer."""
LOOK_S = 0.02

log = structlog.get_logger()


_NOBODY = np.zeros(0, dtype=np.int64)
_OF_CHAIN = Prepared(
    select(tables.mailing.c.id, tables.alert.c.number)
    .join(tables.alert, tables.alert.c.number == tables.mailing.c.alert)
    .where(tables.alert.c.chain == bindparam("chain"))
)
_OWED = Prepared(select(tables.catch_up.c.subscriber, tables.catch_up.c.asked))


class Planner:
    """Runs beside the coordinator. `wake` is a hint; a sweep each second finds what a crash or a lost signal left behind."""

    def __init__(
        self,
        database: Database,
        ledger: Ledger,
        audience: Audience,
        catalog: AreaCatalog,
        clock: Clock,
        *,
        refresh: Callable[[], Awaitable[None]],
        halt: Callable[[int], Awaitable[int]],
        rate_of: Callable[[str, bool], float | None],
        planned: Callable[[], None],
        matched: Callable[[float], None],
    ) -> None:
        self._database, self._ledger, self._audience, self._catalog, self._clock = database, ledger, audience, catalog, clock
        self._alerts = AlertStore(database)
        self._refresh, self._halt, self._rate_of, self._planned = refresh, halt, rate_of, planned
        self._matched_in = matched
        self._following: dict[int, asyncio.Task[None]] = {}
        """Updates and cancels that are being planned, by their mailings."""
        self._wake = asyncio.Event()
        self._wake.set()

    def wake(self) -> None:
        """Something was launched, or somebody is owed what is live."""
        self._wake.set()

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SWEEP_S):
                        await self._wake.wait()
                self._wake.clear()
                try:
                    await self._plan_launched()
                    await self.catch_up()
                except Exception:  # process boundary: the sweep tries again, the log says why it must
                    log.exception("planning_failed")
        finally:
            following = list(self._following.values())
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)

    async def _plan_launched(self) -> None:
        """Every launched mailing, the most urgent first. What follows an earlier one waits beside the others for that one's end."""
        launched = await self._alerts.launched()
        if launched:
            await self._refresh()
        for mailing, alert in launched:
            if alert.document.msgType == "Alert":
                await self._try(mailing, alert)
            elif mailing not in self._following:
                self._following[mailing] = task = asyncio.create_task(self._try(mailing, alert))
                task.add_done_callback(partial(self._has_ended, mailing))

    def _has_ended(self, mailing: int, _: asyncio.Task[None]) -> None:
        del self._following[mailing]

    async def _try(self, mailing: int, alert: StoredAlert) -> None:
        try:
            await self._plan(mailing, alert)
        except Exception:  # one alert that can't be planned must not hold up all others
            log.exception("planning_failed", mailing=mailing)

    async def _plan(self, mailing: int, alert: StoredAlert) -> None:
        if fingerprint(alert.document, alert.area, alert.grade) != alert.hash:
            log.error("hash_differs", alert_id=alert.id)
            await self._ledger.refuse(mailing)
            return
        if alert.document.msgType != "Alert":
            await self._end_earlier(alert)
        waits = await self._waits_for(alert)
        lists, people = await self._lists(alert, waits)
        if await self._ledger.plan(mailing, len(people), self._sized(lists), milliseconds(self._clock), waits):
            log.info("planned", alert_id=alert.id, mailing=mailing, people=len(people))
            self._planned()

    async def _end_earlier(self, alert: StoredAlert) -> None:
        """Before those who were reached are counted, nobody may be reached any more: else they would keep what is being taken back."""
        earlier = await self._earlier(alert)
        for mailing in earlier:
            await self._halt(mailing)
        left, since = 0, time.monotonic()
        patience = since + QUIET_S
        while in_hand := await self._ledger.in_hand(earlier):
            now = time.monotonic()
            if in_hand != left:
                left, since = in_hand, now
            if now >= min(since + STILL_S, patience):
                break
            await asyncio.sleep(LOOK_S)
        if in_hand:
            log.warning("still_in_flight", alert_id=alert.id, people=in_hand)

    async def audience_of(self, alert: StoredAlert) -> Match:
        """Who would get it if it went now; `alert` need not be stored, then its number is 0."""
        lists, people = await self._lists(alert, await self._waits_for(alert))
        return Match(len(people), lists, people)

    async def _lists(self, alert: StoredAlert, waits: WaitsFor) -> tuple[Lists, np.ndarray]:
        kind, holding = alert.document.msgType, self._audience.quiet_rules.holding(self._clock(), waits)
        lists, people = self._matched(alert, holding) if kind != "Cancel" else ({}, _NOBODY)
        if kind == "Alert":
            return lists, people
        return _with_reached(lists, people, await self._ledger.reached(await self._earlier(alert)), holding)

    def _matched(self, alert: StoredAlert, holding: Mapping[int, int]) -> tuple[Lists, np.ndarray]:
        start = time.perf_counter()
        match = self._audience.match(self._target(alert), holding)
        self._matched_in(time.perf_counter() - start)
        return dict(match.groups), match.subscribers

    async def _waits_for(self, alert: StoredAlert) -> WaitsFor:
        grade = alert.grade if alert.document.msgType == "Alert" else await self._heaviest(alert)
        return waits_for(grade, alert.document.urgency, actual=alert.document.status == "Actual")

    async def _heaviest(self, alert: StoredAlert) -> int:
        """The gravest grade of what went out before: whoever was woken by an alarm is told of its correction at once."""
        earlier = (chained for chained in await self._alerts.chain(alert.chain) if chained.live_at is not None)
        return max([alert.grade, *(chained.grade for chained in earlier)])

    def _target(self, alert: StoredAlert) -> Target:
        return target(alert.area, alert.document, alert.grade, self._catalog)

    def _sized(self, lists: Lists) -> list[Planned]:
        planned = []
        for group, addresses in lists.items():
            size = batch_size(self._rate_of(group.channel, group.simulated))
            planned.append(Planned(group.channel, group.language, group.simulated, addresses, size, group.discreet, group.after))
        return planned

    async def _earlier(self, alert: StoredAlert) -> list[int]:
        rows = await self._database.look(_OF_CHAIN, chain=alert.chain)
        return [mailing for mailing, number in rows if not alert.number or number < alert.number]

    async def catch_up(self) -> None:
        """Send what is still live to those who have just confirmed or moved (S28), to each address at most once; and what became of it to
        whoever had an earlier version before they left, wherever their places are now (S3)."""
        owed = await self._database.look(_OWED)
        if not owed:
            return
        await self._refresh()
        live = await self._alerts.live(milliseconds(self._clock), cancels=True)
        later = [alert.number for alert in live if alert.document.msgType != "Alert"]
        before = await self._ledger.reached_before(later, [subscriber for subscriber, _ in owed]) if later else {}
        believed = {number for number, _ in before}
        holding = {waits: self._audience.quiet_rules.holding(self._clock(), waits) for waits in WaitsFor}
        targets = [
            (alert, self._target(alert), holding[await self._waits_for(alert)])
            for alert in live
            if alert.document.msgType != "Cancel" or alert.number in believed
        ]
        for subscriber, asked in owed:
            offers = [
                Offer(alert.number, group.channel, group.language, group.simulated, ids.tolist(), group.discreet, group.after)
                for alert, aim, holding in targets
                for group, ids in self._lists_of_one(subscriber, alert, aim, holding, before.get((alert.number, subscriber), ())).items()
            ]
            await self._ledger.catch_up(subscriber, offers, asked)
        self._planned()

    def _lists_of_one(
        self, subscriber: int, alert: StoredAlert, aim: Target, holding: Mapping[int, int], reached: Sequence[Reached]
    ) -> Lists:
        match = Match(0, {}, _NOBODY) if alert.document.msgType == "Cancel" else self._audience.match_one(subscriber, aim, holding)
        return _with_reached(dict(match.groups), match.subscribers, reached, holding)[0]


Lists = dict[Group, np.ndarray]


def _with_reached(lists: Lists, people: np.ndarray, reached: Sequence[Reached], holding: Mapping[int, int]) -> tuple[Lists, np.ndarray]:
    """Whoever was reached before is told of what became of it, wherever their places are now (S3).

    Each address once: `reached` is newer than the lists, so somebody may have chosen another language in between.
    """
    together = {group: set(ids.tolist()) for group, ids in lists.items()}
    listed = set[int]().union(*together.values())
    for row in (row for row in reached if row.address not in listed):
        group = Group(row.channel, languages.tag(row.language), row.simulated, row.discreet, holding.get(row.quiet, 0))
        together.setdefault(group, set()).add(row.address)
    everyone = np.union1d(people, np.array([row.subscriber for row in reached], dtype=np.int64))
    return {key: np.array(sorted(ids), dtype=np.int64) for key, ids in together.items()}, everyone
