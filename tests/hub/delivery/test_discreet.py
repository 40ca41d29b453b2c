"""Discreet messages from the first confirmation on (S29): neutral words, no sound, and nothing of the hub, the place or what happened."""

from __future__ import annotations

import re

import pytest

from channels.contract import Message
from channels.stamping import slots_of
from hub.delivery.words.rendering import NEUTRAL, Renderer
from tests.hub.delivery.published import NOW, TEXT_CHANNELS, URL, everything, stored

TELLTALE = re.compile(r"Tocsin|New York|Gowanus|Red Hook|11201|flood|alert|emergency", re.IGNORECASE)


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(URL, "Tocsin", "New York City", NOW.timestamp)


def said(message: Message) -> str:
    """All that can be read on a screen: no tags, and no links, which lead to the hub however it is called."""
    return re.sub(r"<[^>]+>|https?://\S+", "", everything(message))


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
@pytest.mark.parametrize("purpose", ["confirm", "access", "notice"])
def test_a_letter_is_neutral_and_silent_from_the_confirmation_on(renderer: Renderer, channel: str, purpose: str) -> None:
    message = renderer.letter(purpose, channel, "en", {"places": "11201", "notice": "changed"}, discreet=True)
    assert NEUTRAL[purpose] in said(message)
    assert TELLTALE.findall(said(message)) == []
    assert message.silent
    plain = renderer.letter(purpose, channel, "en", {"places": "11201", "notice": "changed"})
    assert TELLTALE.findall(said(plain))
    assert not plain.silent


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
def test_an_alert_is_neutral_and_silent_and_still_can_be_opened(renderer: Renderer, channel: str) -> None:
    message = renderer.alert(stored(), channel, "en", discreet=True)
    assert NEUTRAL["alert"] in said(message)
    assert TELLTALE.findall(said(message).removesuffix("I have read this")) == []
    assert message.silent
    assert message.link.startswith(URL)


@pytest.mark.parametrize("channel", TEXT_CHANNELS)
def test_even_a_discreet_drill_or_test_is_called_one(renderer: Renderer, channel: str) -> None:
    assert "EXERCISE" in said(renderer.alert(stored(status="Exercise"), channel, "en", discreet=True))
    assert "TEST" in said(renderer.letter("notice", channel, "en", {"notice": "test"}, discreet=True))


@pytest.mark.parametrize("channel", ["email", "telegram", "apprise"])
def test_a_discreet_alert_can_be_ended_from_itself(renderer: Renderer, channel: str) -> None:
    assert "unsubscribe" in slots_of(renderer.alert(stored(), channel, "en", discreet=True).parts.values())
