"""A Telegram Bot API server on loopback (core.telegram.org/bots/api): what a bot sends is kept, and what people write is handed out."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, Self

from aiohttp import web

TOKEN = "123456789:local-test-token"


class BotApi:
    """`sent` holds each sendMessage that was taken, `edits` each editMessageText; `fault`, when set, answers instead: (status, description,
    parameters)."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.sent: list[dict[str, str]] = []
        self.edits: list[dict[str, str]] = []
        self.calls: list[str] = []
        self.fault: tuple[int, str, dict[str, int]] | None = None
        self.hook: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        """Takes over whole requests, for answers that the real server would never give."""
        self.port = 0
        self._updates: list[dict[str, Any]] = []
        self._written = asyncio.Event()
        self._requests = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.refuse()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def refuse(self) -> None:
        """Stop listening and hang up."""
        await self._runner.cleanup()

    async def no_connection(self) -> None:
        """Wait, at most 5 s, until nobody is connected."""
        async with asyncio.timeout(5):
            while self._runner.server is not None and self._runner.server.connections:
                await asyncio.sleep(0)

    def push_update(self, update: dict[str, Any]) -> None:
        """What someone did, without its update_id; a bot that waits in getUpdates gets it at once."""
        self._updates.append({"update_id": len(self._updates) + 1} | update)
        self._written.set()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        if self.hook is not None:
            return await self.hook(request)
        if request.match_info["token"] != self.token:
            return failure(401, "Unauthorized")
        if self.fault is not None:
            return failure(*self.fault)
        fields = await _fields(request)
        match method:
            case "getMe":
                return result({"id": 123456789, "is_bot": True, "first_name": "Tocsin", "username": "tocsin_test_bot"})
            case "sendMessage":
                return self._send(fields)
            case "editMessageText":
                self.edits.append(fields)
                return result(self._message(int(fields["message_id"]), fields))
            case "getUpdates":
                return result(await self._wait(int(fields.get("offset", 0)), int(fields.get("timeout", 0))))
        return result(True)

    def _send(self, fields: dict[str, str]) -> web.Response:
        self.sent.append(fields)
        return result(self._message(len(self.sent), fields))

    @staticmethod
    def _message(number: int, fields: dict[str, str]) -> dict[str, Any]:
        chat = int(fields["chat_id"])
        kind = {"id": chat, "type": "private", "first_name": "A"} if chat > 0 else {"id": chat, "type": "supergroup", "title": "G"}
        return {"message_id": number, "date": 1_790_000_000, "chat": kind, "text": fields["text"]}

    async def _wait(self, offset: int, seconds: int) -> list[dict[str, Any]]:
        """Long polling: the updates from `offset` on, as soon as there is one."""
        try:
            async with asyncio.timeout(seconds):
                while not (news := [update for update in self._updates if update["update_id"] >= offset]):
                    self._written.clear()
                    await self._written.wait()
        except TimeoutError:
            return []
        return news


async def _fields(request: web.Request) -> dict[str, str]:
    """The parameters as the API takes them: a form, or JSON whose values are then written as a form would hold them."""
    if request.content_type == "application/json":
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in (await request.json()).items()}
    return {name: str(value) for name, value in (await request.post()).items()}


def result(value: object) -> web.Response:
    """A success."""
    return web.json_response({"ok": True, "result": value})


def failure(status: int, description: str, parameters: dict[str, int] | None = None) -> web.Response:
    """A refusal."""
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return web.json_response(body | ({"parameters": parameters} if parameters else {}), status=status)
