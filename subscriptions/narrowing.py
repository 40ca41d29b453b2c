"""URGENT leaves only alerts of danger to life, and START brings back what there was before, as the answer to STOP promises.

What was chosen before stands in the receipt of the narrowing: nobody else needs it, and it goes unused once there was another choice since.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from subscriptions.desk import Work
from subscriptions.severity import SEVERITIES, rank
from subscriptions.store import sql
from subscriptions.store.sql import ConsentRow, SubscriberRow

_EXTREME = rank("Extreme")
_NARROWED = "only danger to life instead of"
_WIDENED = "everything again"
_BEFORE = re.compile(rf": {_NARROWED} (\w+) (\d+)$")


async def narrow(work: Work, owner: SubscriberRow, channel: str, source: str) -> None:
    """Nothing but danger to life comes from now on."""
    if _is_narrow(owner):
        return
    before = f"{SEVERITIES[owner.minimum_severity]} {owner.severities}"
    await sql.change_subscriber(work.connection, owner.id, minimum_severity=_EXTREME, severities=0)
    await work.consent(owner, "changed", channel, f"{source}: {_NARROWED} {before}")


async def widen(work: Work, owner: SubscriberRow, channel: str, source: str) -> bool:
    """Undo `narrow`. False where it was not what left only danger to life: who chose that themselves keeps it."""
    before = _before(await sql.consents_of(work.connection, owner.public_id)) if _is_narrow(owner) else None
    if before is None:
        return False
    minimum, severities = before
    await sql.change_subscriber(work.connection, owner.id, minimum_severity=minimum, severities=severities)
    await work.consent(owner, "changed", channel, f"{source}: {_WIDENED}")
    return True


def _is_narrow(owner: SubscriberRow) -> bool:
    return owner.minimum_severity == _EXTREME and not owner.severities


def _before(receipts: Sequence[ConsentRow]) -> tuple[int, int] | None:
    """The least severity, and those of single topics, that the last narrowing replaced; None when there was none, or it was undone."""
    for receipt in reversed(receipts):
        if receipt.source.endswith(f": {_WIDENED}"):
            return None
        if found := _BEFORE.search(receipt.source):
            return rank(found[1]), int(found[2])
    return None
