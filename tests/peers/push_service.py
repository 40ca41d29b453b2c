"""A push service of RFC 8030 on loopback with a browser behind it: checks the headers and the VAPID token, decrypts, keeps by topic."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from tests.peers.http_sink import Fault, HttpSink, Reply, Request

_URGENCIES = {"very-low", "low", "normal", "high"}
_LONGEST_BODY = 4096
_TOPIC = re.compile(r"[A-Za-z0-9_-]{1,32}")


@dataclass(frozen=True)
class Push:
    """One message as the browser sees it, with what the service was told."""

    path: str
    payload: bytes
    headers: dict[str, str]
    claims: dict[str, Any]
    vapid_key: str

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.payload)


class PushService:
    """`subscribe` gives what a page's PushSubscription.toJSON() would; `pushes` is all that browsers got, in order."""

    def __init__(self) -> None:
        self.sink = HttpSink(self._respond)
        self.pushes: list[Push] = []
        self.waiting: dict[tuple[str, str], Push] = {}
        self.instead: dict[str, Reply | Fault] = {}
        self._browsers: dict[str, tuple[ec.EllipticCurvePrivateKey, bytes]] = {}

    async def __aenter__(self) -> Self:
        await self.sink.listen()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.sink.refuse()

    def subscribe(self) -> dict[str, Any]:
        """A new browser."""
        key, auth, path = ec.generate_private_key(ec.SECP256R1()), os.urandom(16), f"/push/{len(self._browsers)}"
        self._browsers[path] = (key, auth)
        point = key.public_key().public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        return {
            "endpoint": f"{self.sink.url}{path}",
            "expirationTime": None,
            "keys": {"p256dh": _base64url(point), "auth": _base64url(auth)},
        }

    def _respond(self, request: Request) -> Reply | Fault:
        if request.path in self.instead:
            return self.instead[request.path]
        if request.path not in self._browsers:
            return Reply(404)
        if fault := header_fault(request.headers):
            return Reply(400, body=fault.encode())
        if len(request.body) > _LONGEST_BODY:
            return Reply(413)
        vapid = request.headers.get("authorization", "")
        if not vapid or not Vapid02.verify(vapid):
            return Reply(401)
        return self._take(request, vapid)

    def _take(self, request: Request, vapid: str) -> Reply:
        key, auth = self._browsers[request.path]
        payload = http_ece.decrypt(request.body, private_key=key, auth_secret=auth, version="aes128gcm")
        token, point = re.fullmatch(r"vapid t=([^,]+),\s*k=([^,]+)", vapid).groups()
        push = Push(request.path, payload, request.headers, _claims(token), point)
        self.pushes.append(push)
        self.waiting[request.path, request.headers.get("topic", str(len(self.pushes)))] = push
        return Reply(201, {"Location": f"{self.sink.url}/message/{len(self.pushes)}"})


def header_fault(headers: dict[str, str]) -> str | None:
    """What is wrong with the headers of a push, if anything; their names are in lower case."""
    if not headers.get("ttl", "").isdecimal():
        return "TTL is required (RFC 8030, 5.2)"
    if headers.get("urgency", "normal") not in _URGENCIES:
        return "Urgency is unknown (RFC 8030, 5.3)"
    if "topic" in headers and not _TOPIC.fullmatch(headers["topic"]):
        return "Topic is not 1 to 32 characters of base64url (RFC 8030, 5.4)"
    if headers.get("content-encoding") != "aes128gcm":
        return "Content-Encoding is not aes128gcm (RFC 8291, 4)"
    return None


def _claims(token: str) -> dict[str, Any]:
    middle = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
