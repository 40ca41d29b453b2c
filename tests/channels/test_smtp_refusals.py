"""A mail server that refuses us and not the person: nobody is failed, the next provider is asked, and no address is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.contract import ProviderFault, Recipient
from channels.failover import Failover
from channels.smtp_email import SmtpEmail
from tests.channels.test_smtp_email import LINKS, message, person, settings
from tests.peers.smtp import MailServer, mail_server


@pytest.fixture(params=[False, True], ids=["one-by-one", "pipelining"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[MailServer]:
    async with mail_server(pipelining=request.param) as running:
        yield running


ABOUT_US = [
    ("ann@example.org", "550-Verification failed for <alerts@alerts.example>\r\n550-No Such User Here\r\n550 Sender verify failed"),
    ("ann@example.org", "553 5.7.1 Sender address rejected: not owned by user"),
    ("ann@example.org", "554 5.7.1 Relay access denied"),
    ("ann@example.org", "550 5.1.8 bad sender"),
    ("ann@example.org", "550 relay not permitted"),
    ("ann@example.org", "530 5.7.0 Authentication required"),
    ("DATA", "550 5.7.60 SMTP; Client does not have permissions to send as this sender"),
    ("DATA", "554 5.2.252 SendAsDenied"),
    ("DATA", "554 Message rejected: Email address is not verified"),
    ("DATA", "550 5.4.5 Daily user sending limit exceeded"),
]


@pytest.mark.parametrize(("command", "reply"), ABOUT_US)
async def test_a_no_to_us_is_our_providers_fault_at_whatever_step_it_comes(command: str, reply: str, server: MailServer) -> None:
    server.answers[command] = reply
    channel = SmtpEmail(settings(server))
    with pytest.raises(ProviderFault) as caught:
        await channel.deliver(channel.compose(message()), person())
    await channel.aclose()
    assert "alerts@" not in caught.value.reason


@pytest.mark.parametrize(("command", "reply"), ABOUT_US)
async def test_then_the_second_provider_takes_over(command: str, reply: str, server: MailServer) -> None:
    server.answers[command] = reply
    async with mail_server() as second:
        channel = Failover([SmtpEmail(settings(each)) for each in (server, second)])
        await channel.deliver(channel.compose(message()), person())
        await channel.aclose()
        assert (len(server.sent), len(second.sent)) == (0, 1)


async def test_a_sender_that_is_refused_at_rcpt_is_exchanged_for_our_own_address(server: MailServer) -> None:
    server.only_from, server.refuses_senders_late = "alerts@alerts.example", True
    channel = SmtpEmail(settings(server, bounces="bounces@alerts.example"))
    draft = channel.compose(message())
    for number in (1, 2, 3):
        links = LINKS | {"bounce": f"bounces+{number}@alerts.example"}
        await channel.deliver(draft, Recipient(delivery_id=f"d-{number}", address="ann@example.org", links=links))
    await channel.aclose()
    assert [envelope.mail_from for envelope in server.sent] == ["alerts@alerts.example"] * 3
    assert server.refused_senders == ["bounces+1@alerts.example"]
