"""The side of a Bot API server that a bot listens to (core.telegram.org/bots/api#getupdates), on loopback: people write, the bot polls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

TOKEN = "4242:loopback-test-token"


class UpdatesServer:
    """Keeps updates until they are acknowledged by an offset, as the real one does."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[tuple[int, str]] = asyncio.Queue()
        self.offsets: list[int | None] = []
        self.faults: list[int] = []
        """Statuses to answer the next questions with, before anything else."""
        self.blocked_by: set[int] = set()
        """Chats that refuse the bot's messages."""
        self.url = ""
        self._updates: list[dict[str, Any]] = []
        self._more = asyncio.Event()
        self._closing = asyncio.Event()

    def write(self, chat: int, text: str | None, *, kind: str = "private", language: str = "en") -> None:
        """A person writes to the bot; None is a photo or anything else without text."""
        number = 100 + len(self._updates)
        sender = {"id": chat, "is_bot": False, "first_name": "Someone", "language_code": language}
        message = {"message_id": number, "date": 1_790_000_000, "chat": {"id": chat, "type": kind}, "from": sender}
        self._updates.append({"update_id": number, "message": message | ({} if text is None else {"text": text})})
        self._more.set()

    def close(self) -> None:
        """Let go of whoever waits."""
        self._closing.set()

    async def serve(self, request: web.Request) -> web.Response:
        """One method of the API."""
        if request.match_info["token"] != TOKEN:
            return _fault(401)
        if self.faults:
            return _fault(self.faults.pop(0))
        asked = await request.post()
        match request.match_info["method"].lower():
            case "getme":
                return _ok({"id": 4242, "is_bot": True, "first_name": "Tocsin", "username": "tocsin_test_bot"})
            case "sendmessage" if int(str(asked["chat_id"])) in self.blocked_by:
                return _fault(403)
            case "sendmessage":
                self.answers.put_nowait((int(str(asked["chat_id"])), str(asked["text"])))
                message = {"message_id": 1, "date": 1, "chat": {"id": int(str(asked["chat_id"])), "type": "private"}}
                return _ok(message | {"text": asked["text"]})
            case "getupdates":
                return _ok(await self._wait_for_updates(int(str(asked["offset"])) if "offset" in asked else None))
        return _fault(404)

    async def _wait_for_updates(self, offset: int | None) -> list[dict[str, Any]]:
        self.offsets.append(offset)
        while not self._closing.is_set():
            found = [update for update in self._updates if offset is None or update["update_id"] >= offset]
            if found:
                return found
            self._more.clear()
            waits = [asyncio.ensure_future(event.wait()) for event in (self._more, self._closing)]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
        return []


@asynccontextmanager
async def updates_server() -> AsyncIterator[UpdatesServer]:
    """A server that runs; `url` is its base."""
    server, app = UpdatesServer(), web.Application()
    app.router.add_route("*", "/bot{token}/{method}", server.serve)
    async with TestServer(app) as running:
        server.url = str(running.make_url("")).rstrip("/")
        yield server
        server.close()


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _fault(status: int) -> web.Response:
    parameters = {"parameters": {"retry_after": 0}} if status == 429 else {}
    return web.json_response({"ok": False, "error_code": status, "description": "made to fail", **parameters}, status=status)
