"""The demonstration shows what the README says of it: who the samples are, and whom each ready-made notice reaches."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub import demo
from hub.alerts.area import target
from hub.application import Hub, open_hub
from hub.publishing.draft import read_draft
from hub.settings import load

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANNELS = {"web_push", "email", "sms", "telegram", "apprise", "webhook"}
TITLES = dict(demo.notices(0.0))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Hub]:
    folder: Path = tmp_path_factory.mktemp("demo")
    async with open_hub(load(environ={"TOCSIN_DATA": str(folder), "TOCSIN_SENDERS": "1"}), demo=True, port=0) as opened:
        yield opened


async def reached(hub: Hub, beginning: str) -> set[tuple[str, str]]:
    """(channel, language) of everyone whom the notice with this title reaches."""
    raw = next(raw for title, raw in hub.demo_notices() if title.startswith(beginning))
    draft = await read_draft(raw.encode(), "demo", hub.catalog, hub.clock())
    match = hub.audience.match(target(draft.area, draft.document, draft.grade, hub.catalog))
    assert all(group.simulated for group in match.groups)
    return {(group.channel, group.language) for group in match.groups}


@pytest.mark.parametrize("title", ["Road closure", "Flash flood"])
async def test_a_notice_reaches_phone_mail_chat_and_browser_in_english_and_in_spanish(hub: Hub, title: str) -> None:
    found = await reached(hub, title)
    assert {channel for channel, _ in found} >= {"sms", "email", "telegram", "web_push"}
    assert {language for _, language in found} >= {"en", "es"}


async def test_the_drill_reaches_somebody_on_every_channel_in_both_languages(hub: Hub) -> None:
    found = await reached(hub, "Siren test")
    assert {channel for channel, _ in found} == CHANNELS
    assert {language for _, language in found} == {"en", "es"}


async def test_every_notice_reaches_somebody(hub: Hub) -> None:
    assert {title: bool(await reached(hub, title)) for title in TITLES} == dict.fromkeys(TITLES, True)


async def test_there_are_twenty_samples_named_by_their_place_in_all_five_boroughs_and_on_all_channels(hub: Hub) -> None:
    assert hub.audience.people_count == 20
    async with hub.database.read() as connection:
        labels = set((await connection.exec_driver_sql("SELECT label FROM subscriber WHERE sample=1")).scalars())
        channels = set((await connection.exec_driver_sql("SELECT channel FROM address WHERE simulated=1")).scalars())
        keys = set((await connection.exec_driver_sql("SELECT area FROM place WHERE area LIKE '%:%'")).scalars())
    assert channels == CHANNELS
    assert all(label.startswith("Sample, ") for label in labels)
    areas = [area for key in keys if (area := hub.catalog.get(key)) is not None]
    assert {area.borough or area.name for area in areas} == {"Manhattan", "Bronx", "Brooklyn", "Queens", "Staten Island"}


async def test_the_log_ins_have_the_roles_that_the_log_in_page_shows(hub: Hub) -> None:
    """One who is called author may publish: the role `author` of a real hub only drafts."""
    accounts = {account.name: account.role for account in await hub.staff.list()}
    assert accounts == {name: role for role, name, _ in hub.demo_log_ins()} == {"author": "publisher", "approver": "approver"}


async def test_notices_are_written_in_both_languages() -> None:
    for raw in TITLES.values():
        assert [info["language"] for info in json.loads(raw)["infos"]] == ["en-US", "es"]
