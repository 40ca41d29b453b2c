"""Telegram: messages of the hub's own bot, by the Bot API.

What the API's answers mean (core.telegram.org/bots/api#making-requests)::

    429 with retry_after                                  TryAgain after that, or after a day
    401, 404 (our token), 409, 5xx, no connection         ProviderFault
    403 (blocked, deactivated)                            OptedOut
    400 "chat not found"                                  Rejected, and the chat is dead
    400 with migrate_to_chat_id, other 400                Rejected
    400 "message is not modified", when it is struck      it is as it should be
    time-out, connection lost, an answer that is no JSON  Uncertain

Two methods of the API are all that is needed, so each message is one POST of ready JSON; aiogram, which the dialogue with people stands on
(`hub/bot`), would build and read models of everything.

A later message about the same alert answers the earlier one, and the earlier one is struck through. Under an alert for one person stands a
button: its press comes to the bot as ``read:REFERENCE``. A group has none, since one member's press says nothing of the others. Nor has it,
or a channel, the link that ends the alerts: whoever can read there could end them for all. Administrators write /stop.
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Callable
from typing import Any, ClassVar

import msgspec
from yarl import URL

from channels.addresses import parse_chat
from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    Limits,
    Message,
    NotConfigured,
    OptedOut,
    ProviderFault,
    Purpose,
    Receipt,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
    slot,
)
from channels.http_client import HttpClient, Timeouts
from channels.http_outcomes import LONGEST_WAIT
from channels.json_body import JsonBody
from channels.telegram_text import shorten

API = "https://api.telegram.org"
TIMEOUT = 30.0
CONNECT_TIMEOUT = 10.0
"""Seconds."""
GROUP_SHARE = 20 / 60
"""Of the one message a second that a person's chat takes: a group takes twenty a minute."""

_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+")
_GONE = ("chat not found", "user not found", "deactivated", "peer_id_invalid", "group chat was deleted")
_STOP_LINK = re.compile(f'(?: · )?<a href="{slot("unsubscribe")}">[^<]*</a>')
"""As the templates write it, with what divides it from the link before it."""
_HEADERS = {"Content-Type": "application/json"}
_OUR_FAULT = frozenset({401, 404, 409})


def read_token(token: str) -> str:
    """TOCSIN_TELEGRAM_TOKEN as it is. Raises NotConfigured."""
    if not _TOKEN.fullmatch(token):
        raise NotConfigured("TOCSIN_TELEGRAM_TOKEN: this is not a token; it looks like 123456789:AAF…")
    return token


class TelegramDraft(msgspec.Struct, frozen=True):
    """The request's JSON but for the chat; its text is HTML of no more shown characters than Telegram takes."""

    body: JsonBody
    for_group: JsonBody
    """Also for a channel: nothing in it does anything to the subscription."""
    strikes: bool
    """Whether it takes the place of an earlier message, instead of being sent."""
    slots: tuple[str, ...]


class _Sent(msgspec.Struct, frozen=True):
    message_id: int


class _Parameters(msgspec.Struct, frozen=True):
    retry_after: float | None = None
    migrate_to_chat_id: int | None = None


class Said(msgspec.Struct, frozen=True):
    """What the API said."""

    ok: bool
    result: _Sent | None = None
    error_code: int = 0
    description: str = ""
    parameters: _Parameters = _Parameters()


_said = msgspec.json.Decoder(Said)
READ = "read"
"""Before the reference of what somebody has read, in what a button sends back."""


class Telegram:
    """Writes to chats that have started the bot."""

    name: ClassVar[str] = "telegram"
    limits: ClassVar[Limits] = Limits(concurrency=64, per_second=30.0, per_second_each=1.0)
    """Telegram lets short bursts pass and then refuses for far longer than the pace would have cost, so that the pace is kept
    (core.telegram.org/bots/faq#broadcasting-to-users)."""

    def __init__(
        self,
        settings: ChannelSettings,
        clock: Callable[[], float] = time.time,
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        """`timeout` in seconds is for one request."""
        if not settings.telegram_token:
            raise NotConfigured("set TOCSIN_TELEGRAM_TOKEN to the token that @BotFather gave")
        token = read_token(settings.telegram_token)
        self._url = f"{str(URL(settings.telegram_api or API)).rstrip('/')}/bot{token}/"
        self._client = HttpClient(Timeouts(connect=min(timeout, CONNECT_TIMEOUT), answer=timeout))

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """The number of a chat."""
        return parse_chat(raw)

    def share_of(self, purpose: Purpose, address: str) -> float:
        """A group, whose number is negative, takes twenty a minute; what strikes through is no message."""
        return 0.0 if purpose == "strike" else GROUP_SHARE if int(address) < 0 else 1.0

    def compose(self, message: Message) -> TelegramDraft:
        """`message.parts` needs ``html``; ``read`` is what stands on the button that confirms."""
        strikes = message.purpose == "strike"
        document: dict[str, Any] = {"parse_mode": "HTML", "link_preview_options": {"is_disabled": True}}
        if not strikes:
            document["disable_notification"] = message.silent
        text = message.parts["html"]
        for_group = JsonBody(document | {"text": shorten(_STOP_LINK.sub("", text).strip())})
        document["text"] = shorten(text.strip())
        body = JsonBody(document)
        if message.reference and "read" in message.parts:
            button = {"text": message.parts["read"], "callback_data": f"{READ}:{message.reference}"}
            body = JsonBody(document | {"reply_markup": {"inline_keyboard": [[button]]}})
        return TelegramDraft(body, for_group, strikes, body.slots)

    async def deliver(self, draft: TelegramDraft, to: Recipient) -> Receipt:
        """One sendMessage, or one editMessageText for what strikes; `provider_id` is the message's number in its chat."""
        chat = int(to.address)
        if draft.strikes and to.earlier is None:
            raise Rejected("there is no message to strike through")
        body = draft.body if chat > 0 else draft.for_group
        stamped = body.stamp({name: html.escape(to.links[name]) for name in body.slots})
        method = "editMessageText" if draft.strikes else "sendMessage"
        whole = _head(chat, to.earlier, strikes=draft.strikes) + stamped[1:]
        answer = await self._client.ask(self._url + method, _HEADERS, whole, to.still)
        try:
            said = _said.decode(answer.body)
        except msgspec.DecodeError:
            raise Uncertain("Telegram gave no answer that can be read") from None
        if said.ok or (draft.strikes and "not modified" in said.description):
            return Receipt(provider_id=str(said.result.message_id) if said.result else None)
        raise verdict(said)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _head(chat: int, earlier: int | None, *, strikes: bool) -> bytes:
    """The beginning of the request's JSON: whose chat, and which earlier message it is about. One that was deleted is not answered."""
    if earlier is None:
        return b'{"chat_id":%d,' % chat
    if strikes:
        return b'{"chat_id":%d,"message_id":%d,' % (chat, earlier)
    return b'{"chat_id":%d,"reply_parameters":{"message_id":%d,"allow_sending_without_reply":true},' % (chat, earlier)


def verdict(said: Said) -> DeliveryFailed:
    """What a refusal means, by the table above."""
    code, words = said.error_code, said.description.lower()
    if code == 429:
        asked = said.parameters.retry_after
        return TryAgain("Telegram said 429", after=min(asked, LONGEST_WAIT) if asked else None)
    if code >= 500 or code in _OUR_FAULT:
        return ProviderFault("Telegram does not know our bot's token" if code in {401, 404} else "Telegram has a fault of its own")
    if code == 403:
        return OptedOut("the person has blocked the bot or left Telegram")
    if said.parameters.migrate_to_chat_id is not None:
        return Rejected("the group has become a supergroup with another number")
    if any(gone in words for gone in _GONE):
        return Rejected("there is no such chat", address_is_dead=True)
    return Rejected("Telegram refused the message")
