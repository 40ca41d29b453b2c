"""A Telegram Bot API server on loopback (core.telegram.org/bots/api): what a bot sends is kept, and what people write is handed out."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any, Self

import aiohttp
from aiohttp import web

TOKEN = "123456789:local-test-token"
BOT = 123456789
PATIENCE_S = 30.0
LONGEST = 4096
"""UTF-16 units of a message, after tags and entities are read."""
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"

Fault = tuple[int, str, dict[str, int]]
"""Status, description, parameters."""


class BotApi:
    """`sent` holds each sendMessage that was taken, `edits` each editMessageText, `toasts` each answer to a button; `fault`, when set,
    answers instead, and `faults` do so once each."""

    def __init__(self, token: str = TOKEN) -> None:
        self.token = token
        self.sent: list[dict[str, str]] = []
        self.edits: list[dict[str, str]] = []
        self.toasts: list[dict[str, str]] = []
        self.cleared: list[dict[str, str]] = []
        """Messages whose buttons were taken away."""
        self.menus: list[dict[str, str]] = []
        """What setMyCommands was told."""
        self.calls: list[str] = []
        self.offsets: list[int] = []
        """Of each getUpdates; 0 for none."""
        self.fault: Fault | None = None
        self.faults: list[Fault] = []
        self.blocked_by: set[int] = set()
        """Chats that refuse the bot's messages."""
        self.administrators: set[int] = set()
        """People who administer every group and channel."""
        self.webhook: dict[str, str] | None = None
        self.hook: Callable[[web.Request], Awaitable[web.StreamResponse]] | None = None
        """Takes over whole requests, for answers that the real server would never give."""
        self.port = 0
        self._updates: list[dict[str, Any]] = []
        self._newest = 0
        self._written = asyncio.Event()
        self._happened = asyncio.Event()

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

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what the bot has done makes it so."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._happened.clear()
                await self._happened.wait()

    def sent_to(self, chat: int) -> list[dict[str, str]]:
        """Messages in one chat, the oldest first."""
        return [message for message in self.sent if message["chat_id"] == str(chat)]

    def push_update(self, update: dict[str, Any]) -> None:
        """What someone did, without its update_id; a bot that waits in getUpdates gets it at once."""
        self._updates.append(self._numbered(update))
        self._written.set()

    async def acknowledged(self) -> None:
        """Wait until the bot has said of every update that it was served."""
        await self.until(lambda: not self._updates)

    def _numbered(self, update: dict[str, Any]) -> dict[str, Any]:
        self._newest += 1
        return {"update_id": self._newest} | update

    async def post_update(self, update: dict[str, Any], secret: str | None = None) -> int:
        """The same where the bot has set a webhook; returns the status of its answer."""
        assert self.webhook is not None
        body = self._numbered(update)
        headers = {SECRET_HEADER: secret if secret is not None else self.webhook["secret_token"]}
        async with aiohttp.ClientSession() as session, session.post(self.webhook["url"], json=body, headers=headers) as answer:
            return answer.status

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        self.calls.append(method)
        if self.hook is not None:
            return await self.hook(request)
        if request.match_info["token"] != self.token:
            return failure(401, "Unauthorized")
        if self.fault is not None:
            return failure(*self.fault)
        if self.faults:
            return failure(*self.faults.pop(0))
        try:
            return await self._answer(method, await _fields(request))
        finally:
            self._happened.set()

    async def _answer(self, method: str, fields: dict[str, str]) -> web.Response:
        match method:
            case "getMe":
                return result({"id": BOT, "is_bot": True, "first_name": "Tocsin", "username": "tocsin_test_bot"})
            case "sendMessage":
                return self._send(fields)
            case "editMessageText":
                self.edits.append(fields)
                return result(self._message(int(fields["message_id"]), fields))
            case "editMessageReplyMarkup":
                self.cleared.append(fields)
            case "answerCallbackQuery":
                self.toasts.append(fields)
            case "getChatMember":
                return result(self._member(int(fields["user_id"])))
            case "setMyCommands":
                self.menus.append(fields)
            case "setWebhook":
                self.webhook = fields
            case "deleteWebhook":
                self.webhook = None
            case "getUpdates":
                return await self._get_updates(int(fields.get("offset", 0)), int(fields.get("timeout", 0)))
        return result(True)

    async def _get_updates(self, offset: int, seconds: int) -> web.Response:
        if self.webhook is not None:
            return failure(409, "Conflict: can't use getUpdates method while webhook is active")
        self.offsets.append(offset)
        self._updates = [update for update in self._updates if update["update_id"] >= offset]
        self._happened.set()
        return result(await self._wait(offset, seconds))

    def _send(self, fields: dict[str, str]) -> web.Response:
        if int(fields["chat_id"]) in self.blocked_by:
            return failure(403, "Forbidden: bot was blocked by the user")
        if _shown(fields["text"]) > LONGEST:
            return failure(400, "Bad Request: message is too long")
        self.sent.append(fields)
        return result(self._message(len(self.sent), fields))

    @staticmethod
    def _message(number: int, fields: dict[str, str]) -> dict[str, Any]:
        return {"message_id": number, "date": 1_790_000_000, "chat": chat(int(fields["chat_id"])), "text": fields["text"]}

    def _member(self, number: int) -> dict[str, Any]:
        if number in self.administrators:
            return {"status": "creator", "user": user(number), "is_anonymous": False}
        return {"status": "member", "user": user(number)}

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


def chat(number: int, kind: str | None = None) -> dict[str, Any]:
    """A chat as updates name it: one person, or a group by its negative number."""
    if number > 0:
        return {"id": number, "type": "private", "first_name": "A"}
    return {"id": number, "type": kind or "supergroup", "title": "G"}


def user(number: int, language: str = "en") -> dict[str, Any]:
    """A person as updates name them."""
    return {"id": number, "is_bot": False, "first_name": "A", "language_code": language}


def _shown(text: str) -> int:
    return len(html.unescape(re.sub(r"<[^<>]*>", "", text)).encode("utf-16-le")) // 2


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
