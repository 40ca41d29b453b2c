"""The outbox keeps exactly what a person would have got."""

import json

import pytest

from channels.contract import ChannelSettings, InvalidAddress, Message, Recipient, slot
from channels.outbox import Outbox

SETTINGS = ChannelSettings(public_url="https://alerts.example")
MESSAGE = Message(
    purpose="alert",
    topic="a1",
    language="es",
    severity="Severe",
    parts={"text": f"Agua. {slot('why')}", "html": f'<a href="{slot("unsubscribe")}">Baja</a>'},
    link="https://alerts.example/alerts/a1",
    sent_at=0,
    expires_at=60,
    data='{"id": "a1"}',
)
LINKS = {"why": "https://alerts.example/why/T", "unsubscribe": "https://alerts.example/u?t=T&x=1"}


async def test_the_copy_holds_the_parts_with_this_persons_links_and_no_address() -> None:
    outbox = Outbox("email", SETTINGS)
    draft = outbox.compose(MESSAGE)
    receipt = await outbox.deliver(draft, Recipient(delivery_id="d1", address="ann@example.org", links=LINKS))
    assert receipt.simulated
    assert json.loads(receipt.copy or "") == {
        "channel": "email",
        "purpose": "alert",
        "language": "es",
        "severity": "Severe",
        "status": "Actual",
        "silent": False,
        "link": "https://alerts.example/alerts/a1",
        "data": '{"id": "a1"}',
        "parts": {"text": "Agua. https://alerts.example/why/T", "html": '<a href="https://alerts.example/u?t=T&amp;x=1">Baja</a>'},
    }


def test_it_asks_for_the_links_that_the_parts_name() -> None:
    assert Outbox("email", SETTINGS).compose(MESSAGE).slots == ("why", "unsubscribe")


def test_an_empty_address_is_refused() -> None:
    with pytest.raises(InvalidAddress):
        Outbox.parse_address("  ")
