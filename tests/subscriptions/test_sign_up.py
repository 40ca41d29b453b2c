"""Signing up (safeguard S25): each address is asked, nothing is active before, and nobody can probe for who is subscribed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from subscriptions.errors import InvalidSubscription, TooManyRequests
from subscriptions.limits import SMS_SIGN_UPS, Limits
from subscriptions.store import sql
from tests.subscriptions.residents import DAY, HOUR, Residents, request

PUSH = {
    "endpoint": "https://push.example.org/send/abc",
    "keys": {
        "p256dh": "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
        "auth": "BTBZMqHH6r4Tts7J_aSIgg",
    },
    "expirationTime": None,
}


async def faults_of(residents: Residents, *channels: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(InvalidSubscription) as caught:
        await residents.enrolment.subscribe(request(channels=list(channels)), client="c", source="test")
    return {error.pointer: error.detail for error in caught.value.errors}


async def test_a_sign_up_is_pending_and_its_address_is_asked(residents: Residents) -> None:
    answer = await residents.subscribe("a@example.org", language="es", places=[{"zip": "11201"}, {"borough": "Bronx"}])
    assert (answer.status, answer.manage, answer.telegram) == ("awaiting_confirmation", None, None)
    [letter] = await residents.letters()
    assert (letter.purpose, letter.channel, letter.language, letter.simulated) == ("confirm", "email", 1, False)
    assert letter.parameters == {"places": "11201, Bronx"}
    assert await residents.rows("SELECT public_id, status FROM subscriber") == [(answer.id, "pending")]
    assert await residents.rows("SELECT state, asked FROM address") == [("unconfirmed", 1)]
    assert residents.post.wakes == 1
    assert (residents.audience_calls, await residents.caught_up()) == (0, [])


async def test_every_kind_of_address_is_asked_before_anything_else_goes_to_it(residents: Residents) -> None:
    channels = [
        {"kind": "email", "address": "a@example.org"},
        {"kind": "sms", "address": "(718) 555-0100"},
        {"kind": "web_push", "subscription": PUSH},
        {"kind": "webhook", "address": "https://hooks.example.org/x"},
        {"kind": "telegram"},
    ]
    answer = await residents.enrolment.subscribe(request(channels=channels), client="c", source="test")
    assert [letter.channel for letter in await residents.letters()] == ["email", "sms", "web_push", "webhook"]
    assert answer.telegram is not None
    assert answer.telegram.startswith("https://t.me/tocsin_test_bot?start=")
    assert set(await residents.column("SELECT state FROM address")) == {"unconfirmed"}


async def test_addresses_are_never_in_the_database_in_clear(residents: Residents) -> None:
    await residents.subscribe("distinctive@example.org")
    assert b"distinctive" not in await residents.on_disk()


async def test_a_known_address_gets_the_same_answer_and_nothing_changes(residents: Residents) -> None:
    unknown = await residents.subscribe("a@example.org")
    await residents.confirm_newest()
    tables = ("SELECT * FROM subscriber WHERE id=1", "SELECT * FROM place WHERE subscriber=1", "SELECT * FROM address WHERE subscriber=1")
    before = [await residents.rows(table) for table in tables]
    known = await residents.subscribe("A@Example.org", places=[{"borough": "Bronx"}])
    assert known.id != unknown.id
    assert (known.status, known.manage, known.telegram) == (unknown.status, unknown.manage, unknown.telegram)
    assert [await residents.rows(table) for table in tables] == before


async def test_a_refused_sign_up_writes_not_one_row(residents: Residents) -> None:
    before = await residents.everything()
    found = await faults_of(residents, {"kind": "email", "address": "no-at-sign"}, {"kind": "pigeon", "address": "x"})
    assert found.keys() == {"/channels/0/address", "/channels/1/kind"}
    assert await residents.everything() == before


@pytest.mark.parametrize(
    ("channel", "pointer", "words"),
    [
        ({"kind": "email", "address": "a@@example.org"}, "/address", "e-mail"),
        ({"kind": "email", "address": "a@example"}, "/address", "e-mail"),
        ({"kind": "sms", "address": "+1 000 000 0000"}, "/address", "number"),
        ({"kind": "sms", "address": "+44 7911 123456"}, "/address", "US only"),
        ({"kind": "sms", "address": "+1 416 555 0100"}, "/address", "US only"),
        ({"kind": "sms"}, "/address", "missing"),
        ({"kind": "webhook", "address": "ftp://x"}, "/address", "https"),
        ({"kind": "web_push", "address": "https://push.example.org"}, "/address", "leave it out"),
        ({"kind": "web_push", "subscription": {"endpoint": "x", "keys": {"p256dh": "x", "auth": "x"}}}, "/subscription", ""),
        ({"kind": "email", "address": "a@example.org", "subscription": PUSH}, "/subscription", "leave it out"),
        ({"kind": "telegram", "address": "123"}, "", "leave it out"),
        ({"kind": "apprise", "address": "mastodon://x"}, "/kind", "can't send apprise now"),
        ({"kind": "emial", "address": "a@example.org"}, "/kind", "Did you mean email?"),
    ],
)
async def test_a_wrong_channel_is_refused_with_how_to_mend_it(
    residents: Residents, channel: dict[str, Any], pointer: str, words: str
) -> None:
    found = await faults_of(residents, channel)
    assert f"/channels/0{pointer}" in found
    assert words in found[f"/channels/0{pointer}"]


async def test_a_refusal_never_repeats_the_address(residents: Residents) -> None:
    found = await faults_of(residents, {"kind": "email", "address": "secret name@@example.org"}, {"kind": "sms", "address": "+1000999888"})
    assert not any("secret" in detail or "999888" in detail for detail in found.values())


async def test_telegram_without_a_connected_bot_is_refused(residents: Residents) -> None:
    residents.bot = None
    assert "bot is not connected" in (await faults_of(residents, {"kind": "telegram"}))["/channels/0/kind"]


async def test_one_address_twice_and_no_or_too_many_channels_are_refused(residents: Residents) -> None:
    twice = await faults_of(residents, {"kind": "email", "address": "a@example.org"}, {"kind": "email", "address": "A@EXAMPLE.org"})
    assert "twice" in twice["/channels/1"]
    assert "/channels" in await faults_of(residents)
    assert "/channels" in await faults_of(residents, *[{"kind": "email", "address": f"a{n}@example.org"} for n in range(11)])


async def test_an_unconfirmed_address_gets_one_letter_a_day_and_three_in_any_thirty_days(residents: Residents) -> None:
    """However often it is signed up, and also when the allowed day begins just before the old one ends."""
    sent, before = [], 0
    for hour in range(0, 24 * 65, 5):
        residents.clock.now = 1_790_000_000.0 + hour * HOUR
        await residents.subscribe("target@example.org")
        (written,) = await residents.column("SELECT count(*) FROM test_letter")
        if written > before:
            sent.append(residents.clock.now)
        before = written
    assert all(later - earlier >= DAY for earlier, later in itertools.pairwise(sent))
    assert all(later - earlier >= 30 * DAY for earlier, later in zip(sent, sent[3:], strict=False))
    assert len(sent) >= 6


async def test_whoever_confirmed_and_left_may_be_asked_again_the_same_day_but_three_times_a_month(residents: Residents) -> None:
    for letters in (1, 2, 3, 3):
        await residents.subscribe("a@example.org")
        assert len(await residents.letters("email")) == letters
        if letters < 3:
            manage = (await residents.confirm_newest()).manage
            assert manage
            await residents.enrolment.end(manage, source="test")


async def test_to_look_at_the_link_gives_no_stranger_another_letter(residents: Residents) -> None:
    await residents.subscribe("target@example.org")
    await residents.enrolment.look_at_confirmation(residents.token("confirm", (await residents.letters())[0]))
    await residents.subscribe("target@example.org")
    assert len(await residents.letters()) == 1


async def test_a_subscriber_cannot_be_pestered_by_strangers_who_sign_them_up(residents: Residents) -> None:
    await residents.resident("a@example.org")
    before = len(await residents.letters())
    for _ in range(20):
        await residents.subscribe("a@example.org", places=[{"borough": "Bronx"}])
    assert len(await residents.letters()) == before + 5


async def test_one_client_may_not_sign_up_without_end(limited: Residents) -> None:
    for number in range(30):
        await limited.subscribe(f"a{number}@example.org")
    with pytest.raises(TooManyRequests) as caught:
        await limited.subscribe("one-more@example.org")
    assert 0 < caught.value.after <= HOUR
    await limited.subscribe("neighbour@example.org", client="203.0.113.9")
    limited.clock.now += HOUR + 1
    await limited.subscribe("one-more@example.org")


async def test_one_address_is_limited_alike_whether_it_is_known_or_not(limited: Residents) -> None:
    await limited.resident("known@example.org")
    for address, so_far in (("known@example.org", 1), ("unknown@example.org", 0)):
        for number in range(so_far, 5):
            await limited.subscribe(address, client=f"192.0.2.{number}")
        with pytest.raises(TooManyRequests):
            await limited.subscribe(address, client="192.0.2.99")


async def test_a_network_that_has_used_up_its_letters_still_signs_up_in_ways_that_write_to_nobody_else(limited: Residents) -> None:
    for number in range(30):
        await limited.subscribe(f"a{number}@example.org")
    with pytest.raises(TooManyRequests):
        await limited.subscribe("honest@example.org")
    own = [{"kind": "telegram"}, {"kind": "web_push", "subscription": PUSH}]
    assert (await limited.enrolment.subscribe(request(channels=own), client="198.51.100.7", source="test")).telegram
    mixed = [{"kind": "telegram"}, {"kind": "email", "address": "honest@example.org"}]
    with pytest.raises(TooManyRequests):
        await limited.enrolment.subscribe(request(channels=mixed), client="198.51.100.7", source="test")


async def test_numbers_of_one_prefix_are_limited_across_clients(limited: Residents) -> None:
    """SMS pumping: many numbers of one exchange, each asked from another address."""
    numbers = [request(channels=[{"kind": "sms", "address": f"+171855501{number:02}"}]) for number in range(31)]
    for number, sign_up in enumerate(numbers[:30]):
        await limited.enrolment.subscribe(sign_up, client=f"192.0.2.{number}", source="test")
    with pytest.raises(TooManyRequests):
        await limited.enrolment.subscribe(numbers[30], client="198.51.100.1", source="test")
    other = request(channels=[{"kind": "sms", "address": "+12125550123"}])
    await limited.enrolment.subscribe(other, client="198.51.100.1", source="test")


async def test_all_numbers_together_are_limited_and_an_e_mail_is_not_held_up_by_them(limited: Residents) -> None:
    """Whatever prefixes and clients an attack has, an hour can't cost more."""
    now = int(limited.clock() * 1000)
    key = Limits(limited.keyring, enabled=True).bucket(SMS_SIGN_UPS, "all")
    async with limited.database.write() as connection:
        await sql.set_buckets(connection, [(key, SMS_SIGN_UPS.count - 1, now + SMS_SIGN_UPS.window_ms)])
    last, beyond = (request(channels=[{"kind": "sms", "address": number}]) for number in ("+17185550123", "+12125550123"))
    await limited.enrolment.subscribe(last, client="192.0.2.1", source="test")
    with pytest.raises(TooManyRequests):
        await limited.enrolment.subscribe(beyond, client="192.0.2.2", source="test")
    await limited.subscribe("a@example.org", client="192.0.2.2")
    limited.clock.now += HOUR
    await limited.enrolment.subscribe(beyond, client="192.0.2.2", source="test")


async def test_limits_keep_neither_addresses_nor_clients(limited: Residents) -> None:
    await limited.subscribe("a@example.org", client="198.51.100.7")
    stored = repr(await limited.rows("SELECT * FROM signup"))
    assert "198.51" not in stored
    assert "example" not in stored
