"""The operator log over HTTP."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from hub.staff import audit
from hub.store import tables

AUDIT = "/api/v1/audit"


async def test_it_is_paged_from_the_newest_to_the_first(program, hub) -> None:
    auditor = await program("auditor")  # the first entry
    async with hub.database.write() as connection:
        for number in range(120):
            await audit.append(connection, number, "staff:1 desk", "test", f"alert:{number}")
    _, first = await auditor("GET", AUDIT)
    _, second = await auditor("GET", f"{AUDIT}?cursor={first['next']}")
    assert [entry["seq"] for entry in first["entries"] + second["entries"]] == list(range(121, 0, -1))
    assert second["next"] is None
    assert second["entries"][-1]["action"] == "token.add"


async def test_the_whole_chain_is_checked_when_asked(program, hub) -> None:
    auditor = await program("auditor")
    await program("author")
    assert "holds" not in (await auditor("GET", AUDIT))[1]
    _, sound = await auditor("GET", f"{AUDIT}?verify=true")
    assert (sound["holds"], sound["broken_at"]) == (True, None)
    async with hub.database.write() as connection:
        await connection.execute(update(tables.audit).where(tables.audit.c.seq == 2).values(actor="staff:9 somebody"))
    _, broken = await auditor("GET", f"{AUDIT}?verify=true")
    assert (broken["holds"], broken["broken_at"]) == (False, 2)


@pytest.mark.parametrize(
    ("column", "value"),
    [("details", "not json"), ("details", "[1]"), ("details", '{"a":"\\ud800"}'), ("details", "[" * 9999), ("at", 10**18)],
)
async def test_an_entry_that_nobody_can_read_any_more_is_shown_as_that(program, hub, column: str, value: object) -> None:
    auditor = await program("auditor")
    await program("author")
    async with hub.database.write() as connection:
        await connection.execute(update(tables.audit).where(tables.audit.c.seq == 2).values({column: value}))
    status, checked = await auditor("GET", f"{AUDIT}?verify=true")
    assert (status, checked["holds"], checked["broken_at"]) == (200, False, 2)
    spoilt, sound = checked["entries"]
    assert (spoilt["seq"], spoilt["unreadable"], spoilt[column]) == (2, [column], "" if column == "at" else {})
    assert "unreadable" not in sound
    assert (await auditor("GET", AUDIT))[1]["entries"] == checked["entries"]


async def test_publishing_leaves_its_trace_with_who_and_what(program, hub) -> None:
    publisher, auditor = await program("publisher"), await program("auditor")
    _, alert = await publisher("POST", "/api/v1/alerts", json=hub.alert())
    entry = (await auditor("GET", AUDIT))[1]["entries"][0]
    assert (entry["subject"], entry["actor"]) == (alert["id"], "token:1 Emergency Management")


async def test_unknown_parameters_are_refused(program) -> None:
    auditor = await program("auditor")
    for query in ("actor=x", "verify=yes", "cursor=x"):
        assert (await auditor("GET", f"{AUDIT}?{query}"))[0] == 422
