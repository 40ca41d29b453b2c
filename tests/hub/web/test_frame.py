"""What holds for every request: errors as problems or pages, limits of size, headers, caching, compression and what is logged."""

from __future__ import annotations

import json

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from hub.settings import load
from hub.web.middlewares import BODY_BYTES
from hub.web.routes import TABLE, build_app

PROBLEM = "application/problem+json"


async def test_an_unknown_address_of_the_api_is_a_problem_with_a_stable_type(client) -> None:
    async with client.get("/api/v1/nothing") as response:
        assert (response.status, response.content_type) == (404, PROBLEM)
        body = await response.json()
    assert body == {
        "type": "http://alerts.example/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at this address.",
    }
    async with client.get("/problems/not-found") as response:
        assert (await response.json())["status"] == 404


async def test_an_unknown_page_is_a_page(client) -> None:
    async with client.get("/nothing") as response:
        assert (response.status, response.content_type) == (404, "text/html")


async def test_another_method_is_405_and_names_those_there_are(client) -> None:
    async with client.put("/api/v1/alerts") as response:
        assert (response.status, response.content_type) == (405, PROBLEM)
        assert response.headers["Allow"] == "GET, HEAD, POST"


@pytest.mark.parametrize("path", ["/api/v1/broken", "/broken"])
async def test_what_nobody_foresaw_is_500_without_internals_and_logged_without_values(app, client_of, path: str) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("resident@example.org")

    app.router.add_get(path, broken)
    with capture_logs() as logged:
        async with (await client_of(app)).get(path) as response:
            assert response.status == 500
            text = await response.text()
    fault = next(line for line in logged if line["event"] == "request_failed")
    assert (fault["error"], fault["route"]) == ("RuntimeError", path)
    assert any(step.endswith(" broken") for step in fault["where"])
    assert "example.org" not in text + json.dumps(logged)
    assert "RuntimeError" not in text
    assert "Traceback" not in text


async def test_a_body_over_one_megabyte_is_413_whether_announced_or_streamed(program, client) -> None:
    publisher = await program("publisher")

    async def stream():
        for _ in range(BODY_BYTES // 1000 + 1):
            yield b"x" * 1000

    for data in (b"x" * (BODY_BYTES + 1), stream()):
        status, body = await publisher("POST", "/api/v1/alerts", data=data, headers={"Content-Type": "application/json"})
        assert (status, body["type"].rsplit("/", 1)[1]) == (413, "too-large")


async def test_another_content_type_is_415_and_an_empty_body_400(program) -> None:
    publisher = await program("publisher")
    for path, kind in (("/api/v1/alerts", "application/xml"), ("/api/v1/cap", "application/json"), ("/api/v1/alerts", "text/plain")):
        status, body = await publisher("POST", path, data=b"<a/>", headers={"Content-Type": kind})
        assert (status, body["type"].rsplit("/", 1)[1]) == (415, "wrong-type")
    assert (await publisher("POST", "/api/v1/alerts", data=b"", headers={"Content-Type": "application/json"}))[0] == 400


EVERYWHERE = ["/", "/nothing", "/api/v1/nothing", "/api/v1/alerts", "/feeds/alerts.atom", "/console/log-in", "/live", "/assets/tocsin.css"]


async def test_every_answer_carries_the_security_headers(client) -> None:
    """Pages, the API, errors, assets and streams alike."""
    for path in EVERYWHERE:
        async with client.get(path) as response:
            headers = response.headers
            policy = headers["Content-Security-Policy"].split("; ")
            assert {"default-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "object-src 'none'"} <= set(policy), path
            assert "unsafe" not in headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert "Strict-Transport-Security" not in headers
            assert headers["Server"] == "Tocsin"


async def test_open_data_may_be_read_from_any_origin_and_nothing_else(client) -> None:
    for path, open_data in (
        ("/api/v1/public/alerts", True),
        ("/feeds/alerts.atom", True),
        ("/feeds/cap/none.xml", True),
        ("/live", True),
        ("/api/v1/areas?q=Astoria", True),
        ("/api/v1/alerts", False),
        ("/", False),
        ("/console/log-in", False),
    ):
        async with client.get(path, headers={"Origin": "https://elsewhere.example"}) as response:
            assert response.headers.get("Access-Control-Allow-Origin") == ("*" if open_data else None), path
            assert "Access-Control-Allow-Credentials" not in response.headers


async def test_a_preflight_is_answered_for_open_data_only(client) -> None:
    asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"}
    async with client.options("/api/v1/public/alerts", headers=asked) as response:
        assert response.status == 204
        assert "If-None-Match" in response.headers["Access-Control-Allow-Headers"]
    async with client.options("/api/v1/alerts", headers=asked) as response:
        assert response.status == 405
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_open_data_has_an_etag_and_is_not_sent_twice(client) -> None:
    async with client.get("/api/v1/openapi.json") as response:
        tag, full = response.headers["ETag"], await response.read()
        assert response.headers["Cache-Control"].startswith("public, max-age=")
    for sent in (tag, f'"other", {tag}', "*"):
        async with client.get("/api/v1/openapi.json", headers={"If-None-Match": sent}) as response:
            assert (response.status, await response.read(), response.headers["ETag"]) == (304, b"", tag)
    async with client.get("/api/v1/openapi.json", headers={"If-None-Match": '"other"'}) as response:
        assert (response.status, await response.read()) == (200, full)
    async with client.head("/api/v1/openapi.json") as response:
        assert (response.status, await response.read()) == (200, b"")


async def test_long_text_travels_compressed_when_asked_and_short_text_does_not(client) -> None:
    for path, accepted, coding in (
        ("/api/v1/openapi.json", "gzip, deflate, br", "gzip"),
        ("/api/v1/openapi.json", "identity", None),
        ("/healthz", "gzip", None),
    ):
        async with client.get(path, headers={"Accept-Encoding": accepted}) as response:
            assert response.headers.get("Content-Encoding") == coding, path
            assert json.loads(await response.read())


async def test_pages_with_a_form_token_are_never_compressed(client, logged_in) -> None:
    async with client.get("/console/compose", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.status == 200
        assert "Content-Encoding" not in response.headers


async def test_log_lines_name_the_route_and_never_the_path(client, hub) -> None:
    with capture_logs() as logged:
        async with client.patch("/api/v1/videos/a-secret-token", json={"public": True}) as response:
            assert response.status == 404
    line = next(line for line in logged if line["event"] == "request")
    assert (line["method"], line["route"], line["status"]) == ("PATCH", "/api/v1/videos/{manage}", 404)
    assert line["ms"] >= 0
    assert "a-secret-token" not in json.dumps(logged)
    assert b'tocsin_http_requests_total{method="PATCH",route="/api/v1/videos/{manage}",status="404"} 1.0' in hub.metrics.render()


async def test_an_unmatched_path_is_not_logged_either(client) -> None:
    with capture_logs() as logged:
        async with client.get("/manage/a-secret-token/typo") as response:
            assert response.status == 404
    assert [line["route"] for line in logged] == ["unmatched"]


async def test_strangers_who_change_things_too_fast_are_told_when_to_come_back(client) -> None:
    statuses = set()
    for _ in range(301):
        async with client.delete("/api/v1/videos/unknown") as response:
            statuses.add(response.status)
            after = response.headers.get("Retry-After")
    assert statuses == {404, 429}
    assert after == "1"
    async with client.get("/healthz") as response:
        assert response.status == 200


@pytest.mark.parametrize("settings", [load(environ={"TOCSIN_SIGNUP_LIMITS": "off"})])
async def test_limits_for_strangers_can_be_switched_off_for_benchmarks(client) -> None:
    for _ in range(301):
        async with client.delete("/api/v1/videos/unknown") as response:
            assert response.status == 404


@pytest.mark.parametrize("settings", [load(environ={"TOCSIN_TILE_URL": "https://tiles.example/{z}/{x}/{y}.png"})])
async def test_a_map_server_of_the_city_may_be_shown_and_no_other(client) -> None:
    async with client.get("/healthz") as response:
        assert "img-src 'self' data: https://tiles.example;" in response.headers["Content-Security-Policy"]


async def test_under_https_browsers_are_told_to_stay_there(hub, client_of) -> None:
    hub.public_url = "https://alerts.example"
    async with (await client_of(build_app(hub))).get("/healthz") as response:
        assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


def test_no_address_stands_twice_in_the_table() -> None:
    places = [(route.method, route.path) for route in TABLE]
    assert len(places) == len(set(places))
