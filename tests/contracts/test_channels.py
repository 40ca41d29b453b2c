"""The contract of a channel, kept by each of them. A new channel is one more row in ROWS."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest

from channels.contract import SLOT_NAMES, Channel, DeliveryFailed, Draft, InvalidAddress, Receipt, Recipient, Rejected, TryAgain, Uncertain
from tests.contracts.channel_contract import SCRIPTS, WAIT, ChannelRow, Trouble
from tests.contracts.http_rows import AllowedWebhookRow, WebhookRow, WebPushRow
from tests.contracts.message_rows import AppriseRow, AppriseSmsRow, EmailRow, HttpSmsRow, OutboxRow, SmsRow, TelegramRow

ROWS: tuple[type[ChannelRow], ...] = (
    WebPushRow,
    WebhookRow,
    AllowedWebhookRow,
    EmailRow,
    SmsRow,
    AppriseSmsRow,
    HttpSmsRow,
    TelegramRow,
    AppriseRow,
    OutboxRow,
)


def row_name(kind: type[ChannelRow]) -> str:
    return kind.__name__.removesuffix("Row")


def rows_with(trouble: Trouble) -> list[type[ChannelRow]]:
    return [kind for kind in ROWS if trouble in kind.troubles]


def addresses(field: str) -> list[object]:
    return [pytest.param(kind, raw, id=f"{row_name(kind)}-{number}") for kind in ROWS for number, raw in enumerate(getattr(kind, field))]


every_row = pytest.mark.parametrize("kind", ROWS, ids=row_name)


@pytest.fixture
async def row(kind: type[ChannelRow]) -> AsyncIterator[ChannelRow]:
    async with kind() as opened:
        yield opened


@pytest.fixture
async def channel(row: ChannelRow) -> AsyncIterator[Channel]:
    opened = row.open()
    yield opened
    await opened.aclose()


def recipient(row: ChannelRow, draft: Draft, number: int = 1, delivery_id: str | None = None) -> Recipient:
    links = {name: f"https://alerts.example/{name}/{number}?a=1&b=2" for name in draft.slots}
    return Recipient(delivery_id=delivery_id or f"dlv_{number}", address=row.someone(), links=links)


@every_row
def test_a_channel_is_what_the_contract_says(kind: type[ChannelRow]) -> None:
    assert isinstance(kind.channel, Channel)
    assert kind.channel.name == kind.channel.name.lower()
    assert kind.channel.limits.concurrency > 0


@pytest.mark.parametrize(("kind", "raw"), addresses("good"))
def test_parsing_an_address_is_pure_and_idempotent(kind: type[ChannelRow], raw: str) -> None:
    canonical = kind.channel.parse_address(raw)
    assert kind.channel.parse_address(canonical) == canonical == kind.channel.parse_address(raw)


@pytest.mark.parametrize(("kind", "pair"), addresses("same"))
def test_two_spellings_of_one_address_are_one_address(kind: type[ChannelRow], pair: tuple[str, str]) -> None:
    assert kind.channel.parse_address(pair[0]) == kind.channel.parse_address(pair[1])


@pytest.mark.parametrize(("kind", "raw"), addresses("bad"))
def test_what_is_no_address_is_refused_with_a_sentence_that_does_not_repeat_it(kind: type[ChannelRow], raw: str) -> None:
    with pytest.raises(InvalidAddress) as refusal:
        kind.channel.parse_address(raw)
    assert len(str(refusal.value).split()) > 4
    assert "secret" not in str(refusal.value)
    assert not raw or raw not in str(refusal.value)
    assert refusal.value.__cause__ is None


@every_row
async def test_one_draft_reaches_many_each_with_their_own_links(row: ChannelRow, channel: Channel) -> None:
    draft = channel.compose(row.message("Boil water."))
    people = [recipient(row, draft, number) for number in range(5)]
    receipts = await asyncio.gather(*(channel.deliver(draft, person) for person in people))
    assert all(isinstance(receipt, Receipt) for receipt in receipts)
    arrivals = await row.arrived()
    assert len(arrivals) == 5
    for person in people:
        for link in person.links.values():
            assert sum(link in arrival.text for arrival in arrivals) == 1


@every_row
@pytest.mark.parametrize("language", SCRIPTS)
async def test_text_arrives_unharmed(row: ChannelRow, channel: Channel, language: str) -> None:
    text = SCRIPTS[language]
    draft = channel.compose(row.message(text, language=language if language != "emoji" else "en"))
    await channel.deliver(draft, recipient(row, draft))
    (arrival,) = await row.arrived()
    assert row.as_read(text) in arrival.text


@every_row
@pytest.mark.parametrize("purpose", ["alert", "confirm", "access", "notice"])
async def test_no_slot_is_left_unstamped(row: ChannelRow, channel: Channel, purpose: str) -> None:
    draft = channel.compose(row.message(purpose=purpose))
    assert set(draft.slots) <= set(SLOT_NAMES)
    await channel.deliver(draft, recipient(row, draft))
    (arrival,) = await row.arrived()
    assert not any(mark in arrival.wire for mark in ("\x02", "\x03", "\\u0002", "\\u0003"))


@pytest.mark.parametrize("kind", [kind for kind in ROWS if kind.stamps], ids=row_name)
async def test_a_draft_without_its_links_is_an_error_and_sends_nothing(row: ChannelRow, channel: Channel) -> None:
    draft = channel.compose(row.message())
    with pytest.raises(KeyError):
        await channel.deliver(draft, Recipient(delivery_id="dlv_1", address=row.someone()))
    assert await row.arrived() == []


@every_row
async def test_nothing_in_a_message_can_add_a_header(row: ChannelRow, channel: Channel) -> None:
    break_out = "x\r\nX-Injected: 1\r\n\r\nX-Injected: 2"
    message = row.message(break_out, topic=break_out, link=f"https://alerts.example/{break_out}")
    draft = channel.compose(message)
    await channel.deliver(draft, recipient(row, draft))
    (arrival,) = await row.arrived()
    assert "x-injected" not in arrival.headers


@every_row
async def test_a_delivery_id_can_not_add_a_header(row: ChannelRow, channel: Channel) -> None:
    draft = channel.compose(row.message())
    with suppress(Rejected):
        await channel.deliver(draft, recipient(row, draft, delivery_id="d\r\nX-Injected: 1"))
    assert not any("x-injected" in arrival.headers for arrival in await row.arrived())


@pytest.mark.parametrize("kind", rows_with("refuses"), ids=row_name)
async def test_a_peer_that_does_not_listen_is_tried_again(row: ChannelRow, channel: Channel) -> None:
    draft = channel.compose(row.message())
    person = recipient(row, draft)
    await row.suffer("refuses")
    with pytest.raises(TryAgain) as failure:
        await channel.deliver(draft, person)
    assert_discreet(failure.value, person)


@pytest.mark.parametrize("kind", rows_with("hangs"), ids=row_name)
async def test_a_peer_that_never_answers_leaves_it_open_whether_it_arrived(row: ChannelRow) -> None:
    row.answer_seconds = 0.2
    channel = row.open()
    draft = channel.compose(row.message())
    person = recipient(row, draft)
    await row.suffer("hangs")
    with pytest.raises((Uncertain, TryAgain)) as failure:
        await channel.deliver(draft, person)
    await channel.aclose()
    assert_discreet(failure.value, person)


@pytest.mark.parametrize("kind", rows_with("busy"), ids=row_name)
async def test_a_busy_peer_is_tried_again_when_it_wishes(row: ChannelRow, channel: Channel) -> None:
    draft = channel.compose(row.message())
    person = recipient(row, draft)
    await row.suffer("busy")
    with pytest.raises(TryAgain) as failure:
        await channel.deliver(draft, person)
    assert failure.value.after in {None, WAIT}
    assert_discreet(failure.value, person)


@pytest.mark.parametrize("kind", rows_with("gone"), ids=row_name)
async def test_an_address_that_is_gone_is_dead(row: ChannelRow, channel: Channel) -> None:
    draft = channel.compose(row.message())
    person = recipient(row, draft)
    await row.suffer("gone")
    with pytest.raises(Rejected) as failure:
        await channel.deliver(draft, person)
    assert failure.value.address_is_dead
    assert_discreet(failure.value, person)


@pytest.mark.parametrize("kind", rows_with("no"), ids=row_name)
async def test_a_final_no_leaves_the_address_alone(row: ChannelRow, channel: Channel) -> None:
    draft = channel.compose(row.message())
    person = recipient(row, draft)
    await row.suffer("no")
    with pytest.raises(Rejected) as failure:
        await channel.deliver(draft, person)
    assert not failure.value.address_is_dead
    assert_discreet(failure.value, person)


@every_row
async def test_closing_closes_everything_and_may_be_repeated(row: ChannelRow) -> None:
    channel = row.open()
    draft = channel.compose(row.message())
    await channel.deliver(draft, recipient(row, draft))
    await channel.aclose()
    await row.hung_up()
    await channel.aclose()
    # A socket that was left open warns when it is collected, and warnings are errors.
    gc.collect()


@every_row
async def test_a_channel_that_was_never_used_closes_too(row: ChannelRow) -> None:
    await row.open().aclose()
    gc.collect()


def assert_discreet(failure: DeliveryFailed, person: Recipient) -> None:
    """A reason goes to logs and pages: one short line without the address or what the peer wrote about it."""
    assert str(failure) == failure.reason
    assert len(failure.reason) < 100
    assert "\n" not in failure.reason
    assert person.address not in failure.reason
    assert "secret" not in failure.reason
    # What led to it names the address, so it stays out of tracebacks.
    assert failure.__cause__ is None
    assert failure.__suppress_context__ or failure.__context__ is None
