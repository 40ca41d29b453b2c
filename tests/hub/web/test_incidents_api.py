"""Incidents and videos over HTTP: who may, what is answered, and the link that messages carry."""

from __future__ import annotations

import pytest

URL = "https://video.example/watch/1?t=5"


@pytest.fixture
async def incident(program) -> str:
    status, body = await (await program("partner"))("POST", "/api/v1/incidents", json={"title": "Fire", "place": {"zip": "11201"}})
    assert status == 201
    return body["id"]


async def test_a_resident_shares_a_video_and_it_shows_once_staff_have_looked(client, program, incident) -> None:
    async with client.post(f"/api/v1/incidents/{incident}/videos", json={"url": URL, "public": True}) as response:
        assert response.status == 201
        added = await response.json()
    assert {"id", "manage", "receipt", "waits_for_review"} == added.keys()
    watch = f"/v/{added['id']}"
    async with client.get(watch, allow_redirects=False) as response:
        assert (response.status, response.headers["Cache-Control"]) == (404, "no-store")
    assert (await (await program("publisher"))("POST", f"/api/v1/videos/{added['id']}/review"))[0] == 204
    async with client.get(watch, allow_redirects=False) as response:
        assert (response.status, response.headers["Location"], response.headers["Cache-Control"]) == (302, URL, "no-store")


async def test_withdrawing_ends_the_link_at_once(client, program, incident) -> None:
    """V3."""
    partner = await program("partner")
    _, added = await partner("POST", f"/api/v1/incidents/{incident}/videos", json={"url": URL, "public": True})
    assert not added["waits_for_review"]
    manage = f"/api/v1/videos/{added['manage']}"
    async with client.patch(manage, json={"share_with_agencies": True}) as response:
        assert (await response.json())["share_with_agencies"] is True
    async with client.delete(manage) as response:
        assert (response.status, len((await response.json())["receipt"])) == (200, 5)
    async with client.get(f"/v/{added['id']}", allow_redirects=False) as response:
        assert response.status == 404
    async with client.patch(manage, json={"public": True}) as response:
        assert response.status == 410


async def test_a_choice_that_stands_already_writes_nothing_and_makes_no_page_anew(client, program, incident, hub) -> None:
    """V4: a receipt for each choice, and no way to fill the database or to empty the caches of all pages."""
    async with client.post(f"/api/v1/incidents/{incident}/videos", json={"url": URL, "public": True}) as response:
        manage = f"/api/v1/videos/{(await response.json())['manage']}"
    before = hub.news.version
    for public in (True, False, False, False):
        async with client.patch(manage, json={"public": public}) as response:
            receipts = len((await response.json())["receipt"])
    assert (receipts, hub.news.version) == (3, before)


async def test_whoever_takes_something_back_is_never_made_to_wait(client, incident) -> None:
    """V3."""
    path, statuses = f"/api/v1/incidents/{incident}/videos", []
    async with client.post(path, json={"url": URL}) as response:
        manage = f"/api/v1/videos/{(await response.json())['manage']}"
    for public in (True, False) * 10:
        async with client.patch(manage, json={"public": public}) as response:
            statuses.append(response.status)
    assert statuses[1::2] == [200] * 10
    assert 429 in statuses[0::2]


async def test_strangers_add_a_few_videos_at_a_time_and_staff_as_many_as_they_need(client, program, incident) -> None:
    path, partner = f"/api/v1/incidents/{incident}/videos", await program("partner")
    statuses = []
    for _ in range(11):
        async with client.post(path, json={"url": URL}) as response:
            statuses.append(response.status)
    assert statuses == [201] * 10 + [429]
    assert (await partner("POST", path, json={"url": URL}))[0] == 201


async def test_an_incident_can_be_read_by_those_who_may_open_them(client, program, incident) -> None:
    status, body = await (await program("partner"))("GET", f"/api/v1/incidents/{incident}")
    assert (status, body["title"], body["place"]) == (200, "Fire", "zip:11201")
    async with client.get(f"/api/v1/incidents/{incident}") as response:
        assert response.status == 401


async def test_a_search_of_a_later_release_is_refused_and_not_ignored(program, incident) -> None:
    assert (await (await program("partner"))("GET", f"/api/v1/incidents/{incident}?bbox=1,2,3,4"))[0] == 422
