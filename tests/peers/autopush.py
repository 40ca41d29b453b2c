"""A push service that Firefox itself keeps a line to: autopush's WebSocket protocol on one side, RFC 8030 on the other, on loopback."""

from __future__ import annotations

import base64
import json
import uuid
from types import TracebackType
from typing import Any, Self

from aiohttp import WSMsgType, web

from tests.peers.push_service import header_fault


class Autopush:
    """`url` is what Firefox is told by ``dom.push.serverURL``; `told` is what came for browsers, `shown` what they took (ack)."""

    def __init__(self) -> None:
        self.told: list[dict[str, str]] = []
        self.shown: list[str] = []
        self._lines: dict[str, web.WebSocketResponse] = {}
        self._channels: dict[str, tuple[str, str]] = {}
        self._runner = self._make()
        self._port = 0

    def _make(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/", self._line)
        app.router.add_post("/wpush/{endpoint}", self._push)
        return web.AppRunner(app, access_log=None, shutdown_timeout=1)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self._port}/"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._port = site._server.sockets[0].getsockname()[1]  # type: ignore[union-attr]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for line in list(self._lines.values()):
            await line.close()
        await self._runner.cleanup()

    async def _line(self, request: web.Request) -> web.WebSocketResponse:
        line, uaid = web.WebSocketResponse(protocols=("push-notification",)), uuid.uuid4().hex
        await line.prepare(request)
        async for message in line:
            if message.type is WSMsgType.TEXT:
                uaid = await self._heard(line, uaid, json.loads(message.data))
        self._lines.pop(uaid, None)
        return line

    async def _heard(self, line: web.WebSocketResponse, uaid: str, said: dict[str, Any]) -> str:
        match said.get("messageType"):
            case "hello":
                uaid = said.get("uaid") or uaid
                self._lines[uaid] = line
                await line.send_json({"messageType": "hello", "status": 200, "uaid": uaid, "use_webpush": True, "broadcasts": {}})
            case "register":
                endpoint = uuid.uuid4().hex
                self._channels[endpoint] = (uaid, said["channelID"])
                address = f"http://127.0.0.1:{self._port}/wpush/{endpoint}"
                await line.send_json({"messageType": "register", "status": 200, "channelID": said["channelID"], "pushEndpoint": address})
            case "unregister":
                await line.send_json({"messageType": "unregister", "status": 200, "channelID": said["channelID"]})
            case "ack":
                self.shown += [update["version"] for update in said["updates"]]
            case "ping" | None:
                await line.send_json({"messageType": "ping"} if said else {})
        return uaid

    async def _push(self, request: web.Request) -> web.Response:
        """The hub hands over one encrypted message; it goes down the browser's line as it is."""
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        uaid, channel = self._channels.get(request.match_info["endpoint"], ("", ""))
        line = self._lines.get(uaid)
        if line is None:
            return web.Response(status=404)
        if fault := _fault(headers):
            return web.Response(status=400, text=fault)
        version = uuid.uuid4().hex
        self.told.append(headers)
        await line.send_json(
            {
                "messageType": "notification",
                "channelID": channel,
                "version": version,
                "ttl": int(headers["ttl"]),
                "data": base64.urlsafe_b64encode(body).rstrip(b"=").decode(),
                "headers": {"encoding": "aes128gcm"},
            }
        )
        return web.Response(status=201, headers={"Location": f"/m/{version}"})


def _fault(headers: dict[str, str]) -> str | None:
    return header_fault(headers) or (None if headers.get("authorization", "").startswith("vapid t=") else "no VAPID token (RFC 8292)")
