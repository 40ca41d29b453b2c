"""What the parts ask of each other through the wiring."""

from __future__ import annotations

import pytest

from hub.delivery.in_use import KEPT_S, InUse, body
from hub.delivery.rate_limit import read_rates
from hub.wiring import Rates
from tests.channels.test_catalog import FULL


@pytest.mark.parametrize(
    ("channel", "simulated", "rate"),
    [("web_push", False, 500.0), ("web_push", True, None), ("webhook", False, None), ("telegram", False, None), ("sms", False, None)],
)
def test_a_rate_for_each_host_is_said_where_many_people_are_at_one_host(channel: str, simulated: bool, rate: float | None) -> None:
    assert Rates(FULL, read_rates("web_push/each=500, telegram/each=2, sms=100")).of_a_host(channel, simulated) == rate


@pytest.mark.parametrize(
    ("chosen", "in_use", "rate"),
    [
        ("email=100, email:2=5", [1], 100.0),
        ("email=100, email:2=5", [2], 5.0),
        ("email=100, email:2=5", [3], 100.0),
        ("email=100, email:2=5", [1, 2], 5.0),
        ("email:2=5", [1], None),
        ("email:2=5", [2], 5.0),
        ("email=100, email:2=0", [2], None),
    ],
)
def test_the_rate_of_a_channel_is_that_of_the_provider_in_use(chosen: str, in_use: list[int], rate: float | None) -> None:
    rates = Rates(FULL, read_rates(chosen, {"email": 3}), lambda _: in_use)
    assert (rates("email", False), rates("email", True)) == (rate, None)
    assert set(rates.of_providers()) == {"email", "email:2"}
    assert Rates(FULL, read_rates("email=100")).of_providers() == {}


def test_what_is_in_use_is_forgotten_when_nobody_says_it_any_more() -> None:
    now = [100.0]
    in_use = InUse(lambda: now[0])
    in_use.heard(body({"email": 2, "sms": 3}))
    in_use.heard(b"")
    in_use.heard(b"fax \xff: email:two")
    assert (list(in_use("email")), list(in_use("sms")), list(in_use("webhook"))) == ([2], [3], [1])
    now[0] += KEPT_S
    in_use.heard(body({"email": 3}))
    assert sorted(in_use("email")) == [2, 3]
    now[0] += 1.0
    assert (list(in_use("email")), list(in_use("sms"))) == ([3], [1])
