"""Who may send a form: only pages of ours, and for the console only pages of the same session."""

from __future__ import annotations

import pytest
from aiohttp import CookieJar, FormData, web
from aiohttp.test_utils import TestClient, TestServer

from hub.web.routes import build_app
from tests.hub.web.conftest import PASSWORD

NOWHERE = "/console/demo-notice"
"""A form of the console that answers 404 once the guards have let it through: there are no notices outside the demonstration."""


async def _token_of(client, page: str = "/console/compose") -> str:
    async with client.get(page) as response:
        text = await response.text()
    return text.partition('name="csrf" value="')[2].partition('"')[0]


async def _status(client, path: str, headers: dict[str, str] | None = None, **fields: str) -> int:
    async with client.post(path, data=fields, headers=headers, allow_redirects=False) as response:
        return response.status


async def test_a_form_of_the_console_passes_with_the_token_of_its_session(client, logged_in) -> None:
    token = await _token_of(client)
    assert len(token) == 64
    assert await _status(client, NOWHERE, notice="0", csrf=token) == 404
    assert await _status(client, NOWHERE, {"X-CSRF-Token": token}, notice="0") == 404


@pytest.mark.parametrize("token", ["", "0" * 64, "ä"])
async def test_a_form_of_the_console_without_the_right_token_is_refused(client, logged_in, token: str) -> None:
    assert await _status(client, NOWHERE, notice="0", csrf=token) == 403


async def test_a_file_in_place_of_the_token_is_refused(client, logged_in) -> None:
    form = FormData({"notice": "0"})
    form.add_field("csrf", b"binary", filename="token")
    async with client.post(NOWHERE, data=form) as response:
        assert response.status == 403


async def test_the_token_of_another_session_is_refused(client, hub, logged_in) -> None:
    token = await _token_of(client)
    client.session.cookie_jar.update_cookies({"tocsin": await hub.staff.log_in("desk", PASSWORD)}, client.make_url("/"))
    assert await _status(client, NOWHERE, notice="0", csrf=token) == 403


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),  # our own pages: Referrer-Policy is no-referrer
        ({"Sec-Fetch-Site": "none"}, True),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://alerts.example"}, False),
        ({"Origin": "http://alerts.example"}, True),
        ({"Origin": "https://elsewhere.example"}, False),
        ({"Origin": "http://alerts.example.elsewhere.example"}, False),
        ({"Origin": "null"}, True),
    ],
)
async def test_a_form_from_another_site_is_refused_even_with_the_right_token(client, logged_in, headers, passes: bool) -> None:
    token = await _token_of(client)
    assert await _status(client, NOWHERE, headers, notice="0", csrf=token) == (404 if passes else 403)


async def test_the_address_that_the_browser_used_counts_as_ours(client) -> None:
    """A demonstration is public at 127.0.0.1 and may be opened as localhost."""
    own = str(client.make_url("/").origin())
    assert await _status(client, "/console/log-in", {"Origin": own}, name="x", password="y") == 422


async def test_another_site_can_not_log_a_browser_in(client) -> None:
    assert await _status(client, "/console/log-in", {"Sec-Fetch-Site": "cross-site"}, name="desk", password=PASSWORD) == 403


async def test_residents_forms_are_refused_from_another_site(client) -> None:
    assert await _status(client, "/subscribe", {"Sec-Fetch-Site": "cross-site"}) == 403


async def test_programs_of_other_sites_may_use_the_api_since_no_cookie_counts_there(client, program, hub) -> None:
    author = await program("author")
    status, _ = await author("POST", "/api/v1/alerts/preview", json=hub.alert(), headers={"Sec-Fetch-Site": "cross-site"})
    assert status == 200


async def test_a_session_opens_pages_and_not_the_api(client, logged_in) -> None:
    async with client.get("/console") as response:
        assert response.status == 200
    async with client.get("/api/v1/alerts") as response:
        assert response.status == 401


async def test_a_token_opens_the_api_and_not_the_pages(client, program) -> None:
    approver = await program("approver")
    async with client.get("/console", headers=approver.headers, allow_redirects=False) as response:
        assert response.status == 303
    assert (await approver("GET", "/api/v1/alerts"))[0] == 200


async def test_a_stranger_is_led_to_the_log_in_and_back(client) -> None:
    async with client.get("/console/alerts/al_1?x=1", allow_redirects=False) as response:
        assert response.headers["Location"] == "/console/log-in?next=%2Fconsole%2Falerts%2Fal_1%3Fx%3D1"


async def test_logging_in_sets_a_cookie_that_scripts_and_other_sites_can_not_use(client, hub) -> None:
    await hub.staff.add("desk", PASSWORD, agency="A", role="author")
    async with client.post("/console/log-in", data={"name": "desk", "password": PASSWORD}, allow_redirects=False) as response:
        assert response.status == 303
        cookie = response.cookies["tocsin"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"], cookie["max-age"]) == (True, "Lax", "/", "43200")
    assert cookie["secure"] == ""
    assert await hub.staff.by_session(cookie.value)


async def test_under_https_the_cookie_is_bound_to_this_host(hub) -> None:
    hub.public_url = "https://alerts.example"
    await hub.staff.add("desk", PASSWORD, agency="A", role="author")
    async with TestClient(TestServer(build_app(hub)), cookie_jar=CookieJar()) as client:
        fields = {"name": "desk", "password": PASSWORD}
        async with client.post("/console/log-in", data=fields, allow_redirects=False) as response:
            cookie = response.cookies["__Host-tocsin"]
    assert (cookie["secure"], cookie["path"], cookie["domain"]) == (True, "/", "")


async def test_logging_out_ends_the_session_and_takes_the_cookie_back(client, hub, logged_in) -> None:
    token = await _token_of(client)
    async with client.post("/console/log-out", data={"csrf": token}, allow_redirects=False) as response:
        assert response.cookies["tocsin"].value == ""
    assert await hub.staff.by_session(logged_in) is None


async def test_a_one_click_unsubscribe_passes_all_guards(app, client_of) -> None:
    """RFC 8058: mail providers send it with no cookie, from anywhere, and many at once after an alert."""

    async def ended(_: web.Request) -> web.Response:
        return web.Response(status=204)

    app.router.add_post("/unsubscribe/{token}/tried", ended)
    client, fields = await client_of(app), {"List-Unsubscribe": "One-Click"}
    for headers in (None, {"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}):
        for _ in range(200):
            assert await _status(client, "/unsubscribe/t/tried", headers, **fields) == 204
