"""What came in as a document of another source is called off in one step, however much longer than our own it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from hub.alerts.cap_reader import cap_time
from hub.alerts.store import StoredAlert
from hub.errors import InvalidInput
from hub.publishing.records import prepared_cancel, read
from tests.hub.alerts.cap_documents import area, cap
from tests.hub.publishing.conftest import PUBLISHER, City, document

HEADLINE, EVENT = "Flash flooding near the canal", "Flash Flood Warning"
SIXTY_DAYS = timedelta(days=60)


async def imported(city: City, *changes: tuple[str, str], lasts: timedelta = timedelta(hours=1)) -> StoredAlert:
    """The document of an hour ago, graded so that nobody must approve it."""
    now = datetime.now(UTC)
    times = [
        ("2026-11-22T13:50:00-05:00", cap_time(now - timedelta(hours=1))),
        ("2026-11-22T14:30:00-05:00", cap_time(now)),
        ("2026-11-22T20:00:00-05:00", cap_time(now + lasts)),
    ]
    raw = cap(*changes, *times, ("<severity>Severe", "<severity>Moderate"))
    return await city.publishing.submit(raw, PUBLISHER, source="cap")


@pytest.mark.parametrize(
    ("changes", "lasts"),
    [
        ([(HEADLINE, "x" * 1_000)], timedelta(hours=1)),
        ([(EVENT, "x" * 300)], timedelta(hours=1)),
        ([], SIXTY_DAYS),
        ([area("<circle>40.6955,-73.9935 0.002</circle>")], timedelta(hours=1)),
    ],
    ids=["headline", "event", "expires", "circle"],
)
async def test_an_import_beyond_the_limits_of_authors_is_called_off_to_whom_it_reached(
    city: City, changes: list[tuple[str, str]], lasts: timedelta
) -> None:
    await city.people("citywide=1")
    alert = await imported(city, *changes, lasts=lasts)
    assert (await city.finished(alert.id)).simulated == 1
    shown = await city.publishing.preview(prepared_cancel(alert), PUBLISHER, follows=alert.id, kind="Cancel")
    assert (shown.people, shown.approval_needed) == (1, False)
    off = await city.publishing.call_off(alert.id, PUBLISHER)
    assert (off.status, off.document.msgType, off.document.references) == ("live", "Cancel", (alert.id,))
    assert (off.area, off.grade, off.document.expires) == (alert.area, alert.grade, alert.document.expires)
    assert [(info.headline, info.instruction) for info in off.document.infos] == [(alert.document.infos[0].headline, "")]
    assert (await city.finished(off.id)).simulated == 1


async def test_other_words_than_the_prepared_ones_keep_to_the_limits_of_authors(city: City) -> None:
    alert = await imported(city, (HEADLINE, "x" * 1_000))
    longer = msgspec.json.decode(prepared_cancel(alert)) | {"event": "Flooding"}
    with pytest.raises(InvalidInput) as refused:
        await city.publishing.cancel(alert.id, msgspec.json.encode(longer), PUBLISHER)
    assert [fault.pointer for fault in refused.value.errors] == ["/infos/0/headline"]


async def test_what_has_run_out_meanwhile_is_not_called_off(city: City) -> None:
    alert = await city.publishing.submit(document(), PUBLISHER)
    late = alert.expires_at / 1000 + 1
    with pytest.raises(InvalidInput) as refused:
        await read(prepared_cancel(alert), "api", city.hub.alerts, city.hub.catalog, late, alert.id)
    assert [fault.pointer for fault in refused.value.errors] == ["/expires"]
