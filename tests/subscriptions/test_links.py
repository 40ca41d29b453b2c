"""Links in messages: authentic or refused, one purpose each, and nothing of the person in them."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as some

from subscriptions.errors import LinkInvalid
from subscriptions.links import PATHS, LinkClaims, Links

LINKS = Links(b"k" * 32, "https://alerts.example/")
NUMBERS = some.integers(0, 2**63 - 1)


@given(NUMBERS, NUMBERS, some.integers(0, 2**32 - 1), NUMBERS, some.sampled_from([*PATHS, "start"]))
def test_what_was_said_is_read_again(subscriber: int, address: int, epoch: int, subject: int, purpose: str) -> None:
    token = LINKS.token(purpose, subscriber, address, epoch, subject)
    assert LINKS.read(purpose, token) == LinkClaims(subscriber, address, epoch, subject)
    # Telegram takes at most 64 of these characters in a deep link.
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", token)


@given(some.integers(0, 58), some.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_a_token_with_any_character_changed_is_refused(place: int, letter: str) -> None:
    token = LINKS.token("unsubscribe", 7, 8, 9)
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(LinkInvalid):
            LINKS.read("unsubscribe", changed)


@pytest.mark.parametrize("text", ["", "x", "é" * 59, "=" * 59, "A" * 59, "A" * 10_000, "\0" * 59])
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(LinkInvalid):
        LINKS.read("why", text)


def test_a_token_works_for_its_own_purpose_and_hub_only() -> None:
    token = LINKS.token("why", 1, 2, 3)
    for links, purpose in (
        (LINKS, "unsubscribe"),
        (LINKS, "confirm"),
        (LINKS, "access"),
        (Links(b"o" * 32, "https://alerts.example"), "why"),
    ):
        with pytest.raises(LinkInvalid):
            links.read(purpose, token)


def test_addresses_of_the_pages() -> None:
    assert LINKS.url("access", 1, 2, 3) == f"https://alerts.example/manage/{LINKS.token('access', 1, 2, 3)}"
    assert LINKS.page("confirm", "T") == "https://alerts.example/confirm/T"
    assert LINKS.telegram("bot", 1, 2, 3) == f"https://t.me/bot?start={LINKS.token('start', 1, 2, 3)}"
    assert "k" * 8 not in repr(LINKS)
