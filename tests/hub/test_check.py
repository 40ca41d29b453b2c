"""`tocsin check` finds whatever is broken in the tables, says where and how to mend it, and finds nothing where nothing is."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from sqlalchemy import URL

from hub.alerts.area import ResolvedArea
from hub.alerts.fingerprint import fingerprint
from hub.commands import check, invariants
from hub.commands.invariants import INVARIANTS, Broken, Invariant
from hub.delivery.sending.outcome import Outcome
from hub.settings import Settings
from hub.store.database import Database
from subscriptions.vault import FILE_NAME, Keyring
from tests.databases import connected
from tests.hub.backup.hubs import Home, file_in, settled_in
from tests.hub.backup.test_unfinished import count, planned, settled
from tests.hub.delivery import published
from tests.hub.delivery.people import NOW, add_mailing
from tests.hub.store.test_migrate import NEWEST

HOLDS = {invariant.holds: invariant for invariant in INVARIANTS}


@pytest.fixture
def home(store: URL, tmp_path: Path) -> Home:
    """A hub with one alert to three of ten people that is done, and one to three that is under way: reached, to be tried again, waiting."""
    made = settled_in(Home(tmp_path / "data", store), [("email", f"p{number}@example.org") for number in range(1, 11)])
    for number in (1, 2):
        made.write(
            "INSERT INTO alert(number, id, chain, status, agency, source, sent_at, grade, document, area, hash, author, created_at,"
            " expires_at) VALUES (?,?,'c','ended','A','api',?,2,'{}','{}','','a',1,?)",
            number, f"al_{number}", number, NOW + 3_600_000,
        )  # fmt: skip
    done, going = planned(made, [[1, 2, 3]], alert=1), planned(made, [[4, 5], [5, 6]], alert=2)
    settled(made, done, [1, 2], Outcome.HANDED_OVER, 1)
    settled(made, done, [3], Outcome.FAILED, 1)
    count(made, done, "handed_over", 2)
    count(made, done, "failed", 1)
    made.write("DELETE FROM batch WHERE mailing=?", done)
    made.write("UPDATE mailing SET state='done' WHERE id=?", done)
    made.write("UPDATE batch SET node=1 WHERE mailing=?", going)
    made.write("UPDATE counter SET count=3 WHERE mailing=? AND outcome='planned'", going)
    settled(made, going, [4], Outcome.HANDED_OVER, 2)
    settled(made, going, [5], Outcome.WAITING, 3)
    count(made, going, "handed_over", 1)
    return made


async def broken(home: Home) -> dict[str, Broken]:
    """Sentence → what breaks it, looked at once."""
    async with Database(home.url) as database:
        found = await invariants._look(database, INVARIANTS)
    return {invariant.holds: one for invariant, one in found.items() if one.count}


async def test_nothing_is_broken_in_a_hub_that_works(home: Home) -> None:
    assert await broken(home) == {}


PLANNED = "whoever was planned is settled, or in one list"
TRIED_AGAIN = "whoever waits for another try is in the list for it"
UNLIKE = "what goes out is as urgent as its alert, and ends with it"
KNOWN = "every state, channel and outcome is one that this release knows"
STOPPED = "UPDATE mailing SET state='stopped' WHERE id=2"

BREAKS = [
    ("every counter equals its rows", "UPDATE counter SET count=count+1 WHERE mailing=1 AND outcome='handed_over'", "mailing 1"),
    ("every counter equals its rows", "DELETE FROM delivery WHERE mailing=1 AND address=1", "mailing 1"),
    ("every counter equals its rows", "DELETE FROM counter WHERE mailing=2 AND outcome='handed_over'", "mailing 2"),
    ("every counter equals its rows", "UPDATE counter SET channel='sms' WHERE mailing=2 AND outcome='handed_over'", "mailing 2"),
    (
        "whoever is counted as held waits for the end of quiet hours",
        "INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (1, 'email', 'held', 9, 2)",
        "mailing 1",
    ),
    ("every confirmation is counted once", "UPDATE delivery SET confirmed_at=1 WHERE mailing=1 AND address=1", "mailing 1"),
    (
        "every confirmation is counted once",
        "INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (2, 'telegram', 'confirmed', 1, 1)",
        "mailing 2",
    ),
    ("nothing is planned and forgotten", "UPDATE counter SET count=4 WHERE mailing=1 AND outcome='planned'", "mailing 1"),
    ("every live alert has its launch row", "UPDATE mailing SET alert=NULL WHERE id=2", "alert al_2"),
    ("no alert has two launch rows", "UPDATE mailing SET alert=1", "alert number 1"),
    ("no finished mailing has a batch left", "UPDATE mailing SET state='done' WHERE id=2", "mailing 2"),
    ("every mailing under way has a batch", "DELETE FROM batch", "mailing 2"),
    ("nothing is planned and forgotten", f"{STOPPED}; DELETE FROM batch WHERE mailing=2", "mailing 2"),
    (PLANNED, "UPDATE counter SET count=count+1 WHERE mailing=2 AND outcome='planned'", "mailing 2"),
    (PLANNED, "DELETE FROM batch WHERE id=3", "mailing 2"),
    (PLANNED, "DELETE FROM delivery WHERE mailing=2 AND address=5", "mailing 2"),
    (PLANNED, "UPDATE batch SET node=NULL WHERE id=2", "mailing 2"),
    (PLANNED, f"{STOPPED}; DELETE FROM batch WHERE id=3", "mailing 2"),
    (TRIED_AGAIN, "DELETE FROM batch WHERE id=3", "mailing 2"),
    (TRIED_AGAIN, "UPDATE batch SET mailing=1 WHERE id=3", "mailing 2"),
    (TRIED_AGAIN, "UPDATE delivery SET outcome=7, batch=99 WHERE mailing=2 AND address=5", "mailing 2"),
    ("nobody's next try comes after the end of their alert", f"UPDATE batch SET due_at={NOW + 9_000_000} WHERE id=3", "batch 3"),
    ("nothing goes out but what is live", "UPDATE alert SET status='stopped' WHERE number=2", "alert al_2"),
    ("nothing goes out but what is live", "UPDATE alert SET status='awaiting_approval' WHERE number=2", "alert al_2"),
    ("nothing goes out but what is live", "UPDATE alert SET ended_at=expires_at-1 WHERE number=2", "alert al_2"),
    ("nothing that was stopped is called live", f"UPDATE alert SET status='live' WHERE number=2; {STOPPED}", "alert al_2"),
    ("whatever reaches somebody was planned", "UPDATE mailing SET state='launched' WHERE id=2", "mailing 2"),
    ("whatever reaches somebody was planned", "UPDATE mailing SET state='launched' WHERE id=1", "mailing 1"),
    (UNLIKE, "UPDATE mailing SET expires_at=expires_at+1 WHERE id=2", "mailing 2"),
    (UNLIKE, "UPDATE mailing SET priority=9 WHERE id=2", "mailing 2"),
    (UNLIKE, "UPDATE batch SET priority=0 WHERE id=3", "mailing 2"),
    ("an alert and its updates say one thing at a time", "UPDATE alert SET status='live'", "chain c"),
    (
        "no counter is below zero",
        "INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (1, 'email', 'possible_duplicate', 9, -3)",
        "mailing 1",
    ),
    (
        "no counter is below zero",
        "INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (1, 'email', 'handed_over', 9, -1)",
        "mailing 1",
    ),
    ("no counter is below zero", "UPDATE counter SET count=-1 WHERE mailing=2 AND outcome='planned'", "mailing 2"),
    ("nobody is matched and nowhere planned", "UPDATE mailing SET matched=4 WHERE id=2", "mailing 2"),
    (KNOWN, "UPDATE alert SET status='foo' WHERE number=2", "alert.status foo"),
    (KNOWN, "UPDATE mailing SET state='foo' WHERE id=2", "mailing.state foo"),
    (KNOWN, "UPDATE mailing SET purpose='foo' WHERE id=2", "mailing.purpose foo"),
    (KNOWN, "UPDATE batch SET state=9 WHERE id=3", "batch.state 9"),
    (KNOWN, "UPDATE batch SET channel='pigeon' WHERE id=3", "batch.channel pigeon"),
    (KNOWN, "UPDATE delivery SET outcome=99 WHERE mailing=1 AND address=1", "delivery.outcome 99"),
    (KNOWN, "UPDATE counter SET outcome='blessed' WHERE mailing=1 AND outcome='failed'", "counter.outcome blessed"),
    (KNOWN, "UPDATE address SET state='foo' WHERE id=10", "address.state foo"),
    (KNOWN, "UPDATE subscriber SET status='foo' WHERE id=10", "subscriber.status foo"),
    (
        "every Idempotency-Key leads to its alert",
        "INSERT INTO idempotency(actor, key, body_hash, alert, at) VALUES ('a', 'k', '', 'al_9', 1)",
        "alert al_9",
    ),
    ("every lease belongs to a node that lives", "UPDATE batch SET state=1, node=77 WHERE id=2", "batch 2"),
    ("every change of a subscription is seen", "INSERT INTO audience_change(seq, subscriber) VALUES (900, 1)", "change 900"),
    (
        "every row belongs to one that is there",
        "INSERT INTO outbox(mailing, address, channel, copy, at) VALUES (99,1,'sms','{}',1)",
        "outbox.mailing",
    ),
]


@pytest.mark.parametrize(("holds", "change", "where"), BREAKS)
async def test_what_is_broken_is_found_where_it_is(home: Home, holds: str, change: str, where: str) -> None:
    if "launch row" in holds:
        home.write("UPDATE alert SET status='live' WHERE number=2")
    for statement in change.split("; "):
        home.write(statement)
    found = await broken(home)
    assert (found[holds].count, found[holds].where) == (1, (where,))


@pytest.mark.parametrize(
    ("holds", "batch", "people"),
    [
        (PLANNED, 3, [5]),  # one is lost
        (PLANNED, 3, [5, 6, 7]),
        (PLANNED, 2, [4, 5, 6]),  # one would come twice
        (TRIED_AGAIN, 3, [6]),
        (TRIED_AGAIN, 3, [6, 7]),  # as many as before
    ],
)
async def test_a_list_that_lacks_somebody_or_has_them_twice_is_found(home: Home, holds: str, batch: int, people: list[int]) -> None:
    home.write("UPDATE batch SET addresses=? WHERE id=?", np.array(people, dtype="<i8").tobytes(), batch)
    assert (await broken(home))[holds].where == ("mailing 2",)


@pytest.mark.parametrize(
    "change",
    [
        # An alert ran out, and somebody's quiet hours did not: they are told later.
        (
            f"UPDATE alert SET ended_at=expires_at; UPDATE batch SET held=1, due_at={NOW + 9_000_000} WHERE id=3;"
            " INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (2, 'email', 'held', 1, 2)"
        ),
        # It was stopped, and some of it is in a sender's hands still.
        f"UPDATE alert SET status='stopped', ended_at=1 WHERE number=2; {STOPPED}",
        # A later version took its place.
        f"UPDATE alert SET ended_at=1 WHERE number=2; {STOPPED}",
        # Whoever had it ended, and its node is forgotten.
        "UPDATE batch SET state=2, node=77 WHERE id=3",
        # What was altered after its approval is planned for nobody.
        "UPDATE mailing SET state='refused' WHERE id=3",
        # Two nodes counted, and one of them took back what the other had planned.
        (
            "INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (2, 'email', 'planned', 8, 1);"
            " INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (2, 'email', 'planned', 9, -1)"
        ),
        # Some people have several addresses.
        "UPDATE mailing SET matched=1 WHERE id=2",
        # Whoever waits for an earlier version to get out of the way may wait a moment longer than it holds.
        f"UPDATE batch SET due_at={NOW + 3_600_500} WHERE id=3",
    ],
)
async def test_nothing_is_broken_in_a_hub_that_was_stopped_at_any_moment(home: Home, change: str) -> None:
    add_mailing(home.url)
    for statement in change.split("; "):
        home.write(statement)
    assert await broken(home) == {}


async def test_what_a_source_says_of_several_alerts_may_be_overtaken_in_one_of_them(home: Home) -> None:
    home.write("UPDATE alert SET status='live'")
    home.write("UPDATE alert SET source='cap' WHERE number=1")
    assert "an alert and its updates say one thing at a time" not in await broken(home)


async def test_a_list_that_is_no_bytes_ends_no_look_at_the_rest(home: Home) -> None:
    """SQLite keeps whatever is written into a column, PostgreSQL its bytes."""
    home.write("UPDATE batch SET addresses='12345678' WHERE id=3")
    found = await broken(home)
    assert found[PLANNED].where == ("mailing 2",)
    if home.url.get_backend_name() == "sqlite":
        assert found["every batch holds a list of addresses"].where == ("batch 3",)


@pytest.mark.parametrize("list_", [b"", b"1234567", b"12345678" * 1001])
async def test_a_batch_whose_list_can_not_be_one_is_found(home: Home, list_: bytes) -> None:
    home.write("UPDATE batch SET addresses=? WHERE id=3", list_)
    assert (await broken(home))["every batch holds a list of addresses"].where == ("batch 3",)


async def test_an_alert_that_is_not_what_was_approved_is_found(home: Home) -> None:
    home.write("UPDATE alert SET status='awaiting_approval' WHERE number=2")
    assert (await broken(home))["what is live is what was approved"].where == ("alert al_2",)


async def test_an_alert_that_ends_when_its_text_does_not_say_is_found(home: Home) -> None:
    """Its end is in the text that was approved, and in a column that the hub goes by."""
    document, area = published.stored().document, ResolvedArea(keys=("zip:11201",))
    home.write(
        "UPDATE alert SET status='awaiting_approval', document=?, area=?, hash=?, expires_at=? WHERE number=1",
        *(msgspec.json.encode(part).decode() for part in (document, area)),
        fingerprint(document, area, 2),
        int(document.expires.timestamp() * 1000),
    )
    assert await broken(home) == {}
    home.write("UPDATE alert SET expires_at=expires_at+1 WHERE number=1")
    assert (await broken(home))["what is live is what was approved"].where == ("alert al_1",)


def test_every_invariant_has_a_test_that_breaks_it() -> None:
    elsewhere = {"every batch holds a list of addresses", "what is live is what was approved"}
    assert {holds for holds, *_ in BREAKS} | elsewhere == set(HOLDS)


async def test_rows_of_people_who_are_gone_still_count(home: Home) -> None:
    with connected(home.url) as connection:
        for table in ("place", "address", "subscriber"):
            connection.exec_driver_sql(f"DELETE FROM {table} WHERE {'id' if table == 'subscriber' else 'subscriber'}=1")
    assert await broken(home) == {}
    home.write("UPDATE counter SET count=count+1 WHERE mailing=1 AND outcome='failed'")
    assert set(await broken(home)) == {"every counter equals its rows", "nothing is planned and forgotten"}


async def test_what_is_broken_for_a_moment_is_not_told(home: Home) -> None:
    """Between its last receipt and its end a mailing has no batch."""
    looks = iter([Broken(1, ("mailing 1",)), Broken()])

    async def look(_: object) -> Broken:
        return next(looks)

    async with Database(home.url) as database:
        found = await invariants.broken_twice(database, (Invariant("it holds", look, "mend it"),), again_after_s=0)
    assert [one.count for one in found.values()] == [0]


async def test_the_report_says_what_where_and_how_to_mend_it(home: Home) -> None:
    home.write("UPDATE counter SET count=count+1 WHERE mailing=1 AND outcome='handed_over'")
    wrong = [finding.what for finding in await check.examine(home.settings()) if not finding.fine]
    assert [line.split(". Mend: ")[0] for line in wrong] == [
        "ledger: every counter equals its rows, not so for 1: mailing 1",
        "ledger: nothing is planned and forgotten, not so for 1: mailing 1",
    ]
    assert all(". Mend: publish an update" in line for line in wrong)


async def wrong(settings: Settings) -> list[str]:
    """What a report says is wrong."""
    return [finding.what for finding in await check.examine(settings) if not finding.fine]


async def test_a_database_of_an_older_schema_is_said_and_not_looked_into(home: Home) -> None:
    home.write("ALTER TABLE batch RENAME TO of_another_name")
    home.write("UPDATE alembic_version SET version_num='0001'")
    (said,) = await wrong(home.settings())
    assert f"has schema 0001, this release has {NEWEST}: `tocsin migrate`" in said


async def test_a_database_of_a_later_release_is_said_and_not_looked_into(home: Home) -> None:
    home.write("ALTER TABLE batch RENAME TO of_another_name")
    home.write("UPDATE alembic_version SET version_num='9999'")
    (said,) = await wrong(home.settings())
    assert "later release (schema 9999): install that release" in said


async def test_a_database_elsewhere_is_looked_at_by_whoever_may_not_write_to_the_data_folder(home: Home, tmp_path: Path) -> None:
    home.write("UPDATE counter SET count=count+1 WHERE mailing=1 AND outcome='handed_over'")
    (tmp_path / "file").touch()
    at = home.url.render_as_string(hide_password=False)
    settings = home.settings().replace("test", data=str(tmp_path / "file"), database=at, keyring=(home.folder / FILE_NAME).read_text())
    found = await wrong(settings)
    assert [said.partition(",")[0].partition(": /")[0] for said in found] == [
        "setting TOCSIN_DATA",
        "ledger: every counter equals its rows",
        "ledger: nothing is planned and forgotten",
    ]


async def test_a_database_that_does_not_answer_is_a_finding(home: Home) -> None:
    home.write("ALTER TABLE batch RENAME TO elsewhere")
    (said,) = await wrong(home.settings())
    assert said.startswith("database: ")
    assert "batch" in said
    assert "\n" not in said


async def test_a_file_that_is_no_database_is_a_finding(tmp_path: Path) -> None:
    home = file_in(tmp_path)
    (tmp_path / "tocsin.db").write_bytes(b"no database at all" * 999)
    (said,) = await wrong(home.settings())
    assert "file is not a database" in said


async def test_addresses_that_another_keyring_sealed_are_found(home: Home) -> None:
    key_id, sealed = Keyring.generate().seal("email", "p10@example.org")
    home.write("UPDATE address SET sealed=?, key_id=? WHERE id=10", sealed, key_id)
    wrong = [finding.what for finding in await check.examine(home.settings()) if not finding.fine]
    assert wrong == ["addresses: 1 of 10 do not open: 10. Mend: restore the keyring or the rows from a backup"]
    (home.folder / FILE_NAME).unlink()
    assert any("keyring.json is missing" in finding.what for finding in await check.examine(home.settings()) if not finding.fine)
