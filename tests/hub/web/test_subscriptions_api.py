"""Subscriptions, areas and the push key over HTTP: statuses, problems with pointers, caching, and nothing that tells who is subscribed."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from tests.subscriptions.residents import Residents, service_on
from tests.subscriptions.test_renewal import browser

URL = "/api/v1/subscriptions"
GOOD: dict[str, Any] = {"places": [{"zip": "11201"}], "channels": [{"kind": "email", "address": "a@example.org"}]}


@pytest.fixture
async def residents(hub: Any) -> Residents:
    """The residents' service in place of the one that the frame's tests do without."""
    service = await service_on(hub.database, hub.catalog)
    hub.enrolment, hub.links = service.enrolment, service.links
    return service


async def test_a_sign_up_is_accepted_and_the_manage_token_comes_with_the_confirmation(residents: Residents, client: TestClient) -> None:
    answer = await client.post(URL, json=GOOD)
    assert answer.status == 202
    body = await answer.json()
    assert (body["status"], body["manage"], body["telegram"]) == ("awaiting_confirmation", None, None)
    assert body["id"].startswith("sub_")
    manage = (await residents.confirm_newest()).manage
    shown = await client.get(f"{URL}/{manage}")
    assert shown.status == 200
    assert shown.headers["Cache-Control"] == "no-store"
    assert (await shown.json())["places"] == [{"zip": "11201"}]


async def test_telegram_gets_a_deep_link(residents: Residents, client: TestClient) -> None:
    body = await (await client.post(URL, json=GOOD | {"channels": [{"kind": "telegram"}]})).json()
    assert body["telegram"].startswith("https://t.me/tocsin_test_bot?start=")


async def test_a_known_address_gets_the_same_answer(residents: Residents, client: TestClient) -> None:
    first = await client.post(URL, json=GOOD)
    await residents.confirm_newest()
    second = await client.post(URL, json=GOOD | {"places": [{"borough": "Bronx"}]})
    bodies = [await answer.json() for answer in (first, second)]
    assert (first.status, bodies[0] | {"id": ""}) == (second.status, bodies[1] | {"id": ""})


async def test_a_subscription_is_changed_and_ended(residents: Residents, client: TestClient) -> None:
    manage = await residents.resident()
    changed = await client.patch(f"{URL}/{manage}", json={"topics": ["fire"], "quiet_hours": None})
    assert (changed.status, (await changed.json())["topics"]) == (200, ["fire"])
    ended = await client.delete(f"{URL}/{manage}")
    assert (ended.status, await ended.read()) == (204, b"")
    assert (await client.get(f"{URL}/{manage}")).status == 404


@pytest.mark.parametrize("method", ["get", "patch", "delete"])
async def test_a_forged_token_is_not_found(residents: Residents, client: TestClient, method: str) -> None:
    body = {"json": {}} if method == "patch" else {}
    answer = await client.request(method, f"{URL}/{'A' * 43}", **body)
    assert (answer.status, answer.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"places": [{"zip": "11291"}]}, "/places/0/zip"),
        ({"places": "11201"}, "/places"),
        ({"places": []}, "/places"),
        ({"channels": [{"kind": "sms", "address": "+1000"}]}, "/channels/0/address"),
        ({"channels": [{"kind": "email", "address": "a@@example.org"}]}, "/channels/0/address"),
        ({"topics": ["nope"]}, "/topics/0"),
        ({"minimum_severity": 3}, "/minimum_severity"),
        ({"language": "tlh"}, "/language"),
        ({"quiet_hours": {"from": "25:00", "to": "07:00", "timezone": "America/New_York"}}, "/quiet_hours/from"),
        ({"drills": "yes"}, "/drills"),
        ({"surprise": 1}, "/surprise"),
    ],
)
async def test_a_fault_is_a_problem_that_names_its_pointer_and_writes_nothing(
    residents: Residents, client: TestClient, change: dict[str, Any], pointer: str
) -> None:
    before = await residents.everything()
    answer = await client.post(URL, json=GOOD | change)
    assert (answer.status, answer.content_type) == (422, "application/problem+json")
    assert pointer in [error["pointer"] for error in (await answer.json())["errors"]]
    assert await residents.everything() == before


async def test_a_change_with_a_fault_names_its_pointer(residents: Residents, client: TestClient) -> None:
    manage = await residents.resident()
    answer = await client.patch(f"{URL}/{manage}", json={"places": [{"zip": "0"}], "channels": []})
    assert answer.status == 422
    assert "/channels" in [error["pointer"] for error in (await answer.json())["errors"]]


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": NaN}', b"\xff", b"[" * 9000])
async def test_what_is_not_json_is_a_bad_request(residents: Residents, client: TestClient, body: bytes) -> None:
    answer = await client.post(URL, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.content_type) == (400, "application/problem+json")


async def test_a_name_that_stands_twice_is_refused(residents: Residents, client: TestClient) -> None:
    doubled = json.dumps(GOOD)[:-1] + ', "places": [{"borough": "Bronx"}]}'
    answer = await client.post(URL, data=doubled, headers={"Content-Type": "application/json"})
    assert answer.status == 422
    assert [error["pointer"] for error in (await answer.json())["errors"]] == ["/places"]


async def test_a_body_over_one_megabyte_is_too_large(residents: Residents, client: TestClient) -> None:
    answer = await client.post(URL, data=b" " * 1_000_001, headers={"Content-Type": "application/json"})
    assert answer.status == 413


async def test_areas_are_found_by_name_and_may_be_kept(hub: Any, client: TestClient) -> None:
    answer = await client.get("/api/v1/areas", params={"q": "astor"})
    body = await answer.json()
    assert body["areas"][0]["name"] == "Astoria"
    assert body["areas"][0]["layer"] == "neighborhood"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = await client.get("/api/v1/areas", params={"q": "astor"}, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


async def test_what_nobody_knows_is_answered_with_what_was_meant(hub: Any, client: TestClient) -> None:
    body = await (await client.get("/api/v1/areas", params={"q": "11291"})).json()
    assert (body["areas"], body["near"][0]["id"]) == ([], "11201")


@pytest.mark.parametrize("query", ["", "?q=", "?q=" + "x" * 81, "?q=a&q=b", "?q=a&limit=5"])
async def test_a_search_without_a_name_or_with_more_is_refused(hub: Any, client: TestClient, query: str) -> None:
    assert (await client.get(f"/api/v1/areas{query}")).status == 422


async def test_a_layer_travels_packed_and_may_be_kept_for_a_day(hub: Any, client: TestClient) -> None:
    packed = await client.get("/api/v1/areas/zip.geojson", headers={"Accept-Encoding": "gzip"}, auto_decompress=False)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "max-age=86400" in packed.headers["Cache-Control"]
    plain = await client.get("/api/v1/areas/zip.geojson", headers={"Accept-Encoding": "identity"})
    assert plain.content_type == "application/geo+json"
    body = await plain.read()
    assert gzip.decompress(await packed.read()) == body
    assert len(json.loads(body)["features"]) > 150
    again = await client.get("/api/v1/areas/zip.geojson", headers={"If-None-Match": packed.headers["ETag"]})
    assert again.status == 304


async def test_an_unknown_layer_is_not_found_and_the_known_ones_are_named(hub: Any, client: TestClient) -> None:
    answer = await client.get("/api/v1/areas/moon.geojson")
    assert answer.status == 404
    assert "neighborhood" in (await answer.json())["detail"]


async def test_browsers_get_the_key_for_push(hub: Any, client: TestClient) -> None:
    answer = await client.get("/api/v1/web-push/key")
    assert await answer.json() == {"key": hub.vapid_public_key}


async def test_a_browser_tells_of_its_new_push_address_and_nobody_learns_whether_it_was_known(
    residents: Residents, client: TestClient
) -> None:
    old, new, unknown = browser("old"), browser("new"), browser("unknown")
    await client.post(URL, json=GOOD | {"channels": [{"kind": "web_push", "subscription": old}]})
    manage = (await residents.confirm_newest("web_push")).manage
    answers = [await client.post("/api/v1/web-push/renewed", json={"old": one, "new": new}) for one in (unknown, old, old)]
    assert [(answer.status, await answer.read(), answer.headers["Cache-Control"]) for answer in answers] == [(204, b"", "no-store")] * 3
    exported = await (await client.get(f"{URL}/{manage}/export")).json()
    assert [json.loads(one["address"])["endpoint"] for one in exported["addresses"]] == [new["endpoint"]]
    faulty = await client.post("/api/v1/web-push/renewed", json={"old": old, "new": new, "also": 1})
    assert (faulty.status, (await faulty.json())["errors"][0]["pointer"]) == (422, "/also")
