"""What an e-mail address, a phone number and a Telegram chat look like, without loading the libraries that reach them."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

import email_validator
import phonenumbers

from channels.contract import InvalidAddress

DEFAULT_REGION = "US"
"""ISO 3166 country whose numbers may be written without a country code."""

_PLAIN_LOCAL = re.compile(r"[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
"""What nearly every address has before its ``@``, of which nothing can be wrong but its length."""
_LONGEST_PLAIN, _LONGEST_LOCAL = 200, 64

_CHAT = re.compile(r"-?[1-9][0-9]{0,15}")


_COSTLY = frozenset({phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST})


def parse_email(raw: str) -> str:
    """``local@domain`` with the domain in lower-case ASCII (IDNA 2008); the local part is kept as written (RFC 5321 §2.4). No DNS."""
    text = raw.strip()
    local, _, domain = text.rpartition("@")
    if text.isascii() and len(text) <= _LONGEST_PLAIN and len(local) <= _LONGEST_LOCAL and _PLAIN_LOCAL.fullmatch(local):
        return f"{local}@{_domain(domain)}"
    return _checked(text)


@lru_cache(4_096)
def _domain(domain: str) -> str:
    """The same few take most sign-ups, and checking a name letter by letter takes longer than keeping one. Raises InvalidAddress."""
    return _checked(f"a@{domain}").removeprefix("a@")


def _checked(text: str) -> str:
    try:
        found = email_validator.validate_email(text, check_deliverability=False, strict=True)
    except email_validator.EmailNotValidError as error:
        raise InvalidAddress(f"this is not an e-mail address: {_without_quotes(str(error))} Write it as name@example.org") from None
    return f"{found.local_part}@{found.ascii_domain.lower()}"


def parse_phone(raw: str) -> str:
    """E.164, e.g. ``+17185550100``; without a country code it is read as a number of DEFAULT_REGION."""
    try:
        number = phonenumbers.parse(raw, DEFAULT_REGION)
    except phonenumbers.NumberParseException:
        raise InvalidAddress("this is not a phone number; write it with its country code, for instance +1 718 555 0100") from None
    if number.extension or not (phonenumbers.is_possible_number(number) and phonenumbers.is_valid_number(number)):
        raise InvalidAddress("no phone has this number; check its digits and its country code, for instance +1 718 555 0100")
    if phonenumbers.number_type(number) in _COSTLY:
        raise InvalidAddress("this number charges whoever writes to it; give a mobile number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def parse_chat(raw: str) -> str:
    """The number of a Telegram chat (negative for groups), as the bot sees it; names can't be written to."""
    text = raw.strip()
    if not _CHAT.fullmatch(text):
        raise InvalidAddress("a Telegram chat is a whole number; open the bot and press Start instead of typing it")
    return text


def _without_quotes(sentence: str) -> str:
    """A library's sentence may quote what was typed; an address is never repeated."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", sentence).strip()


def is_loopback(host: str) -> bool:
    """Whether a host, by name or address, is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
