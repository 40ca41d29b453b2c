"""A browser's push address is exchanged: alerts go to the new one, only by whom the old one's secret proves, and nobody learns of it."""

from __future__ import annotations

import base64
import json
import os
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from subscriptions.errors import InvalidSubscription, TooManyRequests
from subscriptions.limits import RENEWALS_OF_CLIENT
from subscriptions.opting_out import Tried
from subscriptions.renewal import read_renewal
from tests.subscriptions.residents import Residents, request

SERVICE = "https://push.example.org"


def browser(path: str, service: str = SERVICE) -> dict[str, Any]:
    """What its `PushSubscription.toJSON()` gives."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key()
    raw = point.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    keys = {"p256dh": base64.urlsafe_b64encode(raw).decode(), "auth": base64.urlsafe_b64encode(os.urandom(16)).decode()}
    return {"endpoint": f"{service}/{path}", "expirationTime": None, "keys": keys}


async def resident(residents: Residents, subscription: dict[str, Any]) -> str:
    """The manage token of somebody who signed up in that browser."""
    wanted = request(channels=[{"kind": "web_push", "subscription": subscription}], topics=["fire"])
    await residents.enrolment.subscribe(wanted, client="198.51.100.7", source="test")
    manage = (await residents.confirm_newest("web_push")).manage
    assert manage is not None
    return manage


async def renew(residents: Residents, old: dict[str, Any], new: dict[str, Any], client: str = "198.51.100.7") -> None:
    document = read_renewal(json.dumps({"old": old, "new": new}).encode())
    await residents.enrolment.renew(document, client=client, source="browser")


async def endpoint(residents: Residents, manage: str) -> str:
    exported = await residents.enrolment.export(manage)
    (one,) = exported.addresses
    return str(json.loads(one.address)["endpoint"])


async def test_the_new_address_takes_the_old_ones_place_and_everything_else_stays(residents: Residents) -> None:
    old, new = browser("old"), browser("new")
    manage = await resident(residents, old)
    before = await residents.enrolment.view(manage)
    await renew(residents, old, new)
    assert await residents.enrolment.view(manage) == before
    assert await endpoint(residents, manage) == new["endpoint"]
    receipts = await residents.rows("SELECT action, channel, source FROM consent ORDER BY id")
    assert receipts[-1] == ("renewed", "web_push", "browser")
    assert b"push.example.org/new" not in await residents.on_disk()


@pytest.mark.parametrize("part", ["p256dh", "auth"])
async def test_who_knows_the_endpoint_alone_changes_nothing(residents: Residents, part: str) -> None:
    old = browser("old")
    manage = await resident(residents, old)
    before = await residents.everything()
    await renew(residents, old | {"keys": old["keys"] | {part: browser("other")["keys"][part]}}, browser("new"))
    assert await residents.everything() == before
    assert await endpoint(residents, manage) == old["endpoint"]


async def test_an_address_that_its_service_called_gone_comes_back_with_its_successor(residents: Residents) -> None:
    old, new = browser("old"), browser("new")
    manage = await resident(residents, old)
    await residents.close(await residents.column("SELECT id FROM address"))
    await renew(residents, old, new)
    assert [channel.state for channel in (await residents.enrolment.view(manage)).channels] == ["active"]
    assert await endpoint(residents, manage) == new["endpoint"]


async def sealed(residents: Residents) -> bytes:
    return (await residents.column("SELECT sealed FROM address"))[0]


@pytest.mark.parametrize("renewed", [True, False])
async def test_a_late_word_that_the_old_address_is_gone_says_nothing_of_its_successor(residents: Residents, renewed: bool) -> None:
    old, new = browser("old"), browser("new")
    manage = await resident(residents, old)
    tried = await sealed(residents)
    if renewed:
        await renew(residents, old, new)
        assert await residents.caught_up() == [1, 1]  # by its confirmation, and now
    await residents.enrolment.close_tried([Tried(1, tried, residents.clock()), Tried(999, tried, residents.clock())])
    states = [channel.state for channel in (await residents.enrolment.view(manage)).channels]
    assert states == (["active"] if renewed else ["dead"])
    assert await residents.caught_up() == ([1, 1, 1] if renewed else [1])


async def test_an_address_that_was_ended_stays_ended(residents: Residents) -> None:
    old = browser("old")
    await residents.enrolment.end(await resident(residents, old), source="web")
    before = await residents.everything()
    await renew(residents, old, browser("new"))
    assert await residents.everything() == before


async def test_nobody_takes_anothers_address(residents: Residents) -> None:
    mine, theirs = browser("mine"), browser("theirs")
    manage, other = await resident(residents, mine), await resident(residents, theirs)
    await renew(residents, mine, theirs)
    assert await endpoint(residents, manage) == mine["endpoint"]
    assert await endpoint(residents, other) == theirs["endpoint"]


@pytest.mark.parametrize(
    ("service", "other"),
    [
        (SERVICE, "https://elsewhere.example"),
        (SERVICE, "https://other.example.org"),
        (SERVICE, f"{SERVICE}:8443"),
        ("https://wns2-par02p.notify.windows.com", "https://notify.windows.com.elsewhere.example"),
        ("https://wns2-par02p.notify.windows.com", "https://xnotify.windows.com"),
        ("https://wns2-par02p.notify.windows.com", "https://wns2-db5p.notify.windows.com:8443"),
        ("https://wns2-par02p.notify.windows.com", "https://web.push.apple.com"),
    ],
)
async def test_the_successor_is_at_the_push_service_that_proved_itself(residents: Residents, service: str, other: str) -> None:
    old = browser("old", service)
    await resident(residents, old)
    with pytest.raises(InvalidSubscription) as refused:
        await renew(residents, old, browser("new", other))
    assert [error.pointer for error in refused.value.errors] == ["/new/endpoint"]


@pytest.mark.parametrize(
    ("service", "other"),
    [
        ("https://wns2-par02p.notify.windows.com", "https://wns2-db5p.notify.windows.com"),
        ("https://web.push.apple.com", "https://api.push.apple.com"),
        (SERVICE, f"{SERVICE}:443"),
    ],
)
async def test_a_push_service_may_move_a_browser_between_its_own_hosts(residents: Residents, service: str, other: str) -> None:
    old = browser("old", service)
    manage = await resident(residents, old)
    await renew(residents, old, browser("new", other))
    assert (await endpoint(residents, manage)).startswith(other.removesuffix(":443"))


async def test_what_is_no_push_subscription_is_named_at_its_place(residents: Residents) -> None:
    with pytest.raises(InvalidSubscription) as refused:
        await renew(residents, browser("old"), browser("new") | {"keys": {"p256dh": "AAAA", "auth": "AAAA"}})
    assert [error.pointer for error in refused.value.errors] == ["/new"]


async def test_one_client_can_not_go_on_and_on(limited: Residents) -> None:
    old, new = browser("old"), browser("new")
    for _ in range(RENEWALS_OF_CLIENT.count):
        await renew(limited, old, new)
    with pytest.raises(TooManyRequests):
        await renew(limited, old, new)
    await renew(limited, old, new, client="203.0.113.9")
