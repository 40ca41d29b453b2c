"""What an update changed, and what it left as it was in one language alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from hub.alerts.alert import Alert, Area, Info
from hub.publishing.changes import left_behind, said_otherwise
from hub.staff.actor import SYSTEM
from tests.hub.publishing.conftest import City, document

ENGLISH = Info(language="en-US", headline="Water is rising", description="It rains.", instruction="Go up.")
SPANISH = Info(language="es", headline="Sube el agua", description="Llueve.", instruction="Suba.")
RUSSIAN = Info(language="ru", headline="Вода поднимается")
ENDS = datetime(2026, 11, 27, 20, 0, tzinfo=UTC)


def alert(*infos: Info, **more: Any) -> Alert:
    fields: dict[str, Any] = {"category": "Met", "event": "Flood", "urgency": "Immediate", "severity": "Severe", "certainty": "Likely"}
    return Alert(**fields | {"expires": ENDS, "area": Area(zips=("11201",)), "infos": infos} | more)


def but(info: Info, **changes: str) -> Info:
    return msgspec.structs.replace(info, **changes)


BEFORE = alert(ENGLISH, SPANISH, RUSSIAN)


@pytest.mark.parametrize(
    ("infos", "found"),
    [
        ((ENGLISH, SPANISH, RUSSIAN), []),
        ((but(ENGLISH, headline="It falls"), but(SPANISH, headline="Baja"), but(RUSSIAN, headline="Спадает")), []),
        (
            (but(ENGLISH, headline="It falls"), SPANISH, RUSSIAN),
            ["“Headline” changed in English, but not in Spanish and Russian: there the old words go out."],
        ),
        (
            (ENGLISH, but(SPANISH, instruction="Baje."), RUSSIAN),
            ["“What to do” changed in Spanish, but not in English: there the old words go out."],
        ),
        ((but(ENGLISH, headline="It falls"),), []),
    ],
)
def test_a_part_that_changed_in_one_language_and_stands_in_another_is_found(infos: tuple[Info, ...], found: list[str]) -> None:
    assert left_behind(alert(*infos), BEFORE) == found


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (BEFORE, []),
        (alert(but(ENGLISH, instruction="Stay."), SPANISH, RUSSIAN), ["what to do (English)"]),
        (alert(but(ENGLISH, instruction="Stay."), but(SPANISH, instruction="Quédese."), RUSSIAN), ["what to do"]),
        (alert(ENGLISH, SPANISH), ["no longer in Russian"]),
        (alert(ENGLISH, SPANISH, RUSSIAN, but(RUSSIAN, language="zh-TW")), ["now also in Chinese (Traditional)"]),
        (msgspec.structs.replace(BEFORE, severity="Minor", urgency="Past"), ["how serious it is", "when people must act"]),
        (msgspec.structs.replace(BEFORE, expires=ENDS + timedelta(seconds=59)), []),
        (msgspec.structs.replace(BEFORE, expires=ENDS + timedelta(minutes=1)), ["until when"]),
    ],
)
def test_what_changed_is_said_in_words_for_staff(now: Alert, said: list[str]) -> None:
    assert said_otherwise(now, BEFORE) == said


async def test_a_preview_of_an_update_names_the_language_that_was_left_behind(city: City) -> None:
    spanish = {"language": "es", "headline": "Inundación", "description": "Sube el agua.", "instruction": "Suba."}
    english = {"language": "en-US", "headline": "Flash flooding", "description": "Water rises.", "instruction": "Go up."}
    first = await city.publishing.submit(document(infos=[english, spanish]), SYSTEM)
    raw = document(infos=[english | {"instruction": "Stay where you are."}, spanish])
    shown = await city.publishing.preview(raw, SYSTEM, follows=first.id, kind="Update")
    assert "“What to do” changed in English, but not in Spanish: there the old words go out." in shown.lint
    unchanged = await city.publishing.preview(document(infos=[english, spanish]), SYSTEM, follows=first.id, kind="Update")
    alone = await city.publishing.preview(raw, SYSTEM)
    assert unchanged.lint == alone.lint == []
