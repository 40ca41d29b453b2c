"""A whole hub whose mail server dies in the middle of an alert: the second one takes over, and everybody is reached."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from channels import catalog
from channels.contract import ChannelSettings
from channels.telegram import API
from hub.application import open_hub
from hub.delivery.providers import NONE, OF_APPRISE, UNREADABLE, Providers, _endpoint
from hub.settings import load
from hub.staff.actor import SYSTEM
from subscriptions.csv_import import import_csv
from tests.peers.smtp import mail_server
from tests.waiting import progressed, until

PEOPLE = 400
DIES_AFTER = 60


def alert() -> bytes:
    document = {
        "category": "Met",
        "event": "Flash Flood Warning",
        "urgency": "Immediate",
        "severity": "Moderate",
        "certainty": "Likely",
        "expires": (datetime.now(UTC) + timedelta(hours=2)).isoformat(),
        "infos": [{"language": "en-US", "headline": "Flash flooding in low-lying streets", "instruction": "Go up."}],
        "area": {"zips": ["11201"]},
    }
    return json.dumps(document).encode()


async def test_everybody_is_reached_although_the_first_server_dies_in_the_middle(tmp_path: Path) -> None:
    async with mail_server(pipelining=True) as first, mail_server() as second:
        environ = {
            "TOCSIN_DATA": str(tmp_path),
            "TOCSIN_SMTP": f"{first.url} {second.url}",
            "TOCSIN_SENDERS": "1",
            "TOCSIN_LOG_LEVEL": "error",
            "TOCSIN_MAIL_FROM": "alerts@alerts.example",
        }
        async with open_hub(load(environ=environ), demo=False, port=0) as hub:
            lines = ["person,zip,language,channel,address,consent_source"]
            lines += [f"{number},11201,en,email,p{number}@example.org,test" for number in range(PEOPLE)]
            await import_csv(hub.database, hub.keyring, catalog.parsers(), hub.catalog, lines)
            await hub.sync.load()
            stored = await hub.publishing.submit(alert(), SYSTEM)
            await until(lambda: len(first.sent) >= DIES_AFTER)
            await first.refuse()
            state = await progressed(hub.publishing, stored.id)
        reached = {address for server in (first, second) for envelope in server.sent for address in envelope.rcpt_tos}
        assert reached == {f"p{number}@example.org" for number in range(PEOPLE)}
        assert (state.planned, state.handed_over, state.failed) == (PEOPLE, PEOPLE, 0)
        assert len(second.sent) >= PEOPLE - len(first.sent)


async def test_each_provider_is_looked_at_under_its_own_name() -> None:
    async with mail_server() as first, mail_server() as gone:
        settings = ChannelSettings(
            public_url="https://alerts.example",
            smtp=f"{first.url} {gone.url}",
            sms=f"clicksend://user:key https://AC1:secret@127.0.0.1:{first.port}",
        )
        await gone.refuse()
        providers = Providers(settings)
        await providers.look()
    assert providers.status == {"email": "ok", "email:2": "refused", "sms": OF_APPRISE, "sms:2": "ok"}


async def test_each_provider_whose_setting_cannot_be_read_is_named_as_that() -> None:
    """`tocsin serve` refuses them all; what opens a hub in another way is told so."""
    async with mail_server() as first:
        settings = ChannelSettings(
            public_url="https://alerts.example",
            smtp=f"{first.url} relay.example.net smtp://relay.example.net?starttls=maybe smtp://h:99999 smtp://[x",
            sms="twilio smpp://h:2775 https://api.example.net",
            telegram_token="1:x",
            telegram_api="api.example.net",
        )
        providers = Providers(settings)
        await providers.look()
    unread = ("email:2", "email:3", "email:4", "email:5", "sms", "sms:2", "sms:3", "telegram")
    assert providers.status == {"email": "ok"} | dict.fromkeys(unread, UNREADABLE)


def test_a_mail_server_is_looked_at_where_mails_go() -> None:
    """With a log-in and without a port that is 587 (RFC 6409 §3.1)."""
    assert _endpoint("email", "smtp://user:pass@mail.example.org") == ("mail.example.org", 587)
    assert _endpoint("telegram", API) == ("api.telegram.org", 443)


async def test_a_channel_that_people_are_on_and_that_has_no_provider_is_named() -> None:
    demand = {"webhook"}
    providers = Providers(ChannelSettings(public_url="https://alerts.example"), lambda: demand)
    await providers.look()
    assert providers.status == {}
    demand.add("email")
    await providers.look()
    assert providers.status == {"email": NONE}
    demand.clear()
    await providers.look()
    assert providers.status == {}
