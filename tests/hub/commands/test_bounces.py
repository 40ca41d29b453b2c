"""`tocsin bounces` (safeguard S24): a mail that came back closes exactly the address that it proves, once, and names nobody."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.__main__ import TRY_AGAIN, app
from hub.application import Hub, open_hub
from hub.settings import load
from subscriptions.return_path import ReturnPaths
from subscriptions.subscriber import read_subscription
from tests.channels.came_back import RETURNED, complaint, dsn
from tests.databases import write
from tests.peers.smtp import MailServer, mail_server
from tests.waiting import until
from tests.warm import tocsin

MAILBOX = "bounces@alerts.example.gov"
ANN, BEN = "Ann@example.org", "ben@example.org"


class City:
    """A hub with a mail server, and two who have confirmed."""

    def __init__(self, folder: Path, hub: Hub, mails: MailServer) -> None:
        self.folder, self.hub, self.mails = folder, hub, mails

    async def sign_up(self, address: str) -> None:
        before = len(self.mails.sent)
        document = f'{{"places": [{{"zip": "11201"}}], "channels": [{{"kind": "email", "address": "{address}"}}]}}'
        await self.hub.enrolment.subscribe(read_subscription(document.encode()), client="c", source="test")
        await until(lambda: len(self.mails.sent) > before)
        text = self.mails.mails()[-1].get_body(("plain",))
        assert text is not None
        token = re.search(r"/confirm/([A-Za-z0-9_-]+)", text.get_content())
        assert token
        await self.hub.enrolment.confirm(token[1])

    def sent_to(self, address: str) -> dict[str, str]:
        """The newest mail to an address, as a server returns it."""
        for index in reversed(range(len(self.mails.sent))):
            if self.mails.sent[index].rcpt_tos == [address]:
                mail = self.mails.mails()[index]
                return {
                    "return_path": str(self.mails.sent[index].mail_from),
                    "recipient": address,
                    "message_id": str(mail["Message-ID"]).strip("<>").partition("@")[0],
                    "unsubscribe": "https://elsewhere.example",
                }
        raise AssertionError("nothing was sent")

    async def states(self) -> list[str]:
        async with self.hub.database.read() as connection:
            return [row[0] for row in await connection.exec_driver_sql("SELECT state FROM address ORDER BY id")]

    async def take(self, mail: bytes, code: int = 0) -> str:
        """Pipe a mail into the command."""
        done = await asyncio.to_thread(
            CliRunner().invoke, app, ["bounces", "-", "--data", str(self.folder)], input=mail, env={"TOCSIN_BOUNCES": MAILBOX}
        )
        assert done.exit_code == code, done.output
        for secret in ("ann", "ben", "example.org"):
            assert secret not in done.output.lower()
        return done.output.strip()


@pytest.fixture
async def city(tmp_path: Path) -> AsyncIterator[City]:
    async with AsyncExitStack() as stack:
        mails = await stack.enter_async_context(mail_server())
        settings = {
            "data": str(tmp_path),
            "senders": "1",
            "allow_private": "1",
            "smtp": mails.url,
            "bounces": MAILBOX,
            "signup_limits": "off",
        }
        hub = await stack.enter_async_context(open_hub(load(environ={}).replace("test", **settings), demo=False, port=0))
        made = City(tmp_path, hub, mails)
        await made.sign_up(ANN)
        await made.sign_up(BEN)
        yield made


async def test_a_mail_that_came_back_to_its_own_return_path_closes_that_address_once(city: City) -> None:
    ann = city.sent_to(ANN)
    assert re.fullmatch(r"bounces\+[a-z2-7]{24}@alerts\.example\.gov", ann["return_path"])
    assert ann["return_path"] != city.sent_to(BEN)["return_path"]
    mail = dsn(to=ann["return_path"].upper(), recipient="someone.forwarded@elsewhere.example")
    assert await city.take(mail) == "closed one address: it does not exist any more (5.1.1)"
    assert await city.states() == ["dead", "active"]
    assert await city.take(mail) == "nothing to do: the address was closed before, or is gone"
    async with city.hub.database.read() as connection:
        query = "SELECT action, source FROM consent WHERE action='dead'"
        assert [tuple(row) for row in await connection.exec_driver_sql(query)] == [("dead", "e-mail report")]
    await city.hub.sync.catch_up()
    assert city.hub.audience.people_count == 1


async def test_delays_refusals_and_what_is_no_report_close_nothing(city: City) -> None:
    path = city.sent_to(ANN)["return_path"]
    for mail, said in (
        (dsn(to=path, action="delayed", status="4.4.1", diagnostic="smtp; 451 later"), "may pass (4.4.1)"),
        (dsn(to=path, status="5.7.1", diagnostic="smtp; 554 5.7.1 spam"), "the address may be well (5.7.1)"),
        (complaint(kind="not-spam", mail_from=path), "no complaint of a reader (not-spam)"),
        (f"To: {path}\nSubject: I am on holiday\n\nBack on Monday.".encode(), "no delivery report and no complaint"),
    ):
        assert said in await city.take(mail)
    assert await city.states() == ["active", "active"]


async def test_a_readers_complaint_closes_the_address_by_the_return_path_or_by_our_own_link(city: City) -> None:
    assert await city.take(complaint(mail_from=city.sent_to(BEN)["return_path"])) == "closed one address: its owner complained"
    assert await city.states() == ["active", "dead"]
    link = city.hub.links.url("unsubscribe", 1, 1, 0)
    returned = RETURNED.format(**(city.sent_to(ANN) | {"return_path": "gone", "unsubscribe": link}))
    assert await city.take(complaint(returned=returned)) == "closed one address: its owner complained"
    assert await city.states() == ["dead", "dead"]


async def test_a_recipient_alone_proves_nothing_and_with_its_own_message_id_it_does(city: City) -> None:
    ann, ben = city.sent_to(ANN) | {"return_path": "gone"}, city.sent_to(BEN) | {"return_path": "gone"}
    nothing = "nothing to do: it proves no address of this hub"
    forged = ReturnPaths(b"x" * 32, MAILBOX).of(1)
    for mail in (
        dsn(recipient=ANN),
        dsn(recipient=ANN, returned=RETURNED.format(**(ann | {"message_id": "0" * 32}))),
        dsn(recipient=ANN, returned=RETURNED.format(**ben)),
        dsn(to=forged, recipient=ANN),
        dsn(recipient="nobody@elsewhere.example", returned=RETURNED.format(**ann)),
        dsn(recipient="not an address", returned=RETURNED.format(**ann)),
    ):
        assert await city.take(mail) == nothing
    assert await city.states() == ["active", "active"]
    assert "closed" in await city.take(dsn(recipient=ANN.lower(), returned=RETURNED.format(**ann)))
    assert await city.states() == ["dead", "active"]


async def test_a_database_that_is_away_asks_the_mail_server_to_bring_the_mail_again(tmp_path: Path) -> None:
    done = await tocsin("bounces", "-", "--data", tmp_path / "nowhere", given=dsn())
    assert done.code == TRY_AGAIN
    assert "ann" not in done.err


async def test_a_database_of_another_release_asks_for_the_mail_again(city: City) -> None:
    path = city.sent_to(ANN)["return_path"]
    write(city.hub.database.url, "UPDATE alembic_version SET version_num='9999'")
    assert "(schema 9999)" in await city.take(dsn(to=path), code=TRY_AGAIN)
    assert await city.states() == ["active", "active"]
