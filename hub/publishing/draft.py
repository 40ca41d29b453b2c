"""A document read, placed and graded, before anything of it is stored."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from hub.alerts import area as areas
from hub.alerts import grading
from hub.alerts.alert import Alert
from hub.alerts.cap_reader import read_cap
from hub.alerts.fingerprint import fingerprint
from hub.alerts.validation import read_alert
from subscriptions.areas import AreaCatalog
from subscriptions.severity import rank

Source = Literal["api", "console", "cap", "demo"]

APPROVAL_FROM = rank("Severe")


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A document read and checked, before anything is stored."""

    document: Alert
    area: areas.ResolvedArea
    grade: int
    source: Source
    identifier: str | None = None
    sender: str | None = None
    sent_at: int
    expired: bool = False
    warnings: tuple[str, ...] = ()
    prepared: bool = False
    """A call-off in prepared words."""

    @property
    def hash(self) -> str:
        """What an approval is bound to."""
        return fingerprint(self.document, self.area, self.grade)

    @property
    def approval_needed(self) -> bool:
        """S1: live and Severe or worse, by its own word or by our grade. A call-off in prepared words claims nothing new (S3)."""
        return not self.prepared and self.document.status == "Actual" and max(rank(self.document.severity), self.grade) >= APPROVAL_FROM


async def read_draft(raw: bytes, source: Source, catalog: AreaCatalog, now: float, *, follows: str | None = None) -> Draft:
    """Parsing and geometry run in a thread: a large document never holds up deliveries.

    `follows` is the id of the alert that an update or a cancel is about. Raises InvalidInput, BadRequest, TooLarge.
    """
    if source == "cap":
        return await asyncio.to_thread(_read_cap, raw, catalog, now)
    return await asyncio.to_thread(_read_json, raw, source, catalog, now, follows)


def _read_json(raw: bytes, source: Source, catalog: AreaCatalog, now: float, follows: str | None) -> Draft:
    document = read_alert(raw, catalog, now, follows=follows)
    return Draft(
        document=document,
        area=areas.resolve(document.area, catalog),
        grade=grading.grade(document, imported=False),
        source=source,
        sent_at=int(now * 1000),
    )


def _read_cap(raw: bytes, catalog: AreaCatalog, now: float) -> Draft:
    cap = read_cap(raw, catalog, now)
    return Draft(
        document=cap.alert,
        area=areas.resolve(cap.alert.area, catalog),
        grade=grading.grade(cap.alert, imported=True),
        source="cap",
        identifier=cap.identifier,
        sender=cap.sender,
        sent_at=int(cap.sent.timestamp() * 1000),
        expired=cap.expired,
        warnings=tuple(cap.warnings),
    )
