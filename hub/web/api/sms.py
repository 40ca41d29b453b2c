"""Text messages that a Twilio-compatible provider brings: a signed form for each.

Source: twilio.com/docs/usage/webhooks/webhooks-security (X-Twilio-Signature), /messaging/guides/webhook-request (its fields).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from aiohttp import web
from multidict import MultiMapping

from hub.errors import BadRequest, Forbidden, InvalidInput, NotFound, WrongType
from hub.sms.inbox import Inbound
from hub.web.context import hub
from subscriptions.errors import FieldError

PATH = "/api/v1/sms/inbound"
FORM = "application/x-www-form-urlencoded"
_NEEDED = ("From", "Body", "MessageSid")
_NOTHING = '<?xml version="1.0" encoding="UTF-8"?><Response/>'
"""TwiML that says nothing: the answer goes out through the ledger, like every message."""


async def receive_sms(request: web.Request) -> web.StreamResponse:
    """One message of a phone. The answer comes when the hub's own answer stands in the ledger."""
    tokens = auth_tokens(hub(request).channels.sms)
    if not tokens:
        raise NotFound("This hub takes no text messages here: TOCSIN_SMS names no Twilio-compatible API.")
    if request.content_type != FORM:
        raise WrongType(f"This address reads {FORM}, not {request.content_type}.")
    form = _texts(await request.post())
    url = hub(request).public_url + request.raw_path
    if not is_signed(url, form, request.headers.get("X-Twilio-Signature", ""), tokens):
        raise Forbidden("The signature is not that of this hub's provider. The address must be the one that TOCSIN_PUBLIC_URL gives.")
    fields = dict(form)
    missing = tuple(FieldError(f"/{name}", "missing") for name in _NEEDED if name not in fields)
    if missing:
        raise InvalidInput(missing)
    await hub(request).sms.receive(
        Inbound(fields["From"], fields["Body"], id=fields["MessageSid"], answered=bool(fields.get("OptOutType")))
    )
    return web.Response(text=_NOTHING, content_type="text/xml", headers={"Cache-Control": "no-store"})


def auth_tokens(setting: str | None) -> tuple[str, ...]:
    """The accounts' tokens in TOCSIN_SMS."""
    parts = (urlsplit(url) for url in (setting or "").split())
    return tuple(unquote(part.password) for part in parts if part.scheme.lower() in {"http", "https"} and part.password)


def is_signed(url: str, form: Iterable[tuple[str, str]], signature: str, tokens: Iterable[str]) -> bool:
    """Whether one of the tokens made this signature over the address and the form, in a time that tells nothing."""
    signed = url + "".join(f"{name}{value}" for name, value in sorted(set(form)))
    known = [signature_of(signed, token) for token in tokens]
    return any(hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")) for expected in known)


def signature_of(text: str, token: str) -> str:
    """HMAC-SHA1 in base64, as the provider makes it."""
    return base64.b64encode(hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest()).decode()


def _texts(form: MultiMapping[str | bytearray | bytes | web.FileField]) -> list[tuple[str, str]]:
    texts = [(name, value) for name, value in form.items() if isinstance(value, str)]
    if len(texts) != len(form):
        raise BadRequest("The form holds a file.")
    return texts
