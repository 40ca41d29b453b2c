"""The door: what is answered from finished bytes says the same as the routes behind it, and whatever is odd goes to them."""

from __future__ import annotations

import asyncio
import json
import socket
import time
import zlib
from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import http_parser, web
from aiohttp.test_utils import TestClient

from hub.incidents.incident import Incidents
from hub.incidents.video import VideoChanges
from hub.live import RETRY
from hub.staff.actor import SYSTEM, Actor
from hub.web.assets import asset_url
from hub.web.front import Front, open_door
from tests.hub.web.conftest import Parts

PUBLIC = [
    "/",
    "/?lang=es",
    "/es/",
    "/alerts/{id}",
    "/zh-Hans/alerts/{id}",
    "/feeds/alerts.atom",
    "/feeds/alerts.atom?zip=11201&topic=weather",
    "/feeds/cap/{id}.xml",
]
PUBLIC += [
    "/assets/tocsin.css",
    asset_url("tocsin.css"),
    "/assets/leaflet/images/layers.png",
    "/api/v1/public/alerts",
    "/api/v1/public/alerts?zip=11201&severity=Minor",
]

PARTNER = Actor(kind="staff", id=7, name="partner", agency="Test", role="partner")


class Line:
    """One connection to the door, spoken by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, text: str) -> None:
        self.writer.write(text.replace("\n", "\r\n").encode())

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.rstrip().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return int(first.split()[1]), headers, await self.reader.readexactly(int(headers.get("Content-Length", 0)))

    async def get(self, path: str, more: str = "") -> tuple[int, dict[str, str], bytes]:
        self.send(f"GET {path} HTTP/1.1\nHost: x\n{more}\n")
        return await self.answer()


class Door:
    """The door of the test's hub; `busy` as if an alert were being handed over."""

    def __init__(self, port: int) -> None:
        self.port, self.busy, self.lines = port, False, list[Line]()

    async def line(self) -> Line:
        self.lines.append(Line(*await asyncio.open_connection("127.0.0.1", self.port)))
        return self.lines[-1]


@pytest.fixture
async def door(hub: Parts, app: web.Application) -> AsyncIterator[Door]:
    with socket.create_server(("127.0.0.1", 0)) as port:
        made = Door(port.getsockname()[1])
        async with open_door(app, hub, port, lambda: made.busy):  # type: ignore[arg-type]  # the parts that sign-up needs are not here
            yield made
        for line in made.lines:
            line.writer.close()


async def publish(hub: Parts, **changes: Any) -> Any:
    return await hub.publishing.submit(json.dumps(hub.alert(**changes)).encode(), SYSTEM)


@pytest.mark.parametrize("path", PUBLIC)
@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_the_door_and_the_routes_give_the_same_answer(hub: Parts, door: Door, client: TestClient, path: str, coding: str) -> None:
    alert, line = await publish(hub), await door.line()
    path = path.format(id=alert.id)
    status, headers, body = await line.get(path, f"Accept-Encoding: {coding}\nAccept-Language: en\n")
    asked = {"Accept-Encoding": coding, "Accept-Language": "en"}
    async with client.get(path, headers=asked, auto_decompress=False) as routed:
        assert (status, body) == (routed.status, await routed.read())
        varying = {"date", "connection", "keep-alive"}
        assert {name.lower(): value for name, value in headers.items() if name.lower() not in varying} == {
            name.lower(): value for name, value in routed.headers.items() if name.lower() not in varying
        }
    status, headers, body = await line.get(path, f"Accept-Encoding: {coding}\nIf-None-Match: {headers['ETag']}\n")
    assert (status, body) == (304, b"")
    async with client.get(path, headers=asked | {"If-None-Match": headers["ETag"]}) as routed:
        assert routed.status == 304
        assert routed.headers["ETag"] == headers["ETag"]


async def test_a_change_is_seen_by_the_next_request_on_the_same_line(hub: Parts, door: Door) -> None:
    line = await door.line()
    _, headers, body = await line.get("/")
    assert b"No alerts now" in body
    await publish(hub)
    status, _, body = await line.get("/", f"If-None-Match: {headers['ETag']}\n")
    assert status == 200
    assert b"Flooding possible in Brooklyn Heights" in body


async def test_a_withdrawn_video_is_gone_from_the_page_at_once(hub: Parts, door: Door) -> None:
    incidents: Incidents = hub.incidents
    incident = await incidents.create(b'{"title": "Water main break"}', PARTNER, hub.catalog)
    video = await incidents.add_video(incident.id, b'{"url": "https://video.example/1", "public": true}', PARTNER)
    alert, line = await publish(hub, incident=incident.id), await door.line()
    assert f"/v/{video.id}".encode() in (await line.get(f"/alerts/{alert.id}"))[2]
    await incidents.change_video(video.manage, VideoChanges(public=False))
    assert b"/v/" not in (await line.get(f"/alerts/{alert.id}"))[2]


async def test_who_is_logged_in_gets_the_same_bytes_as_everyone(logged_in: str, hub: Parts, door: Door) -> None:
    line = await door.line()
    stranger, staff = await line.get("/"), await line.get("/", f"Cookie: tocsin={logged_in}\nAuthorization: Bearer tcs_x\n")
    assert stranger[2] == staff[2]
    assert b"csrf" not in staff[2]
    assert "Set-Cookie" not in staff[1]


async def test_languages_do_not_mix(door: Door) -> None:
    line = await door.line()
    _, english, body = await line.get("/", "Accept-Language: de, en;q=0.5\n")
    assert b'<html lang="en"' in body
    assert english["Vary"] == "Accept-Encoding, Accept-Language"
    assert b'<html lang="es"' in (await line.get("/", "Accept-Language: es-MX\n"))[2]
    _, chosen, body = await line.get("/?lang=es", "Accept-Language: en\n")
    assert b'<html lang="es"' in body
    assert chosen["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET /alerts/al_none HTTP/1.1\nHost: x\n\n", 404),
        ("GET /feeds/alerts.atom?zip=99999 HTTP/1.1\nHost: x\n\n", 422),
        ("GET /feeds/alerts.atom?zip=11201&zip=11205 HTTP/1.1\nHost: x\n\n", 422),
        ("GET /api/v1/public/alerts?lat=40.7&lon=-73.9 HTTP/1.1\nHost: x\n\n", 200),
        ("GET /api/v1/public/alerts?zipp=11201 HTTP/1.1\nHost: x\n\n", 422),
        ("GET /api/v1/public/alerts?page=2 HTTP/1.1\nHost: x\n\n", 422),
        ("GET /feeds/alerts.atom?zipp=11201 HTTP/1.1\nHost: x\n\n", 422),
        ("GET /healthz HTTP/1.1\nHost: x\n\n", 200),
        ("GET /assets/../../pyproject.toml HTTP/1.1\nHost: x\n\n", 404),
        ("GET /%61lerts/al_1 HTTP/1.1\nHost: x\n\n", 404),
        ("GET / HTTP/1.0\nHost: x\n\n", 200),
        ("HEAD / HTTP/1.1\nHost: x\n\n", 200),
        ("POST / HTTP/1.1\nHost: x\nContent-Length: 0\n\n", 405),
        ("GET / HTTP/1.1\nHost: x\nContent-Length: 4\n\nabcd", 200),
        ("GET / HTTP/1.1\nHost: x\nTransfer-Encoding: chunked\n\n0\n\n", 200),
        ("GET / HTTP/1.1\nHost: x\nno colon\n\n", 400),
        ("GET / HTTP/1.1\nHost : x\n\n", 400),
        ("nonsense\n\n", 400),
    ],
)
async def test_what_is_no_plain_question_is_the_routes_business(door: Door, request_: str, status: int) -> None:
    line = await door.line()
    line.send(request_)
    assert (await asyncio.wait_for(line.reader.readline(), 20)).split()[1] == b"%d" % status


async def test_a_request_that_comes_in_pieces_or_two_at_once_is_answered_in_order(door: Door) -> None:
    line = await door.line()
    line.send("GET / HTTP/1.1\nHo")
    await line.writer.drain()
    line.send("st: x\n\nGET /healthz HTTP/1.1\nHost: x\n\n")
    assert (await line.answer())[1]["Content-Type"].startswith("text/html")
    assert (await line.answer())[2] == b'{"status":"ok"}'


async def test_a_line_goes_on_with_the_routes_after_the_door(door: Door) -> None:
    line = await door.line()
    assert (await line.get("/"))[0] == 200
    assert (await line.get("/healthz"))[2] == b'{"status":"ok"}'
    assert (await line.get("/"))[0] == 200


async def test_what_is_asked_before_the_answer_came_is_answered_after_it(hub: Parts, door: Door) -> None:
    door.busy, line = True, await door.line()
    line.send("GET / HTTP/1.1\nHost: x\n\n")
    await line.writer.drain()
    line.send("GET /feeds/alerts.atom HTTP/1.1\nHost: x\n\n")
    assert (await line.answer())[1]["Content-Type"].startswith("text/html")
    assert (await line.answer())[1]["Content-Type"].startswith("application/atom+xml")


async def test_while_an_alert_goes_out_everyone_is_still_answered(door: Door) -> None:
    door.busy = True
    lines = [await door.line() for _ in range(50)]
    answers = await asyncio.gather(*(line.get("/") for line in lines))
    assert {status for status, _, _ in answers} == {200}


@pytest.mark.parametrize(("passed_ms", "spent_us"), [(4, 440), (10, 1100), (1000, 1540)])
async def test_a_turn_takes_its_share_of_the_time_that_has_passed_and_no_more(
    hub: Parts, app: web.Application, monkeypatch: pytest.MonkeyPatch, passed_ms: int, spent_us: int
) -> None:
    now, answered = 1_000_000, list[int]()  # microseconds
    front = Front(None, app, hub, lambda: True)  # type: ignore[arg-type]  # nothing is handed over here

    def answer(*_: object) -> None:
        nonlocal now
        now += 100
        answered.append(now)

    monkeypatch.setattr(front, "answer", answer)
    monkeypatch.setattr("hub.web.front.time", SimpleNamespace(perf_counter=lambda: now / 1e6))
    front._turn_ended = (now - passed_ms * 1000) / 1e6
    front._turns.extend([(None, None, None)] * 100)  # type: ignore[list-item]  # what is answered is counted only
    front._next_turn()
    front.close()
    assert spent_us <= 100 * len(answered) < spent_us + 100


@pytest.mark.parametrize(("passed_ms", "waits_ms"), [(0, 3.5), (2, 1.5), (3, 1), (1000, 1)])
async def test_a_turn_comes_a_while_after_the_last_one_and_gathers_those_who_come_together(
    hub: Parts, app: web.Application, monkeypatch: pytest.MonkeyPatch, passed_ms: int, waits_ms: float
) -> None:
    front = Front(None, app, hub, lambda: True)  # type: ignore[arg-type]  # nothing is handed over here
    monkeypatch.setattr("hub.web.front.time", SimpleNamespace(perf_counter=lambda: 1000.0))
    asked_for = list[float]()
    loop = SimpleNamespace(call_later=lambda delay, _: asked_for.append(delay) or SimpleNamespace(cancel=lambda: None))
    monkeypatch.setattr("hub.web.front.asyncio", SimpleNamespace(get_running_loop=lambda: loop))
    front._turn_ended = 1000.0 - passed_ms / 1000
    for _ in range(2):
        front.pass_on(None, None, None)  # type: ignore[arg-type]  # nobody is answered before this test ends
    front.close()
    assert asked_for == [pytest.approx(waits_ms / 1000)]


async def test_connection_close_is_kept(door: Door) -> None:
    line = await door.line()
    assert (await line.get("/", "Connection: close\n"))[0] == 200
    assert await line.reader.read() == b""


async def test_a_crowd_that_sends_long_blanks_holds_nobody_up(door: Door) -> None:
    """Each would take two seconds if reading it went back over them."""
    line, blanks = await door.line(), " " * 3_800
    for _ in range(1_000):
        status, _, _ = await line.get("/", f"Accept-Encoding: gzip{blanks}x\nIf-None-Match: {blanks}x\n")
        assert status == 200


async def test_who_listens_and_goes_on_talking_is_let_go(door: Door) -> None:
    """What they say would be kept for as long as they listen."""
    line = await door.line()
    line.send("GET /live HTTP/1.1\nHost: x\n\n")
    await line.reader.readuntil(b"\r\n\r\n")
    line.send("and another thing")
    assert await line.reader.read() == RETRY


async def test_who_is_silent_for_long_is_let_go(hub: Parts, app: web.Application) -> None:
    pair, ours = socket.socketpair()
    front = Front(None, app, hub, lambda: False)  # type: ignore[arg-type]  # nothing is handed over here
    loop = asyncio.get_running_loop()
    _, connection = await loop.connect_accepted_socket(front, ours)
    reader, writer = await asyncio.open_connection(sock=pair)
    connection.heard -= 80
    front.look_around()
    assert await reader.read() == b""
    writer.close()
    front.close()


async def test_what_the_door_answers_is_counted(hub: Parts, app: web.Application) -> None:
    with socket.create_server(("127.0.0.1", 0)) as port:
        async with open_door(app, hub, port, lambda: False):  # type: ignore[arg-type]  # as above
            line = Line(*await asyncio.open_connection(*port.getsockname()))
            for path in ("/", "/", "/?lang=es"):
                _, headers, _ = await line.get(path)
            for _ in range(2):
                assert (await line.get("/?lang=es", f"If-None-Match: {headers['ETag']}\n"))[0] == 304
            line.writer.close()
    assert b'tocsin_http_requests_total{method="GET",route="/",status="200"} 3.0' in hub.metrics.render()
    assert b'tocsin_http_requests_total{method="GET",route="/",status="304"} 2.0' in hub.metrics.render()


@pytest.mark.parametrize("path", ["/api/v1/subscriptions", "/subscribe", "/console/log-in"])
async def test_nothing_that_comes_is_unpacked(door: Door, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A megabyte that is a gigabyte would hold up the hand-overs."""
    unpacked = list[object]()
    monkeypatch.setattr(http_parser, "ZLibDecompressor", lambda **_: unpacked.append(1))
    line, body = await door.line(), zlib.compress(b" " * 100_000)
    line.send(f"POST {path} HTTP/1.1\nHost: x\nContent-Type: application/json\nContent-Encoding: deflate\nContent-Length: {len(body)}\n\n")
    line.writer.write(body)
    assert (await line.answer())[0] == 415
    assert unpacked == []


async def test_what_is_said_again_has_the_date_of_now(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_790_000_000.0
    clock = SimpleNamespace(time=lambda: now, monotonic=time.monotonic, perf_counter=time.perf_counter)
    monkeypatch.setattr("hub.web.front.time", clock)
    line = await door.line()
    first = (await line.get("/"))[1]["Date"]
    now += 1
    second = (await line.get("/"))[1]["Date"]
    assert [parsedate_to_datetime(said).timestamp() for said in (first, second)] == [1_790_000_000, 1_790_000_001]


async def _event(line: Line) -> bytes:
    return await line.reader.readuntil(b"\n\n")


async def test_the_stream_at_the_door_tells_and_resumes_like_the_one_behind_it(hub: Parts, door: Door, client: TestClient) -> None:
    line = await door.line()
    line.send("GET /live HTTP/1.1\nHost: x\nAccept: text/event-stream\n\n")
    head = (await line.reader.readuntil(b"\r\n\r\n")).decode()
    async with client.get("/live") as routed:
        for name in ("Content-Type", "Cache-Control", "Access-Control-Allow-Origin", "Content-Security-Policy"):
            assert f"{name}: {routed.headers[name]}\r\n" in head
    assert await _event(line) == b"retry: 3000\n\n"
    await publish(hub)
    await publish(hub)
    first, second = await _event(line), await _event(line)
    again = await door.line()
    again.send(f"GET /live HTTP/1.1\nHost: x\nLast-Event-ID: {first.split()[1].decode()}\n\n")
    await again.reader.readuntil(b"\r\n\r\n")
    await _event(again)
    assert await _event(again) == second
    hub.live.close()
    assert await line.reader.read() == b""
