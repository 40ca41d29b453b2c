"""Requests that no honest program sends: each gets a clear answer, none breaks the hub, and none of their secrets is logged."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from hub import log


async def raw(client: TestClient, request: bytes) -> bytes:
    """Bytes in, bytes out, past every client library."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    writer.write(request)
    answer = await reader.read(65536)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize("header", [b"Cookie: tocsin=\xff", b"Authorization: Bearer tcs_\xff\xff"])
async def test_bytes_that_are_no_utf8_in_a_header_are_nobodys_secret(client: TestClient, header: bytes) -> None:
    answer = await raw(client, b"GET /api/v1/audit HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + header + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 401")


async def test_a_header_that_can_not_be_parsed_is_not_logged(client: TestClient) -> None:
    said = io.StringIO()
    log.configure("info", said)
    answer = await raw(client, b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer tcs_SECRETSECRET\x7f\r\n\r\n")
    assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400"))
    assert "BadHttpMessage" in said.getvalue() or "InvalidHeader" in said.getvalue()
    assert "SECRETSECRET" not in said.getvalue()


async def test_a_page_leads_to_no_host_that_its_address_names(client: TestClient) -> None:
    answer = await raw(client, b"GET //elsewhere.example/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 404")
    assert b'href="/elsewhere.example/x?lang=es"' in answer
    assert b'="//' not in answer


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=x", b"garbage"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=\0\r\n\r\n\r\n--x--\r\n"),
        ("application/x-www-form-urlencoded; charset=nope", b"name=x"),
        ("application/x-www-form-urlencoded; charset=utf-16", b"odd"),
    ],
)
@pytest.mark.parametrize("path", ["/subscribe", "/manage", "/console/log-in"])
async def test_a_form_that_can_not_be_read_is_a_bad_request(client: TestClient, path: str, content_type: str, body: bytes) -> None:
    async with client.post(path, data=body, headers={"Content-Type": content_type}) as answer:
        assert answer.status in {400, 403}


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize(("path", "kind"), [("/api/v1/subscriptions", "application/problem+json"), ("/subscribe", "text/html")])
async def test_a_packed_body_is_refused(client: TestClient, path: str, kind: str, coding: str) -> None:
    content_type = "application/json" if path.startswith("/api/") else "application/x-www-form-urlencoded"
    headers = {"Content-Encoding": coding, "Content-Type": content_type}
    async with client.post(path, data=b"not packed at all", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (415, kind)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "body",
    [b'{"\\ud800": 1}', b'{"category": "\\ud800"}', b'{"expires": "\\ud800"}', b'{"area": {"polygon": {"type": "\\ud800"}}}'],
)
async def test_half_a_character_in_an_alert_is_named_in_an_answer_that_can_be_read(client: TestClient, program: Any, body: bytes) -> None:
    token = await program("publisher")
    async with client.post("/api/v1/alerts", data=body, headers=token.headers | {"Content-Type": "application/json"}) as answer:
        assert answer.status == 422
        assert (await answer.json())["errors"]


@pytest.mark.parametrize("body", [b'{"\\ud800": 1}', b'{"places": [{"zip": "\\ud800"}]}', b'{"language": "\\ud800"}'])
async def test_half_a_character_in_a_sign_up_is_a_bad_request(client: TestClient, body: bytes) -> None:
    async with client.post("/api/v1/subscriptions", data=body, headers={"Content-Type": "application/json"}) as answer:
        assert answer.status == 400
