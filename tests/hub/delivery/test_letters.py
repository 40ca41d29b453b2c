"""Letters that say the same are one mailing, as an alert to many is; each address gets each of its letters."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import numpy as np
import pytest
from sqlalchemy import URL

from hub.commands.invariants import broken_twice
from hub.delivery.ledger.batches import Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.letters import Letters
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database
from subscriptions.post import Letter
from subscriptions.vault import Keyring
from tests import databases
from tests.hub.delivery.people import NOW, filled

RATES = {"sms": 4.0}


@pytest.fixture
async def database(store: URL) -> AsyncIterator[Database]:
    filled(store, Keyring.generate(), [("email", f"r{number}@example.org") for number in range(8)])
    async with Database(store) as opened:
        yield opened


@pytest.fixture
def letters(database: Database) -> Letters:
    return Letters(database, lambda: NOW / 1000, lambda _: None, rate_of=lambda channel, _: RATES.get(channel))


def letter(address: int, channel: str = "email", language: int = 0, **parameters: str) -> Letter:
    return Letter(purpose="confirm", subscriber=address, address=address, channel=channel, language=language, parameters=parameters)


async def sent(database: Database, letters: Letters, *wanted: Letter) -> list[list[list[int]]]:
    """Each from a writer of its own; the addresses of each batch of each mailing."""

    async def send(one: Letter) -> None:
        async with database.write() as connection:
            await letters.enqueue(connection, one)

    await asyncio.gather(*(send(one) for one in wanted))
    mailings: dict[int, list[list[int]]] = {}
    for mailing, addresses in databases.rows(database.url, "SELECT mailing, addresses FROM batch ORDER BY id"):
        mailings.setdefault(int(mailing), []).append(np.frombuffer(addresses, dtype="<i8").tolist())
    return list(mailings.values())


async def test_letters_that_say_the_same_are_one_mailing_with_one_count(database: Database, letters: Letters) -> None:
    assert await sent(database, letters, *(letter(number, places="11201") for number in (1, 2, 3))) == [[[1, 2, 3]]]
    assert databases.rows(database.url, "SELECT matched, state FROM mailing") == [(3, "planned")]
    assert databases.rows(database.url, "SELECT channel, outcome, count FROM counter") == [("email", "planned", 3)]


async def test_other_words_languages_and_channels_are_other_mailings(database: Database, letters: Letters) -> None:
    wanted = [
        letter(1, places="11201"),
        letter(2, places="11205"),
        letter(3, language=1, places="11201"),
        letter(4, "push", places="11201"),
    ]
    assert await sent(database, letters, *wanted, letter(5, places="11201")) == [[[1, 5]], [[2]], [[3]], [[4]]]


async def test_whoever_is_written_to_twice_gets_both(database: Database, letters: Letters) -> None:
    assert await sent(database, letters, letter(1), letter(2), letter(1)) == [[[1, 2]], [[1]]]


async def test_a_channel_with_a_rate_gets_batches_of_half_a_second(database: Database, letters: Letters) -> None:
    assert await sent(database, letters, *(letter(number, "sms") for number in range(1, 6))) == [[[1, 2], [3, 4], [5]]]


async def test_a_letter_goes_with_what_it_tells_of_or_not_at_all(database: Database, letters: Letters) -> None:
    async with database.write() as connection:
        await letters.enqueue(connection, letter(1))

    async def fail() -> None:
        async with database.write() as connection:
            await letters.enqueue(connection, letter(2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await sent(database, letters) == [[[1]]]


async def test_of_those_whose_letter_is_the_same_each_ends_in_a_way_of_their_own(database: Database, letters: Letters) -> None:
    databases.write(database.url, "UPDATE address SET state='unconfirmed'")
    await sent(database, letters, *(letter(number) for number in range(1, 8)))
    databases.write(database.url, "DELETE FROM address WHERE id=3")
    databases.write(database.url, "UPDATE address SET state='stopped' WHERE id=4")
    ledger = Ledger(database)
    ledger.join(0)
    (one,) = await ledger.lease("email", 5, 9, NOW, 64)
    assert sorted(to.address for to in one.recipients) == [1, 2, 5, 6, 7]
    again = {"due_at": NOW + 1, "next_attempt": 2}
    ends = [
        Settlement(one, Outcome.HANDED_OVER, [1, 2], NOW),
        Settlement(one, Outcome.FAILED, [5], NOW, "dead"),
        Settlement(one, Outcome.WAITING, [6], NOW, **again),
        Settlement(one, Outcome.DOUBTFUL, [7], NOW, **again),
    ]
    await ledger.settle(ends, [one])
    assert not any(found.count for found in (await broken_twice(database, again_after_s=0)).values())
    later = await ledger.lease("email", 5, 9, NOW + 5, 64)
    assert [[to.address for to in batch.recipients] for batch in later] == [[6], [7]]
    await ledger.settle([Settlement(batch, Outcome.HANDED_OVER, [batch.recipients[0].address], NOW) for batch in later], later)
    assert not any(found.count for found in (await broken_twice(database, again_after_s=0)).values())
    assert databases.rows(database.url, "SELECT state FROM mailing") == [("done",)]
    counts = dict(databases.rows(database.url, "SELECT outcome, sum(count) FROM counter GROUP BY outcome"))
    assert {name: int(count) for name, count in counts.items()} == {
        "planned": 7, "handed_over": 4, "failed": 1, "withheld": 2, "possible_duplicate": 1,
    }  # fmt: skip
    await ledger.aclose()
