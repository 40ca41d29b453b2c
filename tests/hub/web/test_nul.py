"""U+0000, which PostgreSQL can't hold in a text: refused at the door alike on both databases, never a fault of the hub."""

from __future__ import annotations

import pytest
from aiohttp.test_utils import TestClient
from sqlalchemy import URL

from tests.hub.web.conftest import PASSWORD


@pytest.fixture
def kept_at(store: URL) -> URL:
    """Each kind of database."""
    return store


PATHS = ["/alerts/a%00b", "/es/alerts/%00", "/pictures/%00.svg", "/a/%00", "/v/%00", "/feeds/cap/%00.xml", "/manage/%00", "/%00"]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_at_an_address_with_one(client: TestClient, path: str) -> None:
    async with client.get(path) as answer:
        assert answer.status == 404


@pytest.mark.parametrize(("method", "path"), [("GET", "/api/v1/alerts/%00"), ("POST", "/api/v1/alerts/%00/stop")])
async def test_nor_for_staff(client: TestClient, logged_in: str, program, method: str, path: str) -> None:
    assert (await (await program("publisher"))(method, path))[0] == 404
    async with client.get("/console/alerts/%00") as answer:
        assert answer.status == 404


@pytest.mark.parametrize("path", ["/?place=%00", "/?%00=x", "/console/log-in?next=/console/%00", "/feeds/alerts.atom?zip=%00"])
async def test_a_query_with_one_is_refused(client: TestClient, path: str) -> None:
    async with client.get(path) as answer:
        assert answer.status == 400
        assert "NUL" in await answer.text()


@pytest.mark.parametrize("copy", ["update", "copy"])
async def test_staff_are_told_so_too(client: TestClient, logged_in: str, copy: str) -> None:
    async with client.get(f"/console/compose?{copy}=%00") as answer:
        assert answer.status == 400


URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
PART = "--b\r\nContent-Disposition: form-data; name=password\r\n\r\n{}\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (URLENCODED, f"name=%00&password={PASSWORD}"),
        (URLENCODED, "name=desk&password=a%00"),
        (URLENCODED, "%00=x"),
        (URLENCODED, "name=desk\0"),
        (MULTIPART, PART.format("\0")),
    ],
)
async def test_a_form_with_one_is_refused(client: TestClient, kind: str, body: str) -> None:
    async with client.post("/console/log-in", data=body.encode(), headers={"Content-Type": kind}) as answer:
        assert answer.status == 400
        assert "NUL" in await answer.text()
