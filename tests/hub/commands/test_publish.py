"""`tocsin publish` and `tocsin approve`: the hub's own words, and one clear sentence when what answers is no hub."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from hub.commands.publish import approve, publish
from hub.errors import HubError

STORED = '{"id": "al_1", "status": "live", "audience": {"people": 12, "by_channel": {"sms": 12}}}'
PROBLEM = '{"type": "…", "title": "The document has faults", "status": 422, "detail": "…", "errors": [%s]}'
DOUBT = " Whether the hub got this is not certain: look before you send it again."
NO_HUB = "not as a hub does: is this its address (--url), and is it running?"
Answering = Callable[..., Awaitable[str]]


@pytest.fixture
async def answering() -> AsyncIterator[Answering]:
    """Starts something that gives one answer to everything, and gives its address."""
    servers: list[TestServer] = []

    async def start(status: int, text: str = "", **headers: str) -> str:
        async def handler(_: web.Request) -> web.Response:
            return web.Response(status=status, text=text, headers=headers)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", handler)
        servers.append(TestServer(app))
        await servers[-1].start_server()
        return str(servers[-1].make_url("/")).rstrip("/")

    yield start
    for server in servers:
        await server.close()


async def refused(url: str) -> set[str]:
    """What both commands say."""
    said = set()
    for work in (publish(b"{}", url, "token", None, say=print), approve("al_1", url, "token", say=print)):
        with pytest.raises(HubError) as error:
            await work
        said.add(error.value.detail)
    return said


async def test_what_became_of_the_alert_is_one_line(answering: Answering) -> None:
    url, said = await answering(201, STORED), list[str]()
    await publish(b"{}", url, "token", "key", say=said.append)
    assert said == ["al_1 live, 12 people"]


async def test_faults_are_told_in_the_words_of_the_hub(answering: Answering) -> None:
    url = await answering(422, PROBLEM % '{"pointer": "", "detail": "is empty"}, {"pointer": "/area", "detail": "x"}')
    assert await refused(url) == {"The document has faults\n  /: is empty\n  /area: x"}


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (502, "", f"answered 502, {NO_HUB}{DOUBT}"),
        (502, "<html>", f"answered 502, {NO_HUB}{DOUBT}"),
        (404, "[]", f"answered 404, {NO_HUB}"),
        (200, "[]", f"answered 200, {NO_HUB}"),
        (200, "", f"answered 200, {NO_HUB}"),
    ],
)
async def test_an_answer_that_is_no_hubs_is_one_sentence(answering: Answering, status: int, text: str, said: str) -> None:
    url = await answering(status, text)
    assert await refused(url) == {f"{url} {said}"}


async def test_a_redirect_is_not_followed_and_says_where_it_leads(answering: Answering) -> None:
    url = await answering(301, Location="https://alerts.example/")
    assert await refused(url) == {f"{url} answered 301 and leads to https://alerts.example/, {NO_HUB}"}


async def test_nothing_that_listens_is_one_sentence(answering: Answering) -> None:
    assert await refused("http://127.0.0.1:9") == {"no answer from the hub at http://127.0.0.1:9 (ClientConnectorError): is it running?"}
