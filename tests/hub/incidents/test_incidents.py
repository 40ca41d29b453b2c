"""Incidents and the videos that people share: private at first, two separate choices, and nothing shown that its owner took back."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import select, text

from hub.errors import BadRequest, Forbidden, Gone, InvalidInput, NotFound
from hub.incidents.video import VideoChanges, read_changes
from hub.staff import audit
from hub.staff.actor import Actor
from hub.store import tables

PARTNER = Actor(kind="token", id=1, name="Fire Department", agency="Fire Department", role="partner")
AUTHOR = Actor(kind="token", id=2, name="Desk", agency="Desk", role="author")
URL = "https://video.example/watch/1"


def _json(**fields: object) -> bytes:
    return json.dumps(fields).encode()


@pytest.fixture
async def incident(incidents, catalog) -> str:
    return (await incidents.create(_json(title="Fire on Atlantic Avenue", place={"zip": "11201"}), PARTNER, catalog)).id


async def test_an_incident_has_an_agency_and_an_area_no_finer_than_a_name(incidents, catalog, incident) -> None:
    shown = await incidents.get(incident)
    assert (shown.title, shown.agency, shown.place) == ("Fire on Atlantic Avenue", "Fire Department", "zip:11201")
    other = await incidents.create(_json(title="Outage", place={"borough": "the bronx"}), PARTNER, catalog)
    assert other.place == catalog.resolve("borough", "Bronx").key
    assert (await incidents.create(_json(title="Outage"), PARTNER, catalog)).place is None


async def test_opening_one_is_in_the_audit_log(database, incident) -> None:
    async with database.read() as connection:
        entry = (await audit.entries(connection))[0]
    assert (entry.action, entry.subject, entry.actor) == ("incident.create", incident, "token:1 Fire Department")


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({}, ["/title"]),
        ({"title": ""}, ["/title"]),
        ({"title": "x" * 201}, ["/title"]),
        ({"title": 1}, ["/title"]),
        ({"title": "x", "place": {}}, ["/place"]),
        ({"title": "x", "place": "11201"}, ["/place", "/place"]),
        ({"title": "x", "place": {"zip": "99999"}}, ["/place/zip"]),
        ({"title": "x", "place": {"zip": "11201", "borough": "Brooklyn"}}, ["/place"]),
        ({"title": "x", "place": {"zip": "11201", "lat": 1}}, ["/place/lat"]),
        ({"title": "x", "lat": 40.7}, ["/lat"]),
        ({"title": "x", "colour": "red"}, ["/colour"]),
        ({"colour": "red"}, ["/title", "/colour"]),
    ],
)
async def test_an_incident_with_faults_is_refused_and_not_stored(incidents, catalog, database, fields, pointers) -> None:
    with pytest.raises(InvalidInput) as refused:
        await incidents.create(json.dumps(fields).encode(), PARTNER, catalog)
    assert [fault.pointer for fault in refused.value.errors] == pointers
    async with database.read() as connection:
        assert (await connection.execute(select(tables.incident))).all() == []


async def test_only_who_may_opens_incidents_and_reviews_videos(incidents, catalog, incident) -> None:
    with pytest.raises(Forbidden):
        await incidents.create(_json(title="x"), AUTHOR, catalog)
    added = await incidents.add_video(incident, _json(url=URL, public=True), None)
    with pytest.raises(Forbidden):
        await incidents.review_video(added.id, AUTHOR)


async def test_a_video_is_private_unless_its_owner_says_otherwise(incidents, incident) -> None:
    """V1: neither choice is ticked."""
    added = await incidents.add_video(incident, _json(url=URL), PARTNER)
    assert [(receipt.scope, receipt.given) for receipt in added.receipt] == [("public", False), ("share_with_agencies", False)]
    assert await incidents.public_videos(incident) == ()
    assert await incidents.video_url(added.id) is None


async def test_the_two_choices_are_separate(incidents, incident) -> None:
    """V1, V2: sharing with agencies shows nothing to the public, and the other way round."""
    shared = await incidents.add_video(incident, _json(url=URL, share_with_agencies=True), PARTNER)
    assert await incidents.public_videos(incident) == ()
    public = await incidents.add_video(incident, _json(url=URL, public=True), PARTNER)
    assert await incidents.public_videos(incident) == (public.id,)
    view = await incidents.change_video(shared.manage, VideoChanges(public=True))
    assert (view.public, view.share_with_agencies) == (True, True)
    view = await incidents.change_video(shared.manage, VideoChanges(share_with_agencies=False))
    assert (view.public, view.share_with_agencies) == (True, False)


async def test_what_a_stranger_sends_waits_for_a_person(incidents, incident, database) -> None:
    """S14: nothing of a stranger's goes out before somebody of staff has looked at it, whatever its owner allows."""
    added = await incidents.add_video(incident, _json(url=URL, public=True), None)
    assert added.waits_for_review
    assert await incidents.public_videos(incident) == ()
    assert await incidents.video_url(added.id) is None
    await incidents.review_video(added.id, PARTNER)
    assert await incidents.public_videos(incident) == (added.id,)
    assert await incidents.video_url(added.id) == URL
    async with database.read() as connection:
        assert (await audit.entries(connection, limit=1))[0].subject == added.id


async def test_staff_beyond_this_task_count_as_strangers(incidents, incident) -> None:
    assert (await incidents.add_video(incident, _json(url=URL, public=True), AUTHOR)).waits_for_review


async def test_withdrawing_works_at_once_forgets_the_link_and_keeps_the_receipts(incidents, incident, database) -> None:
    """V3, V4, V6."""
    added = await incidents.add_video(incident, _json(url=URL, public=True), PARTNER)
    receipts = await incidents.remove_video(added.manage)
    assert await incidents.video_url(added.id) is None
    assert await incidents.public_videos(incident) == ()
    assert [(receipt.scope, receipt.given) for receipt in receipts[-2:]] == [("public", False), ("share_with_agencies", False)]
    assert receipts[-1].note == "Copies that others made while it was public may persist."
    assert await incidents.remove_video(added.manage) == receipts
    async with database.read() as connection:
        assert "video.example" not in str((await connection.execute(text("SELECT * FROM video"))).all())
    with pytest.raises(Gone):
        await incidents.change_video(added.manage, VideoChanges(public=True))
    with pytest.raises(Gone):
        await incidents.review_video(added.id, PARTNER)


async def test_each_choice_has_a_receipt_with_scope_time_and_policy(incidents, incident) -> None:
    """V4."""
    added = await incidents.add_video(incident, _json(url=URL), None)
    view = await incidents.change_video(added.manage, VideoChanges(public=True))
    assert view.receipt[:2] == added.receipt
    newest = view.receipt[2:]
    assert [(receipt.scope, receipt.given) for receipt in newest] == [("public", True)]
    assert newest[0].policy
    assert newest[0].at.timestamp() == 1_795_000_000


async def test_taking_back_and_allowing_again_shows_it_again(incidents, incident) -> None:
    added = await incidents.add_video(incident, _json(url=URL, public=True), PARTNER)
    await incidents.change_video(added.manage, VideoChanges(public=False))
    assert await incidents.video_url(added.id) is None
    await incidents.change_video(added.manage, VideoChanges(public=True))
    assert await incidents.video_url(added.id) == URL


async def test_a_message_gets_a_few_links_at_most_the_oldest_first(incidents, incident) -> None:
    added = {(await incidents.add_video(incident, _json(url=f"{URL}{number}", public=True), PARTNER)).id for number in range(5)}
    shown = await incidents.public_videos(incident)
    assert len(shown) == 3
    assert set(shown) <= added


@pytest.mark.parametrize(
    "url",
    [
        "",
        "video.example/1",
        "ftp://video.example/1",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://user:pass@video.example/1",
        "https://user@video.example/1",
        "https://video.example/a b",
        "https://video.example\\@evil.example",
        "https://[::1",
        "https://video.example:99999/1",
        "https://vidéo.example/1",
        "https://video.example/" + "x" * 2000,
        7,
        None,
    ],
)
async def test_a_link_that_people_can_not_be_sent_to_is_refused(incidents, incident, database, url: object) -> None:
    with pytest.raises(InvalidInput) as refused:
        await incidents.add_video(incident, _json(url=url), PARTNER)
    assert {fault.pointer for fault in refused.value.errors} == {"/url"}
    async with database.read() as connection:
        assert (await connection.execute(select(tables.video))).all() == []


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"url": URL, "public": "yes"}, ["/public"]),
        ({"url": URL, "public": None}, ["/public"]),
        ({"url": URL, "share_with_agencies": 1}, ["/share_with_agencies"]),
        ({"url": URL, "upload": "x"}, ["/upload"]),
        ({"url": URL, "title": "x"}, ["/title"]),
        ({"public": True}, ["/url"]),
    ],
)
async def test_a_video_with_faults_is_refused(incidents, incident, fields, pointers) -> None:
    with pytest.raises(InvalidInput) as refused:
        await incidents.add_video(incident, json.dumps(fields).encode(), PARTNER)
    assert [fault.pointer for fault in refused.value.errors] == pointers


@pytest.mark.parametrize(
    ("fields", "pointers"), [({}, [""]), ({"url": URL}, ["/url"]), ({"public": 1}, ["/public"]), ({"public": True, "x": 1}, ["/x"])]
)
def test_a_change_with_faults_is_refused(fields, pointers) -> None:
    with pytest.raises(InvalidInput) as refused:
        read_changes(json.dumps(fields).encode())
    assert [fault.pointer for fault in refused.value.errors] == pointers


async def test_what_is_not_json_is_a_bad_request(incidents, incident, catalog) -> None:
    with pytest.raises(BadRequest):
        await incidents.add_video(incident, b"{", PARTNER)
    with pytest.raises(BadRequest):
        await incidents.create(b"\xff", PARTNER, catalog)


async def test_what_is_not_there_is_not_found(incidents) -> None:
    with pytest.raises(NotFound):
        await incidents.get("inc_none")
    with pytest.raises(NotFound):
        await incidents.add_video("inc_none", _json(url=URL), None)
    with pytest.raises(NotFound):
        await incidents.change_video("guess", VideoChanges(public=True))
    with pytest.raises(NotFound):
        await incidents.remove_video("guess")
    with pytest.raises(NotFound):
        await incidents.review_video("vid_none", PARTNER)
    assert await incidents.public_videos("inc_none") == ()
    assert await incidents.video_url("vid_none") is None
