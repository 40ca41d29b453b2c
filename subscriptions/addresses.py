"""Addresses: what a resident writes, parsed by the channel it is for, and how one is shown to its own owner."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec
import phonenumbers

from subscriptions.documents import Faults
from subscriptions.subscriber import CHANNELS_AT_MOST, ChannelRequest, one_of
from subscriptions.vault import Keyring

KINDS = ("email", "sms", "web_push", "telegram", "apprise", "webhook")
TYPED_KINDS = ("email", "sms", "webhook", "apprise")
"""Those whose address a person can write down, in the order in which a text is tried."""

Parser = Callable[[str], str]
"""Text → canonical form. Raises ValueError that says how to mend it and never repeats the address."""


class NewAddress(msgspec.Struct, frozen=True):
    """A parsed address. `canonical` is None for Telegram, whose chat is known only when the person presses Start."""

    channel: str
    canonical: str | None
    lookup: bytes

    def __repr__(self) -> str:
        return f"<NewAddress {self.channel}>"


class AddressBook(msgspec.Struct, frozen=True):
    """What is needed to read addresses: one parser per channel, what this hub can send, and where SMS may go."""

    keyring: Keyring
    parsers: Mapping[str, Parser]
    available: Callable[[], frozenset[str]]
    sms_countries: frozenset[str]
    bot_name: Callable[[], str | None]

    def read_all(self, requests: tuple[ChannelRequest, ...], pointer: str, faults: Faults) -> list[NewAddress]:
        """The addresses of a request, faults noted."""
        if not 1 <= len(requests) <= CHANNELS_AT_MOST:
            faults.add(pointer, f"name from 1 to {CHANNELS_AT_MOST} channels: {', '.join(KINDS)}")
        found: dict[bytes, NewAddress] = {}
        for index, request in enumerate(requests[:CHANNELS_AT_MOST]):
            address = self._read(request, f"{pointer}/{index}", faults)
            if address is not None and address.lookup in found:
                faults.add(f"{pointer}/{index}", "this address stands here twice: leave one")
            elif address is not None:
                found[address.lookup] = address
        return list(found.values())

    def find(self, text: str) -> NewAddress | None:
        """What a person typed without saying which channel it is, None when it can be no address."""
        for channel in TYPED_KINDS:
            try:
                return self.parse(channel, text)
            except ValueError:
                continue
        return None

    def parse(self, channel: str, text: str) -> NewAddress:
        """Raises ValueError when the text can't be an address of the channel, or may not be one here."""
        if channel not in self.parsers:
            raise ValueError(f"this hub has no {channel}")
        canonical = self.parsers[channel](text)
        if channel == "sms":
            _check_country(canonical, self.sms_countries)
        return NewAddress(channel, canonical, self.lookup(channel, canonical))

    def lookup(self, channel: str, canonical: str) -> bytes:
        """The keyed hash by which an address is found."""
        return lookup_of(self.keyring, channel, canonical)

    def _read(self, request: ChannelRequest, pointer: str, faults: Faults) -> NewAddress | None:
        if request.kind not in KINDS:
            faults.add(f"{pointer}/kind", one_of("channel", request.kind, KINDS))
            return None
        if request.kind not in self.available():
            faults.add(f"{pointer}/kind", f"this hub can't send {request.kind} now: choose one of {', '.join(sorted(self.available()))}")
            return None
        if request.kind == "telegram":
            return self._telegram(request, pointer, faults)
        wanted, other = ("subscription", "address") if request.kind == "web_push" else ("address", "subscription")
        if getattr(request, other) is not None:
            faults.add(f"{pointer}/{other}", f"does not go with {request.kind}: leave it out")
        given = getattr(request, wanted)
        if given is None:
            faults.add(f"{pointer}/{wanted}", "missing")
            return None
        return self._parse(
            request.kind, given if isinstance(given, str) else msgspec.json.encode(given).decode(), f"{pointer}/{wanted}", faults
        )

    def _parse(self, channel: str, text: str, pointer: str, faults: Faults) -> NewAddress | None:
        try:
            return self.parse(channel, text)
        except ValueError as error:
            faults.add(pointer, str(error))
            return None

    def _telegram(self, request: ChannelRequest, pointer: str, faults: Faults) -> NewAddress | None:
        if request.address is not None or request.subscription is not None:
            faults.add(pointer, "Telegram has no address here: leave it out and open the link that the answer gives")
        if self.bot_name() is None:
            faults.add(f"{pointer}/kind", "this hub's Telegram bot is not connected: choose another channel")
            return None
        # Nothing to find it by until the chat is known; random, so that it equals no other.
        return NewAddress("telegram", None, secrets.token_bytes(32))


def lookup_of(keyring: Keyring, channel: str, canonical: str) -> bytes:
    """The keyed hash by which an address is found. Mailboxes that differ in case only are one in practice (RFC 5321 §2.4)."""
    return keyring.lookup(channel, canonical.casefold() if channel.endswith("email") else canonical)


def _check_country(number: str, allowed: frozenset[str]) -> None:
    country = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    if country not in allowed:
        raise ValueError(f"SMS goes to numbers of {', '.join(sorted(allowed))} only here: choose another channel")


def hint(channel: str, canonical: str) -> str:
    """Enough of an address for its owner to tell it from another, and no more."""
    match channel:
        case "email":
            local, _, domain = canonical.rpartition("@")
            return f"{local[:1]}…@{domain}"
        case "sms":
            return f"…{canonical[-2:]}"
        case "webhook":
            return urlsplit(canonical).hostname or "webhook"
        case "apprise":
            return canonical.partition(":")[0]
        case _:
            return ""
