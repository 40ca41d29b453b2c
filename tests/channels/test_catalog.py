"""Which adapter serves a channel, and where its messages go."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from channels import catalog
from channels.contract import Channel, ChannelSettings, Hosted, InvalidAddress, NotConfigured
from channels.failover import Failover
from channels.outbox import Outbox
from channels.vapid import create_vapid_key

BARE = ChannelSettings(public_url="https://alerts.example")
FULL = ChannelSettings(
    public_url="https://alerts.example",
    smtp="smtp://127.0.0.1:9",
    sms="smpp://hub:secret@127.0.0.1:9",
    telegram_token="1:secret",
    vapid_private_key=create_vapid_key(),
    vapid_subject="mailto:alerts@alerts.example",
    webhook_key=bytes(32),
)
EXAMPLES = {
    "email": "ann@example.org",
    "sms": "+17185550100",
    "telegram": "1000001",
    "apprise": "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
    "webhook": "https://hooks.example.org/a",
}


def changed(base: ChannelSettings, **changes: Any) -> ChannelSettings:
    return ChannelSettings(**({field: getattr(base, field) for field in base.__struct_fields__} | changes))


@pytest.mark.parametrize("name", catalog.KINDS)
async def test_each_channel_opens_under_its_own_name_with_the_rate_that_the_table_says(name: str) -> None:
    channel = catalog.open_channel(name, FULL)
    assert isinstance(channel, Channel)
    assert channel.name == name
    assert channel.limits.per_second == catalog.per_second(name)
    assert channel.limits.per_second_each == catalog.per_second_each(name)
    assert (isinstance(channel, Hosted) and channel.one_rate_a_host) == (name in catalog.HOSTED)
    await channel.aclose()


@pytest.mark.parametrize(
    ("urls", "kinds"),
    [
        ("smpp://hub:secret@127.0.0.1:9", ["SmppSms"]),
        ("json://127.0.0.1:9", ["AppriseSms"]),
        ("https://AC1:secret@api.example.org", ["HttpSms"]),
        (" SMPP://hub:secret@127.0.0.1:9\n\tjson://127.0.0.1:9  https://AC1:secret@api.example.org ", ["SmppSms", "AppriseSms", "HttpSms"]),
    ],
)
async def test_the_scheme_of_each_sms_url_says_which_adapter_serves_it(urls: str, kinds: list[str]) -> None:
    channel = catalog.open_channel("sms", changed(FULL, sms=urls, sms_from="62262"))
    assert isinstance(channel, Failover)
    assert [type(provider).__name__ for _, provider, _ in channel._providers] == kinds
    assert channel.name == "sms"
    await channel.aclose()


@pytest.mark.parametrize(
    ("name", "settings", "simulated", "via"),
    [
        ("email", BARE, False, "none"),
        ("email", changed(BARE, outbox=True), False, "outbox"),
        ("email", FULL, False, "real"),
        ("email", FULL, True, "outbox"),
        ("web_push", BARE, False, "real"),
        ("web_push", BARE, True, "outbox"),
        ("webhook", BARE, False, "real"),
        ("apprise", changed(BARE, outbox=True), False, "real"),
    ],
)
async def test_where_a_message_goes(name: str, settings: ChannelSettings, simulated: bool, via: catalog.Via) -> None:
    assert catalog.provider_for(name, settings, simulated) == via
    if via == "none":
        with pytest.raises(NotConfigured, match="TOCSIN_SMTP"):
            catalog.open_for(name, settings, simulated=simulated)
    elif via == "outbox":
        assert isinstance(catalog.open_for(name, settings, simulated=simulated), Outbox)


def test_residents_are_offered_what_has_a_provider_or_the_outbox() -> None:
    assert catalog.available(BARE) == {"web_push", "apprise", "webhook"}
    assert catalog.available(FULL) == catalog.available(changed(BARE, outbox=True)) == set(catalog.KINDS)


@pytest.mark.parametrize(("name", "address"), EXAMPLES.items())
def test_the_light_parser_and_the_adapter_read_an_address_alike(name: str, address: str) -> None:
    channel = catalog.open_channel(name, FULL)
    assert catalog.parse_address(name, f" {address} ") == address == channel.parse_address(f" {address} ")
    assert catalog.parsers()[name](address) == catalog.resident_parsers(BARE)[name](address) == address


def test_staff_and_residents_differ_in_the_services_of_apprise() -> None:
    address = "json://127.0.0.1:8080/x"
    assert catalog.parsers()["apprise"](address) == address
    with pytest.raises(InvalidAddress):
        catalog.resident_parsers(BARE)["apprise"](address)
    assert catalog.resident_parsers(changed(BARE, allow_private=True))["apprise"](address) == address


def test_an_unknown_channel_is_an_error() -> None:
    with pytest.raises(KeyError):
        catalog.parse_address("fax", "1")


def test_reading_addresses_and_offering_channels_loads_no_heavy_library() -> None:
    """aiogram costs 165 MB."""
    code = (
        "import sys; from channels import catalog\n"
        "for name, address in [('email', 'a@example.org'), ('sms', '+17185550100'), ('telegram', '1')]:\n"
        "    catalog.parse_address(name, address)\n"
        "print(sorted({'aiogram', 'apprise', 'aiosmtplib', 'aiosmpplib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_each_url_of_a_setting_is_a_provider() -> None:
    counts = catalog.provider_counts(ChannelSettings(public_url="http://hub.invalid", smtp="smtp://one smtp://two", telegram_token="1:t"))
    assert counts == {"web_push": 0, "email": 2, "sms": 0, "telegram": 1, "apprise": 0, "webhook": 0}
