"""E-mail against a real SMTP server on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    InvalidAddress,
    Message,
    NotConfigured,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
    slot,
)
from channels.smtp_email import SmtpEmail, read_server
from tests.peers.self_signed import self_signed_context
from tests.peers.smtp import MailServer, mail_server

LINKS = {"why": "https://alerts.example/why/" + "Aa0_-=" * 10, "unsubscribe": "https://alerts.example/unsubscribe/" + "Bb9_-" * 12}
SCRIPTS = {
    "en": "Boil your water.",
    "es": "Hierva el agua; ¡está prohibido beberla!",
    "zh-Hans": "请煮沸自来水",
    "zh-Hant": "請煮沸自來水",
    "ru": "Кипятите воду",
    "bn": "জল ফুটিয়ে নিন",
    "ht": "Bouyi dlo a — tanpri",
    "ko": "물을 끓이세요",
    "ar": "اغلِ الماء",
    "ur": "پانی اُبالیں",
    "fr": "Faites bouillir l’eau, là où c’est prévu",
    "pl": "Przegotuj wodę, źródło zażółcone",
    "yi": "קאָכט דאָס וואַסער",
    "it": "Bollite l’acqua, perché è già così",
}


def settings(server: MailServer | str, **changes: Any) -> ChannelSettings:
    url = server if isinstance(server, str) else server.url
    return ChannelSettings(**({"public_url": "https://alerts.example", "smtp": url, "mail_from": "alerts@alerts.example"} | changes))


def message(subject: str = "Boil water", text: str = "Boil.", page: str | None = "<p>Boil.</p>", **changes: Any) -> Message:
    parts = {"subject": subject, "text": text} | ({} if page is None else {"html": page})
    base: dict[str, Any] = {
        "purpose": "alert",
        "topic": "alr_1",
        "language": "en",
        "parts": parts,
        "link": "https://alerts.example/alerts/1",
        "sent_at": 1_790_000_000.0,
        "expires_at": 1_790_003_600.0,
    }
    return Message(**(base | changes))


def stamped(text: str) -> str:
    """What should be read: this person's links in their places, and the line ends of the mail."""
    return text.replace(slot("why"), LINKS["why"]).replace(slot("unsubscribe"), LINKS["unsubscribe"]).replace("\n", "\r\n")


def read(part: Any) -> str:
    return str(part.get_payload(decode=True).decode())


def person(address: str = "ann@example.org", delivery_id: str = "d-1") -> Recipient:
    return Recipient(delivery_id=delivery_id, address=address, links=LINKS)


@pytest.fixture(params=[False, True], ids=["one-by-one", "pipelining"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[MailServer]:
    async with mail_server(pipelining=request.param) as running:
        yield running


@pytest.fixture
async def channel(server: MailServer) -> AsyncIterator[SmtpEmail]:
    opened = SmtpEmail(settings(server))
    yield opened
    await opened.aclose()


async def test_a_mail_arrives_with_both_bodies_and_this_persons_links(server: MailServer, channel: SmtpEmail) -> None:
    text = f"Boil.\n.\n..\nFrom here on: =3D, 100 % = all.\n\nWhy: {slot('why')}\nStop: {slot('unsubscribe')}\n"
    page = f'<p>Boil &amp; wait.</p><a href="{slot("why")}">Why?</a> <a href="{slot("unsubscribe")}">Stop</a>'
    draft = channel.compose(message(text=text, page=page))
    assert set(draft.slots) == {"why", "unsubscribe"}
    receipt = await channel.deliver(draft, person())
    assert receipt.provider_id == "2.0.0 queued as 4F2A"
    (mail,) = server.mails()
    plain, rich = mail.iter_parts()
    assert mail.get_content_type() == "multipart/alternative"
    assert read(plain) == stamped(text)
    assert read(rich) == stamped(page)
    assert (server.sent[0].mail_from, server.sent[0].rcpt_tos) == ("alerts@alerts.example", ["ann@example.org"])


async def test_the_headers_say_who_what_when_and_how_to_stop(server: MailServer, channel: SmtpEmail) -> None:
    await channel.deliver(channel.compose(message(severity="Extreme", language="es")), person())
    (mail,) = server.mails()
    assert dict(mail.items()) == {
        "From": "alerts@alerts.example",
        "Subject": "Boil water",
        "Date": "Mon, 21 Sep 2026 14:13:20 +0000",
        "References": "<alr_1.topic@alerts.example>",
        "Content-Language": "es",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "MIME-Version": "1.0",
        "Importance": "high",
        "To": "ann@example.org",
        "Message-ID": "<d-1@alerts.example>",
        "List-Unsubscribe": f"<{LINKS['unsubscribe']}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Content-Type": 'multipart/alternative; boundary="=_tocsin"',
    }


async def test_a_letter_that_confirms_has_no_list_header_and_no_importance(server: MailServer, channel: SmtpEmail) -> None:
    draft = channel.compose(message(purpose="confirm", severity="Extreme", text=f"Confirm: {slot('confirm')}", page=None))
    assert draft.slots == ("confirm",)
    await channel.deliver(
        draft, Recipient(delivery_id="d", address="ann@example.org", links={"confirm": "https://alerts.example/confirm/T"})
    )
    (mail,) = server.mails()
    assert mail["List-Unsubscribe"] is None
    assert mail["Importance"] is None
    assert read(mail).strip() == "Confirm: https://alerts.example/confirm/T"


@pytest.mark.parametrize("language", SCRIPTS)
async def test_every_script_arrives_unharmed_in_subject_text_and_html(language: str, server: MailServer, channel: SmtpEmail) -> None:
    words = SCRIPTS[language]
    text = f"{words}\n" * 9 + f"{words}: {slot('why')} — {words} {slot('unsubscribe')} {words}\n" * 2
    page = f"<p>{words * 9}</p><a href='{slot('why')}'>{words}</a><a href='{slot('unsubscribe')}'>{words}</a>"
    draft = channel.compose(message(subject=f"{words} 11201: {words}", text=text, page=page, language=language))
    await channel.deliver(draft, person())
    (mail,) = server.mails()
    plain, rich = mail.iter_parts()
    assert mail["Subject"] == f"{words} 11201: {words}"
    assert read(plain) == stamped(text)
    assert read(rich) == stamped(page)
    assert server.raw().isascii()
    assert max(map(len, server.raw().split(b"\r\n"))) <= 100 + len("List-Unsubscribe: ")


async def test_in_html_a_link_is_escaped(server: MailServer, channel: SmtpEmail) -> None:
    draft = channel.compose(message(page=f'<a href="{slot("why")}">Why</a>'))
    links = LINKS | {"why": 'https://alerts.example/why?a=1&b="2"'}
    await channel.deliver(draft, Recipient(delivery_id="d", address="ann@example.org", links=links))
    _, rich = server.mails()[0].iter_parts()
    assert 'href="https://alerts.example/why?a=1&amp;b=&quot;2&quot;"' in rich.get_content()


@pytest.mark.parametrize(
    "subject", ["Water\r\nBcc: eve@example.org", "Water\nX-Evil: 1", "Water\u2028\x00Bcc: eve@example.org", "=?utf-8?q?a=0D=0ABcc:_eve?="]
)
async def test_a_subject_cannot_add_a_header(subject: str, server: MailServer, channel: SmtpEmail) -> None:
    await channel.deliver(channel.compose(message(subject=subject)), person())
    (mail,) = server.mails()
    assert mail["Bcc"] is None
    assert mail["X-Evil"] is None
    assert "eve" not in str(server.sent[0].rcpt_tos)


async def test_an_encoded_word_in_a_subject_is_shown_as_it_was_typed(server: MailServer, channel: SmtpEmail) -> None:
    await channel.deliver(channel.compose(message(subject="=?utf-8?q?hello?=")), person())
    assert server.mails()[0]["Subject"] == "=?utf-8?q?hello?="


async def test_topic_language_and_delivery_id_cannot_add_a_header(server: MailServer, channel: SmtpEmail) -> None:
    draft = channel.compose(message(topic="a\r\nBcc: eve@example.org", language="en\r\nX-Evil: 1"))
    await channel.deliver(draft, person(delivery_id="d>\r\nX-Evil: 1"))
    assert server.mails()[0]["X-Evil"] is None
    assert server.mails()[0]["Bcc"] is None


async def test_a_long_word_in_a_subject_is_folded(server: MailServer, channel: SmtpEmail) -> None:
    await channel.deliver(channel.compose(message(subject="a" * 1500)), person())
    assert server.mails()[0]["Subject"] == "a" * 1500


async def test_one_draft_serves_many_people_each_with_their_own_links_on_few_connections(server: MailServer, channel: SmtpEmail) -> None:
    draft = channel.compose(message(text=f"Why: {slot('why')}"))
    people = [
        Recipient(
            delivery_id=f"d{n}",
            address=f"p{n}@example.org",
            links={"why": f"https://a.example/{n}", "unsubscribe": f"https://u.example/{n}"},
        )
        for n in range(100)
    ]
    await asyncio.gather(*(channel.deliver(draft, to) for to in people))
    assert len(server.connections) <= 16
    for mail in server.mails():
        number = mail["To"].removeprefix("p").removesuffix("@example.org")
        assert mail["Message-ID"] == f"<d{number}@alerts.example>"
        assert mail["List-Unsubscribe"] == f"<https://u.example/{number}>"
        assert next(mail.iter_parts()).get_content().strip() == f"Why: https://a.example/{number}"
    assert len({mail["To"] for mail in server.mails()}) == 100


@pytest.mark.parametrize("text", ["Boil.", "Boil.\n", ".", "..\n.", f"Why: {slot('why')}", f"{slot('why')}\n.{slot('why')}.\n"])
async def test_however_a_mail_ends_the_server_sees_its_end_and_takes_the_next(text: str, server: MailServer, channel: SmtpEmail) -> None:
    draft = channel.compose(message(text=text, page=None))
    for _ in range(2):
        await channel.deliver(draft, person())
    assert [read(mail).rstrip("\r\n") for mail in server.mails()] == [stamped(text).rstrip("\r\n")] * 2
    assert len(server.connections) == 1


async def test_a_server_that_takes_few_connections_gets_every_mail_on_those(server: MailServer, channel: SmtpEmail) -> None:
    server.most_connections = 3
    draft = channel.compose(message())
    await channel.deliver(draft, person("p0@example.org"))
    for first in (1, 101):
        await asyncio.gather(*(channel.deliver(draft, person(f"p{number}@example.org")) for number in range(first, first + 100)))
    assert sorted(envelope.rcpt_tos[0] for envelope in server.sent) == sorted(f"p{number}@example.org" for number in range(201))
    assert len(server.connections) <= 16


async def test_a_connection_that_the_server_closed_is_opened_anew(server: MailServer, channel: SmtpEmail) -> None:
    draft = channel.compose(message())
    await channel.deliver(draft, person())
    await server.hang_up()
    session = channel._lines[0].session
    assert session is not None
    while session.usable:
        await asyncio.sleep(0)
    await channel.deliver(draft, person())
    assert (len(server.sent), len(server.connections)) == (2, 2)


@pytest.mark.parametrize(
    ("command", "reply", "error", "dead"),
    [
        ("MAIL", "451 4.3.0 busy", TryAgain, False),
        ("MAIL", "421 4.3.2 closing", TryAgain, False),
        ("MAIL", "550 5.7.1 your sender is refused", TryAgain, False),
        ("MAIL", "552 5.3.4 too big", Rejected, False),
        ("ann@example.org", "450 4.2.1 mailbox busy", TryAgain, False),
        ("ann@example.org", "452 4.2.2 mailbox full", TryAgain, False),
        ("ann@example.org", "550 5.1.1 no such user", Rejected, True),
        ("ann@example.org", "550 5.2.1 disabled", Rejected, True),
        ("ann@example.org", "550 User unknown", Rejected, True),
        ("ann@example.org", "550 No such user here", Rejected, True),
        ("ann@example.org", "550 5.7.1 blocked by policy for unknown user", Rejected, False),
        ("ann@example.org", "550 we do not want this", Rejected, False),
        ("ann@example.org", "552 5.2.2 mailbox full", Rejected, False),
        ("DATA", "451 4.7.1 greylisted", TryAgain, False),
        ("DATA", "554 5.7.1 looks like spam", Rejected, False),
        ("DATA", "550 5.1.1 gone", Rejected, True),
    ],
)
async def test_what_a_refusal_means(
    command: str, reply: str, error: type[DeliveryFailed], dead: bool, server: MailServer, channel: SmtpEmail
) -> None:
    draft = channel.compose(message())
    server.answers[command] = reply
    with pytest.raises(error) as caught:
        await channel.deliver(draft, person())
    assert getattr(caught.value, "address_is_dead", False) is dead
    assert "ann" not in caught.value.reason
    server.answers.clear()
    await channel.deliver(draft, person())
    assert len(server.sent) == 1


@pytest.mark.parametrize(("command", "error"), [("MAIL", TryAgain), ("RCPT", TryAgain), ("DOT", Uncertain)])
async def test_a_lost_connection_is_uncertain_only_once_the_mail_was_under_way(
    command: str, error: type[DeliveryFailed], server: MailServer, channel: SmtpEmail
) -> None:
    server.drop = command
    with pytest.raises(error):
        await channel.deliver(channel.compose(message()), person())


async def test_a_cancelled_hand_over_does_not_leave_its_connection_to_the_next(server: MailServer, channel: SmtpEmail) -> None:
    draft = channel.compose(message())
    task = asyncio.create_task(channel.deliver(draft, person("slow@example.org")))
    while not server.connections:
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await channel.deliver(draft, person("next@example.org"))
    assert server.sent[-1].rcpt_tos == ["next@example.org"]


async def test_a_server_that_is_away_is_tried_again_later() -> None:
    async with mail_server() as gone:
        pass
    channel = SmtpEmail(settings(gone))
    with pytest.raises(TryAgain, match="can't be used"):
        await channel.deliver(channel.compose(message()), person())


async def test_an_international_address_goes_only_to_a_server_that_takes_it() -> None:
    address = SmtpEmail.parse_address("añn@example.org")
    async with mail_server() as takes, mail_server(enable_SMTPUTF8=False) as refuses:
        for server in (takes, refuses):
            channel = SmtpEmail(settings(server))
            draft = channel.compose(message())
            if server is refuses:
                with pytest.raises(Rejected, match="international"):
                    await channel.deliver(draft, person(address))
            else:
                await channel.deliver(draft, person(address))
                assert takes.sent[0].rcpt_tos == ["añn@example.org"]
                assert takes.mails()[0]["To"] == "añn@example.org"
            await channel.aclose()


async def test_a_log_in_is_used_and_a_wrong_one_is_our_fault_and_not_the_persons() -> None:
    async with mail_server(log_in=("hub", "p@ss")) as server:
        right = SmtpEmail(settings(f"smtp://hub:p%40ss@127.0.0.1:{server.port}"))
        await right.deliver(right.compose(message()), person())
        assert len(server.sent) == 1
        await right.aclose()
        wrong = SmtpEmail(settings(f"smtp://hub:secret@127.0.0.1:{server.port}"))
        with pytest.raises(TryAgain) as caught:
            await wrong.deliver(wrong.compose(message()), person())
        assert "secret" not in caught.value.reason


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://relay.example", ("relay.example", 25, False, True)),
        ("smtp://u:p@relay.example", ("relay.example", 587, False, True)),
        ("smtps://u:p@relay.example", ("relay.example", 465, True, False)),
        ("smtp://relay.example:2525?starttls=never", ("relay.example", 2525, False, False)),
        ("smtp://127.0.0.1:1025", ("127.0.0.1", 1025, False, None)),
        ("smtp://[::1]:1025", ("::1", 1025, False, None)),
    ],
)
def test_the_setting_decides_about_encryption(url: str, expected: tuple[str, int, bool, bool | None]) -> None:
    server = read_server(url)
    assert (server.host, server.port, server.use_tls, server.start_tls) == expected


async def test_a_server_whose_certificate_nobody_vouches_for_gets_nothing(tmp_path: Path) -> None:
    async with mail_server(tls_context=self_signed_context(tmp_path)) as server:
        channel = SmtpEmail(settings(server))
        with pytest.raises(TryAgain):
            await channel.deliver(channel.compose(message()), person())
        assert server.sent == []


@pytest.mark.parametrize(
    "url",
    [
        "http://relay.example",
        "smtp://",
        "smtp://h:99999",
        "smtp://h/path",
        "smtp://h?tls=no",
        "smtps://h?starttls=never",
        "smtp://u:secret@h?starttls=never",
    ],
)
def test_a_setting_that_cannot_be_is_refused_without_showing_the_password(url: str) -> None:
    with pytest.raises(NotConfigured) as caught:
        SmtpEmail(settings(url))
    assert "secret" not in str(caught.value)


def test_without_a_server_the_channel_is_not_configured() -> None:
    with pytest.raises(NotConfigured, match="TOCSIN_SMTP"):
        SmtpEmail(ChannelSettings(public_url="https://alerts.example"))


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("ann@example.org", "ann@example.org"),
        (" Ann.Lee@EXAMPLE.Org\n", "Ann.Lee@example.org"),
        ("ann@exämple.org", "ann@xn--exmple-cua.org"),
        ("ann@XN--exmple-cua.org", "ann@xn--exmple-cua.org"),
    ],
)
def test_addresses_become_canonical(raw: str, canonical: str) -> None:
    assert SmtpEmail.parse_address(raw) == canonical
    assert SmtpEmail.parse_address(canonical) == canonical


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "ann",
        "ann@",
        "@sub.example.org",
        "ann@localhost",
        "a b@example.org",
        "ann@exa mple.org",
        "ann@example..org",
        "ann@[127.0.0.1]",
        "a@b.org\r\nBcc: c@d.org",
    ],
)
def test_what_is_no_address_is_refused_without_repeating_it(raw: str) -> None:
    with pytest.raises(InvalidAddress) as caught:
        SmtpEmail.parse_address(raw)
    assert not raw or raw.casefold() not in str(caught.value).casefold()


async def test_each_mail_leaves_with_a_return_path_of_its_own_where_there_is_a_mailbox_for_bounces(server: MailServer) -> None:
    channel = SmtpEmail(settings(server, bounces="bounces@alerts.example"))
    draft = channel.compose(message())
    assert "bounce" in draft.slots
    for number in (1, 2):
        links = LINKS | {"bounce": f"bounces+{number}@alerts.example"}
        await channel.deliver(draft, Recipient(delivery_id=f"d-{number}", address="ann@example.org", links=links))
    await channel.aclose()
    assert [envelope.mail_from for envelope in server.sent] == ["bounces+1@alerts.example", "bounces+2@alerts.example"]
    assert {str(mail["From"]) for mail in server.mails()} == {"alerts@alerts.example"}


@pytest.mark.parametrize(("silent", "sender"), [(False, "Tocsin <alerts@alerts.example>"), (True, "alerts@alerts.example")])
async def test_a_discreet_mail_names_no_sender(silent: bool, sender: str) -> None:
    """S29."""
    channel = SmtpEmail(settings("smtp://127.0.0.1:2525", mail_from="Tocsin <alerts@alerts.example>"))
    mail = channel.compose(message(silent=silent)).stamp(person())
    await channel.aclose()
    assert mail.startswith(f"From: {sender}\r\n".encode())


async def test_a_server_that_takes_no_other_sender_gets_the_mails_from_our_own_address(server: MailServer) -> None:
    server.only_from = "alerts@alerts.example"
    channel = SmtpEmail(settings(server, bounces="bounces@alerts.example"))
    draft = channel.compose(message())
    for number in (1, 2, 3):
        links = LINKS | {"bounce": f"bounces+{number}@alerts.example"}
        await channel.deliver(draft, Recipient(delivery_id=f"d-{number}", address="ann@example.org", links=links))
    await channel.aclose()
    assert [envelope.mail_from for envelope in server.sent] == ["alerts@alerts.example"] * 3
    assert server.refused_senders == ["bounces+1@alerts.example"]
