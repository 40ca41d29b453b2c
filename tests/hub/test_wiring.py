"""What the parts ask of each other through the wiring."""

from __future__ import annotations

import pytest

from hub.delivery.rate_limit import read_rates
from hub.wiring import Rates
from tests.channels.test_catalog import FULL


@pytest.mark.parametrize(
    ("channel", "simulated", "rate"),
    [("web_push", False, 500.0), ("web_push", True, None), ("webhook", False, None), ("telegram", False, None), ("sms", False, None)],
)
def test_a_rate_for_each_host_is_said_where_many_people_are_at_one_host(channel: str, simulated: bool, rate: float | None) -> None:
    assert Rates(FULL, read_rates("web_push/each=500, telegram/each=2, sms=100")).of_a_host(channel, simulated) == rate
