"""What the bot answers. It takes three commands; whatever else is said to it, it says at once that nobody is watching (safeguard S27)."""

from __future__ import annotations

from typing import Protocol

from hub.bot.words import Words

CHANNEL = "telegram"


class Service(Protocol):
    """The part of `subscriptions.enrolment.Enrolment` that a chat can reach."""

    async def attach_telegram(self, start_token: str, chat: str) -> bool: ...
    async def end_address(self, channel: str, canonical: str, *, source: str) -> bool: ...


class Dialog:
    """Text of a private chat → answer."""

    def __init__(self, service: Service, words: Words, hub_name: str, subscribe_url: str) -> None:
        self._service, self._words = service, words
        self._values = {"hub": hub_name, "url": subscribe_url}

    async def answer(self, chat: str, text: str, language: str) -> str:
        """The answer in the reader's language (any BCP 47 tag)."""
        command, _, rest = text.strip().partition(" ")
        # A command may be addressed to one bot of several: /stop@tocsin_bot (core.telegram.org/bots/features#commands).
        match command.partition("@")[0].lower():
            case "/start" if rest.strip():
                message = await self._start(chat, rest.strip())
            case "/start":
                message = "%(hub)s sends city alerts for your places. Choose them here, with Telegram as your channel: %(url)s"
            case "/stop":
                await self._service.end_address(CHANNEL, chat, source=CHANNEL)
                # The same words whether or not there was something to end.
                message = "Stopped. %(hub)s sends nothing more to this chat. To start again: %(url)s"
            case _:
                return self._say("Nobody is watching this. Call or text 911.", language)
        return self._say(message, language)

    async def _start(self, chat: str, token: str) -> str:
        if await self._service.attach_telegram(token, chat):
            return "Done. Alerts for your places come to this chat from now on. Send /stop to end them."
        return "This link has been used or is too old. Sign up again to get a new one: %(url)s"

    def _say(self, message: str, language: str) -> str:
        return self._words.say(message, language, self._values)
