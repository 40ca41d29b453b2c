"""Where one message may answer another: numbers of messages are kept, what is out of date is struck through, and readings count once."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from sqlalchemy import URL

from hub.delivery.ledger.batches import Leased, Planned, Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.letters import Letters
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database
from subscriptions.store import sql
from subscriptions.vault import Keyring
from tests.databases import rows, write
from tests.hub.delivery.people import NOW, add_mailing, filled
from tests.hub.delivery.test_ledger import LOWEST, alert_row

CHATS = [1, 2, 3, 4]


class Chats:
    """A ledger over a database of four chats and one e-mail address, which is number 5."""

    def __init__(self, store: URL, database: Database, ledger: Ledger) -> None:
        self.store, self.database, self.ledger = store, database, ledger

    async def sent(self, alert: int, addresses: list[int], *, outcome: Outcome = Outcome.HANDED_OVER) -> int:
        """Plan an alert for these chats and hand it over; the message in chat n of alert a has the number 100 a + n."""
        mailing = await self.planned(alert, addresses)
        (leased,) = await self.lease()
        posted = tuple((number, 100 * alert + number) for number in addresses) if outcome is Outcome.HANDED_OVER else ()
        await self.ledger.settle([Settlement(leased, outcome, addresses, NOW + 50, posted=posted)], [leased])
        return mailing

    async def planned(self, alert: int, addresses: list[int]) -> int:
        alert_row(self.store, alert, f"al_{alert}", chain="al_1")
        mailing = add_mailing(self.store, alert=alert)
        part = Planned("telegram", "en", False, np.array(addresses, dtype=np.int64))
        assert await self.ledger.plan(mailing, len(addresses), [part], NOW)
        return mailing

    async def lease(self) -> list[Leased]:
        return await self.ledger.lease("telegram", 1, LOWEST, NOW)

    async def move(self, address: int, *, new: bytes) -> None:
        """As a group that becomes a supergroup."""
        letters = Letters(self.database, lambda: NOW / 1000, lambda _: None, rate_of=lambda *_: None)
        async with self.database.write() as connection:
            await sql.change_address(connection, address, sealed=new)
            await letters.moved(connection, address)

    def confirmed(self, mailing: int) -> list[int]:
        return [row[0] for row in rows(self.store, "SELECT count FROM counter WHERE mailing=? AND outcome='confirmed'", mailing)]


@pytest.fixture
async def chats(store: URL) -> AsyncIterator[Chats]:
    filled(store, Keyring.generate(), [*(("telegram", str(1000 + number)) for number in CHATS), ("email", "a@example.org")])
    async with Database(store) as database:
        ledger = Ledger(database)
        ledger.join(1)
        yield Chats(store, database, ledger)
        await ledger.aclose()


async def test_an_update_answers_each_chats_newest_message_of_its_alert(chats: Chats) -> None:
    await chats.sent(1, [1, 2])
    await chats.sent(2, [2, 3])
    await chats.planned(3, CHATS)
    (update,) = await chats.lease()
    assert await chats.ledger.earlier(update) == {1: 101, 2: 202, 3: 203}


async def test_a_first_alert_answers_nothing(chats: Chats) -> None:
    await chats.planned(1, [1])
    (first,) = await chats.lease()
    assert await chats.ledger.earlier(first) == {}


async def test_once_an_update_is_planned_the_newest_message_of_each_chat_is_struck_through_behind_it(chats: Chats) -> None:
    first = await chats.sent(1, [1, 2])
    second = await chats.sent(2, [2])
    [strike_first] = [batch for batch in await chats.lease() if batch.purpose == "strike"]
    assert (strike_first.parameter("mailing"), strike_first.parameter("alert")) == (str(first), "1")
    assert await chats.ledger.earlier(strike_first) == {1: 101, 2: 102}
    await chats.ledger.settle([Settlement(strike_first, Outcome.HANDED_OVER, [1, 2], NOW)], [strike_first])
    await chats.planned(3, [1, 2])
    (update,) = await chats.lease()
    strikes = [(await chats.lease())[0] for _ in range(2)]
    assert update.purpose == "alert"
    assert {batch.parameter("mailing"): await chats.ledger.earlier(batch) for batch in strikes} == {
        str(first): {1: 101},
        str(second): {2: 202},
    }


async def test_a_group_that_became_another_chat_has_nothing_answered_or_struck_by_its_old_numbers(chats: Chats) -> None:
    """The new chat numbers its messages anew: a strike would take the place of another one."""
    await chats.sent(1, [1, 2])
    await chats.move(1, new=b"1")
    await chats.planned(2, [1, 2])
    update, strike = [(await chats.lease())[0] for _ in range(2)]
    assert (update.purpose, strike.purpose) == ("alert", "strike")
    assert [await chats.ledger.earlier(batch) for batch in (update, strike)] == [{2: 102}, {2: 102}]


async def test_what_the_old_chat_took_and_said_only_later_has_no_number_in_the_new_one(chats: Chats) -> None:
    await chats.planned(1, [1, 2])
    (leased,) = await chats.lease()
    await chats.move(1, new=b"1")
    await chats.ledger.settle([Settlement(leased, Outcome.HANDED_OVER, [1, 2], NOW, posted=((1, 101), (2, 102)))], [leased])
    assert rows(chats.store, "SELECT address, message FROM posted") == [(2, 102)]


async def test_discreet_words_and_chats_that_are_gone_are_not_struck_through(chats: Chats) -> None:
    await chats.sent(1, [1, 2, 3])
    write(chats.store, "UPDATE subscriber SET discreet=1 WHERE id=1")
    write(chats.store, "UPDATE address SET state='stopped' WHERE id=2")
    await chats.sent(2, [3])
    (strike,) = await chats.lease()
    assert await chats.ledger.earlier(strike) == {3: 103}


async def test_striking_is_told_nowhere_as_a_message_of_the_alert(chats: Chats) -> None:
    await chats.sent(1, [1])
    mailing = await chats.sent(2, [1])
    assert rows(chats.store, "SELECT DISTINCT outcome FROM counter WHERE mailing=? ORDER BY outcome", mailing) == [
        ("handed_over",),
        ("planned",),
    ]
    assert rows(chats.store, "SELECT alert FROM mailing WHERE purpose='strike'") == [(None,)]


async def test_on_other_channels_nothing_is_kept_and_nothing_asked(chats: Chats) -> None:
    alert_row(chats.store, 1, "al_1", chain="al_1")
    mailing = add_mailing(chats.store, alert=1)
    await chats.ledger.plan(mailing, 1, [Planned("email", "en", False, np.array([5], dtype=np.int64))], NOW)
    (leased,) = await chats.ledger.lease("email", 1, LOWEST, NOW)
    assert await chats.ledger.earlier(leased) == {}
    await chats.ledger.settle([Settlement(leased, Outcome.HANDED_OVER, [5], NOW)], [leased])
    assert rows(chats.store, "SELECT * FROM posted") == []


async def test_a_reading_counts_once_however_often_the_button_is_pressed(chats: Chats) -> None:
    mailing = await chats.sent(1, [1, 2])
    assert [await chats.ledger.confirm(1, 1, NOW + at) for at in (60, 61)] == [True, False]
    assert chats.confirmed(mailing) == [1]
    assert await chats.ledger.confirm(1, 2, NOW + 70)
    assert chats.confirmed(mailing) == [2]
    assert rows(chats.store, "SELECT confirmed_at FROM delivery WHERE mailing=? ORDER BY address", mailing) == [(NOW + 60,), (NOW + 70,)]


async def test_a_reading_stays_when_the_same_outcome_is_reported_again(chats: Chats) -> None:
    mailing = await chats.planned(1, [1])
    (leased,) = await chats.lease()
    for _ in range(2):
        await chats.ledger.settle([Settlement(leased, Outcome.DOUBTFUL, [1], NOW, due_at=NOW, next_attempt=2)], [])
        await chats.ledger.confirm(1, 1, NOW + 60)
    assert chats.confirmed(mailing) == [1]


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.EXPIRED, Outcome.WITHHELD])
async def test_nobody_has_read_what_never_went_out(chats: Chats, outcome: Outcome) -> None:
    mailing = await chats.sent(1, [1], outcome=outcome)
    assert await chats.ledger.confirm(1, 1, NOW) is None
    assert await chats.ledger.confirm(77, 1, NOW) is None
    assert await chats.ledger.confirm(1, 77, NOW) is None
    assert chats.confirmed(mailing) == []
