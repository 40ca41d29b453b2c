"""Alerts for staff programs, as INTERFACE promises them."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import func, select

from hub.clock import instant
from hub.staff import audit
from hub.staff.rate_limit import Buckets
from hub.store import tables
from hub.web.middlewares import LIMITS

ALERTS = "/api/v1/alerts"


async def _rows(hub) -> int:
    async with hub.database.read() as connection:
        return (await connection.execute(select(func.count()).select_from(tables.alert))).scalar_one()


def _severe(hub, **changes):
    return hub.alert(severity="Severe", urgency="Immediate", **changes)


async def test_a_publisher_publishes_what_needs_no_approval(program, hub) -> None:
    publisher = await program("publisher")
    status, body = await publisher("POST", ALERTS, json=hub.alert())
    assert (status, body["status"]) == (201, "live")
    assert body["audience"] == {"people": 0, "by_channel": {}}
    assert body["forecast"] == {"seconds": 0.0, "slowest": None, "by_channel": {}, "unprovided": {}}
    assert body["links"]["page"] == f"http://alerts.example/alerts/{body['id']}"
    assert {"self", "progress", "stop", "update", "cancel"} <= body["links"].keys()
    assert (await publisher("GET", f"{ALERTS}/{body['id']}"))[1]["alert"]["event"] == "Flood Advisory"


async def test_a_severe_alert_waits_for_another_person(program, hub) -> None:
    """S1: nobody approves their own, a publisher approves nothing, another approver does."""
    author, publisher = await program("approver"), await program("publisher")
    _, body = await author("POST", ALERTS, json=_severe(hub))
    assert body["status"] == "awaiting_approval"
    path = f"{ALERTS}/{body['id']}/approve"
    assert (await author("POST", path))[0] == 403
    assert (await publisher("POST", path))[0] == 403
    assert (await author("GET", f"{ALERTS}/{body['id']}"))[1]["status"] == "awaiting_approval"
    status, approved = await (await program("approver"))("POST", path)
    assert (status, approved["status"]) == (200, "live")


async def test_an_approval_is_bound_to_what_was_seen(program, hub) -> None:
    author, approver = await program("author"), await program("approver")
    _, body = await author("POST", ALERTS, json=_severe(hub))
    path = f"{ALERTS}/{body['id']}"
    assert (await approver("POST", f"{path}/approve", json={"hash": "0" * 64}))[0] == 409
    seen = (await approver("GET", path))[1]["hash"]
    assert (await approver("POST", f"{path}/approve", json={"hash": seen}))[1]["status"] == "live"
    assert (await approver("POST", f"{path}/approve", json={"hash": seen}))[0] == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [({"hash": 1}, 422), ({"hsah": "x"}, 422), ([], 422), ("nonsense", 422)],
)
async def test_an_approval_with_faults_changes_nothing(program, hub, body, status: int) -> None:
    author, approver = await program("author"), await program("approver")
    _, alert = await author("POST", ALERTS, json=_severe(hub))
    assert (await approver("POST", f"{ALERTS}/{alert['id']}/approve", json=body))[0] == status
    assert (await approver("GET", f"{ALERTS}/{alert['id']}"))[1]["status"] == "awaiting_approval"


async def test_what_an_author_drafts_waits_even_when_it_is_mild(program, hub) -> None:
    author = await program("author")
    assert (await author("POST", ALERTS, json=hub.alert()))[1]["status"] == "awaiting_approval"


async def test_rejecting_sends_it_back_with_a_reason_in_the_audit_log(program, hub) -> None:
    author, approver = await program("author"), await program("approver")
    _, body = await author("POST", ALERTS, json=_severe(hub))
    status, rejected = await approver("POST", f"{ALERTS}/{body['id']}/reject", json={"reason": "Name the street."})
    assert (status, rejected["status"]) == (200, "draft")
    async with hub.database.read() as connection:
        newest = (await audit.entries(connection, limit=1))[0]
    assert (newest.subject, newest.details["reason"]) == (body["id"], "Name the street.")
    _, shown = await author("GET", f"{ALERTS}/{body['id']}")
    assert (shown["sent_back"]["by"], shown["sent_back"]["reason"]) == (newest.actor, "Name the street.")
    async with hub.database.write() as connection:  # somebody was at the log
        await connection.exec_driver_sql("UPDATE audit SET at=9000000000000000000 WHERE action='reject'")
    _, shown = await author("GET", f"{ALERTS}/{body['id']}")
    assert (shown["sent_back"]["at"], shown["sent_back"]["reason"]) == (None, "Name the street.")


async def test_the_same_key_and_body_make_one_alert_even_at_the_same_moment(program, hub) -> None:
    publisher, raw = await program("publisher"), hub.alert()
    sent = [publisher("POST", ALERTS, json=raw, headers={"Idempotency-Key": "k1"}) for _ in range(5)]
    answers = await asyncio.gather(*sent)
    assert {status for status, _ in answers} == {201}
    assert len({body["id"] for _, body in answers}) == 1
    assert await _rows(hub) == 1


async def test_the_same_key_with_another_body_is_refused(program, hub) -> None:
    publisher = await program("publisher")
    await publisher("POST", ALERTS, json=hub.alert(), headers={"Idempotency-Key": "k1"})
    status, body = await publisher("POST", ALERTS, json=hub.alert(event="Other"), headers={"Idempotency-Key": "k1"})
    assert (status, body["type"].rsplit("/", 1)[1]) == (422, "invalid-input")
    assert await _rows(hub) == 1


async def test_a_key_belongs_to_its_token(program, hub) -> None:
    one, other = await program("publisher"), await program("publisher")
    answers = [await token("POST", ALERTS, json=hub.alert(), headers={"Idempotency-Key": "k1"}) for token in (one, other)]
    assert len({body["id"] for _, body in answers}) == 2


@pytest.mark.parametrize("key", ["", "k" * 256, "kä"])
async def test_a_key_that_can_not_be_kept_is_refused(program, hub, key: str) -> None:
    publisher = await program("publisher")
    assert (await publisher("POST", ALERTS, json=hub.alert(), headers={"Idempotency-Key": key}))[0] == 400
    assert await _rows(hub) == 0


async def test_faults_are_named_by_pointer_and_nothing_is_stored(program, hub) -> None:
    publisher = await program("publisher")
    status, body = await publisher("POST", ALERTS, json=hub.alert(severity="Bad", area={"zips": ["99999"]}, surprise=1))
    assert status == 422
    assert {fault["pointer"] for fault in body["errors"]} == {"/severity", "/area/zips/0", "/surprise"}
    assert await _rows(hub) == 0


async def test_what_is_not_json_is_400(program, hub) -> None:
    publisher = await program("publisher")
    for raw in (b"{", b"\xff", b"NaN", b'"\xef\xbb\xbf"x'):
        status, body = await publisher("POST", ALERTS, data=raw, headers={"Content-Type": "application/json"})
        assert (status, body["type"].rsplit("/", 1)[1]) == (400, "bad-request"), raw


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", ALERTS, {"author", "publisher", "approver"}),
        ("POST", "/api/v1/cap", {"author", "publisher", "approver"}),
        ("POST", f"{ALERTS}/preview", {"author", "publisher", "approver"}),
        ("GET", ALERTS, {"author", "publisher", "approver", "admin", "auditor"}),
        ("GET", f"{ALERTS}/al_none", {"author", "publisher", "approver", "admin", "auditor"}),
        ("GET", f"{ALERTS}/al_none/progress", {"author", "publisher", "approver", "admin", "auditor"}),
        ("POST", f"{ALERTS}/al_none/approve", {"approver"}),
        ("POST", f"{ALERTS}/al_none/reject", {"approver"}),
        ("POST", f"{ALERTS}/al_none/stop", {"publisher", "approver", "admin"}),
        ("POST", f"{ALERTS}/al_none/update", {"author", "publisher", "approver"}),
        ("POST", f"{ALERTS}/al_none/cancel", {"author", "publisher", "approver"}),
        ("GET", "/api/v1/audit", {"approver", "admin", "auditor"}),
        ("POST", "/api/v1/incidents", {"publisher", "approver", "admin", "partner"}),
        ("POST", "/api/v1/videos/vid_none/review", {"publisher", "approver", "admin", "partner"}),
    ],
)
async def test_each_route_is_for_its_roles_only(client, program, method: str, path: str, allowed: set[str]) -> None:
    """401 without a token or with an unknown one, 403 beyond the role, anything else within it."""
    for headers in ({}, {"Authorization": "Bearer tcs_unknown"}, {"Authorization": "Basic eDp5"}, {"Authorization": "tcs_x"}):
        async with client.request(method, path, headers=headers) as response:
            assert (response.status, response.headers["WWW-Authenticate"]) == (401, 'Bearer realm="tocsin"')
    for role in ("author", "publisher", "approver", "admin", "partner", "auditor"):
        status, _ = await (await program(role))(method, path)
        assert (status not in {401, 403}) == (role in allowed), role


async def test_a_disabled_token_is_refused_at_once(program, hub) -> None:
    publisher = await program("publisher")
    assert (await publisher("GET", ALERTS))[0] == 200
    await hub.staff.disable_token(1)
    assert (await publisher("GET", ALERTS))[0] == 401


async def test_the_list_is_paged_and_filtered(program, hub) -> None:
    publisher = await program("publisher")
    made = []
    for number in range(53):
        changes = {"category": "Fire"} if number % 10 == 0 else {}
        made.append((await publisher("POST", ALERTS, json=hub.alert(event=f"Event {number}", **changes)))[1]["id"])
        hub.clock.now += 1
    _, first = await publisher("GET", ALERTS)
    _, second = await publisher("GET", f"{ALERTS}?cursor={first['next']}")
    assert [alert["id"] for alert in first["alerts"] + second["alerts"]] == made[::-1]
    assert second["next"] is None
    _, fires = await publisher("GET", f"{ALERTS}?topic=fire&status=live")
    assert [alert["id"] for alert in fires["alerts"]] == made[::10][::-1]
    since = instant(hub.clock() - 3).isoformat()
    assert len((await publisher("GET", ALERTS, params={"since": since}))[1]["alerts"]) == 3
    assert len((await publisher("GET", f"{ALERTS}?since={since}"))[1]["alerts"]) == 3  # a plus sign that nobody escaped
    assert (await publisher("GET", f"{ALERTS}?status=draft"))[1] == {"alerts": [], "next": None}


@pytest.mark.parametrize(
    "query",
    ["status=dead", "topic=gossip", "since=yesterday", "since=2026-11-22T21:00:00", "cursor=-1", "cursor=x", "page=2", "cursor=1&cursor=2"],
)
async def test_a_list_that_is_asked_for_wrongly_is_refused(program, query: str) -> None:
    status, body = await (await program("auditor"))("GET", f"{ALERTS}?{query}")
    assert status == 422
    assert body["errors"][0]["pointer"] == "/" + query.partition("=")[0]


async def test_progress_has_the_names_of_the_interface(program, hub) -> None:
    publisher = await program("publisher")
    _, body = await publisher("POST", ALERTS, json=hub.alert())
    status, progress = await publisher("GET", f"{ALERTS}/{body['id']}/progress")
    promised = "matched planned handed_over delivered confirmed failed uncertain held expired simulated by_channel latency_ms timeline"
    assert status == 200
    assert set(promised.split()) <= progress.keys()
    assert {"p50", "p95", "p99"} == progress["latency_ms"].keys()


async def test_what_is_not_there_is_404(program) -> None:
    approver = await program("approver")
    for method, path in (
        ("GET", ""),
        ("GET", "/progress"),
        ("POST", "/approve"),
        ("POST", "/reject"),
        ("POST", "/stop"),
        ("POST", "/cancel"),
    ):
        assert (await approver(method, f"{ALERTS}/al_none{path}"))[0] == 404, path


async def test_a_preview_stores_nothing(program, hub) -> None:
    author = await program("author")
    status, body = await author("POST", f"{ALERTS}/preview", json=_severe(hub))
    assert (status, body["approval_needed"], body["people"]) == (200, True, 0)
    assert "Brooklyn" in body["messages"]["sms"]["en"]["text"]
    assert await _rows(hub) == 0


async def test_stopping_says_how_many_had_gone(program, hub) -> None:
    publisher = await program("publisher")
    _, body = await publisher("POST", ALERTS, json=hub.alert())
    status, stopped = await (await program("admin"))("POST", f"{ALERTS}/{body['id']}/stop")
    counts = {"handed_over": 0, "simulated": 0, "withheld": 0, "unknown": 0}
    assert (status, stopped) == (200, {"id": body["id"], "status": "stopped", **counts})
    assert await publisher("POST", f"{ALERTS}/{body['id']}/stop") == (200, stopped)


@pytest.mark.parametrize("body", [b"{{{", b'{"reason": "a false alarm"}', b"\xff" * 100_000])
async def test_a_stop_is_never_refused_for_what_stands_in_its_body(program, hub, body: bytes) -> None:
    publisher = await program("publisher")
    _, alert = await publisher("POST", ALERTS, json=hub.alert())
    status, stopped = await publisher("POST", f"{ALERTS}/{alert['id']}/stop", data=body, headers={"Content-Type": "application/json"})
    assert (status, stopped["status"]) == (200, "stopped")


async def test_what_was_stopped_is_not_approved_and_the_answer_says_what_is_possible(program, hub) -> None:
    publisher = await program("publisher")
    _, alert = await publisher("POST", ALERTS, json=hub.alert())
    await publisher("POST", f"{ALERTS}/{alert['id']}/stop")
    status, refused = await (await program("approver"))("POST", f"{ALERTS}/{alert['id']}/approve")
    assert (status, "“update” and “cancel”" in refused["detail"]) == (409, True)
    assert (await publisher("POST", f"{ALERTS}/{alert['id']}/cancel"))[0] == 201


async def test_an_update_follows_the_first_and_ends_it(program, hub) -> None:
    publisher = await program("publisher")
    _, first = await publisher("POST", ALERTS, json=hub.alert())
    status, second = await publisher("POST", f"{ALERTS}/{first['id']}/update", json=hub.alert(event="Flood Warning"))
    assert status == 201
    shown = (await publisher("GET", f"{ALERTS}/{second['id']}"))[1]
    assert (shown["chain"], shown["alert"]["msgType"], shown["alert"]["references"]) == (first["id"], "Update", [first["id"]])
    assert (await publisher("GET", f"{ALERTS}/{first['id']}"))[1]["status"] == "ended"


@pytest.mark.parametrize("body", [b"", b"{}"])
async def test_calling_off_takes_one_step(program, hub, body: bytes) -> None:
    """S3: without a body it goes in the words of the alert itself."""
    publisher = await program("publisher")
    polygon = {"type": "Polygon", "coordinates": [[[-73.99, 40.69], [-73.98, 40.69], [-73.98, 40.70], [-73.99, 40.69]]]}
    sent = hub.alert(area={"zips": ["11201"], "polygon": polygon}, onset=instant(hub.clock()).isoformat())
    _, first = await publisher("POST", ALERTS, json=sent)
    status, second = await publisher("POST", f"{ALERTS}/{first['id']}/cancel", data=body)
    assert status == 201, second
    shown = (await publisher("GET", f"{ALERTS}/{second['id']}"))[1]["alert"]
    assert (shown["msgType"], shown["references"], shown["infos"][0]["headline"]) == ("Cancel", [first["id"]], sent["infos"][0]["headline"])
    assert shown["area"] == {"zips": ["11201"], "polygon": polygon}


async def test_one_account_can_not_flood_a_city_and_refused_tries_are_free(app, program, hub) -> None:
    """S12."""
    app[LIMITS].publishing = Buckets(hub.clock, burst=3, seconds=10)
    publisher = await program("publisher")
    for _ in range(5):
        assert (await publisher("POST", ALERTS, json={}))[0] == 422
    statuses = [(await publisher("POST", ALERTS, json=hub.alert(event=f"Event {number}")))[0] for number in range(4)]
    assert statuses == [201, 201, 201, 429]
    assert (await (await program("publisher"))("POST", ALERTS, json=hub.alert()))[0] == 201


async def test_cap_comes_in_as_xml(program, hub) -> None:
    publisher = await program("publisher")
    expires = instant(hub.clock() + 3600).isoformat().replace("+00:00", "-00:00")
    sent = instant(hub.clock()).isoformat().replace("+00:00", "-00:00")
    raw = f"""<?xml version="1.0" encoding="UTF-8"?>
    <alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>one</identifier><sender>city@example.gov</sender><sent>{sent}</sent>
    <status>Actual</status><msgType>Alert</msgType><scope>Public</scope><info><language>en-US</language><category>Met</category>
    <event>Flood Advisory</event><urgency>Expected</urgency><severity>Minor</severity><certainty>Likely</certainty>
    <expires>{expires}</expires>
    <headline>Minor flooding</headline><description>In Brooklyn.</description><area><areaDesc>Brooklyn</areaDesc>
    <geocode><valueName>SAME</valueName><value>036047</value></geocode></area></info></alert>""".encode()
    ids = set()
    for kind in ("application/cap+xml", "application/xml", "text/xml"):
        status, body = await publisher("POST", "/api/v1/cap", data=raw, headers={"Content-Type": kind})
        assert status == 201, body
        ids.add(body["id"])
    assert len(ids) == 1
    shown = (await publisher("GET", f"{ALERTS}/{ids.pop()}"))[1]
    assert (shown["source"], shown["areas"]) == ("cap", ["Brooklyn"])
