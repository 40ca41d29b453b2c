"""A restored hub does not send again what the lost one may have sent, unless a person says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hub.delivery.outcome import Outcome
from tests.hub.backup.hubs import backup_of, hub_folder, restored_to
from tests.hub.backup.test_backup import write
from tests.hub.delivery.people import NOW, add_mailing, rows

PEOPLE = [("email", f"person{number}@example.org") for number in range(1, 11)]


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return hub_folder(tmp_path / "old", PEOPLE)


def planned(folder: Path, batches: Sequence[Sequence[int]], *, state: int = 0, **mailing: object) -> int:
    """A mailing to these addresses, nobody reached yet."""
    number = add_mailing(folder / "tocsin.db", **mailing)  # type: ignore[arg-type]
    write(folder, f"UPDATE mailing SET state='planned' WHERE id={number}")
    for addresses in batches:
        blob = np.array(addresses, dtype="<i8").tobytes().hex()
        write(
            folder,
            "INSERT INTO batch(mailing, channel, language, simulated, priority, due_at, attempt, state, addresses)"
            f" VALUES ({number}, 'email', 'en', 1, 2, 0, 1, {state}, x'{blob}')",
        )
    count(folder, number, "planned", sum(map(len, batches)))
    return number


def count(folder: Path, mailing: int, outcome: str, number: int) -> None:
    write(folder, f"INSERT INTO counter(mailing, channel, outcome, count) VALUES ({mailing}, 'email', '{outcome}', {number})")


def settled(folder: Path, mailing: int, addresses: Sequence[int], outcome: Outcome, batch: int) -> None:
    for address in addresses:
        write(
            folder,
            "INSERT INTO delivery(mailing, address, outcome, batch, attempt, at)"
            f" VALUES ({mailing},{address},{int(outcome)},{batch},1,{NOW})",
        )


def outcomes(folder: Path, mailing: int) -> dict[int, Outcome]:
    found = rows(folder / "tocsin.db", "SELECT address, outcome FROM delivery WHERE mailing=?", mailing)
    return {int(str(address)): Outcome(int(str(outcome))) for address, outcome in found}


def counters(folder: Path, mailing: int) -> dict[str, int]:
    return dict(rows(folder / "tocsin.db", "SELECT outcome, sum(count) FROM counter WHERE mailing=? GROUP BY outcome", mailing))  # type: ignore[arg-type]


def state(folder: Path, mailing: int) -> str:
    return str(rows(folder / "tocsin.db", "SELECT state FROM mailing WHERE id=?", mailing)[0][0])


def waiting(folder: Path) -> int:
    return int(str(rows(folder / "tocsin.db", "SELECT count(*) FROM batch")[0][0]))


async def test_whoever_was_waiting_is_uncertain_and_gets_nothing_again(old: Path, tmp_path: Path) -> None:
    mailing = planned(old, [[1, 2, 3, 4], [5, 6]], state=1)
    settled(old, mailing, [1, 2], Outcome.HANDED_OVER, 1)
    count(old, mailing, "handed_over", 2)
    await backup_of(old, tmp_path / "file")
    restored = await restored_to(new := tmp_path / "new", tmp_path / "file")
    assert outcomes(new, mailing) == dict.fromkeys([1, 2], Outcome.HANDED_OVER) | dict.fromkeys([3, 4, 5, 6], Outcome.UNCERTAIN)
    assert counters(new, mailing) == {"planned": 6, "handed_over": 2, "uncertain": 4}
    assert (state(new, mailing), waiting(new), restored.unfinished.messages) == ("done", 0, 4)


async def test_whoever_had_left_was_stopped_or_came_too_late_is_not_called_uncertain(old: Path, tmp_path: Path) -> None:
    """The lost hub would not have sent to them after the snapshot either."""
    left, over, stopped = planned(old, [[1, 2]]), planned(old, [[1]], expires_at=NOW - 1), planned(old, [[1]])
    write(old, "UPDATE address SET state='stopped' WHERE id=2")
    write(old, f"UPDATE mailing SET state='stopped' WHERE id={stopped}")
    await backup_of(old, tmp_path / "file")
    restored = await restored_to(new := tmp_path / "new", tmp_path / "file")
    assert outcomes(new, left) == {1: Outcome.UNCERTAIN, 2: Outcome.WITHHELD}
    assert (outcomes(new, over), outcomes(new, stopped)) == ({1: Outcome.EXPIRED}, {1: Outcome.WITHHELD})
    assert (state(new, stopped), restored.unfinished.messages) == ("stopped", 1)


async def test_a_retry_that_was_waiting_ends_once(old: Path, tmp_path: Path) -> None:
    """Addresses 1 and 2 were moved from batch 1 to batch 2 for another try; 3 is still in batch 1."""
    mailing = planned(old, [[1, 2, 3], [1, 2]])
    settled(old, mailing, [1], Outcome.WAITING, 2)
    settled(old, mailing, [2], Outcome.DOUBTFUL, 2)
    count(old, mailing, "possible_duplicate", 1)
    await backup_of(old, tmp_path / "file")
    restored = await restored_to(new := tmp_path / "new", tmp_path / "file")
    assert outcomes(new, mailing) == dict.fromkeys([1, 2, 3], Outcome.UNCERTAIN)
    assert counters(new, mailing)["uncertain"] == restored.unfinished.messages == 3


async def test_resumed_each_goes_out_again_and_counts_as_a_possible_duplicate(old: Path, tmp_path: Path) -> None:
    mailing = planned(old, [[1, 2, 3], [4]], state=1)
    settled(old, mailing, [1], Outcome.HANDED_OVER, 1)
    settled(old, mailing, [2], Outcome.DOUBTFUL, 1)
    write(old, "UPDATE address SET state='stopped' WHERE id=4")
    count(old, mailing, "handed_over", 1)
    count(old, mailing, "possible_duplicate", 1)
    await backup_of(old, tmp_path / "file")
    restored = await restored_to(new := tmp_path / "new", tmp_path / "file", resume=True)
    assert outcomes(new, mailing) == {1: Outcome.HANDED_OVER, 2: Outcome.DOUBTFUL, 3: Outcome.DOUBTFUL, 4: Outcome.WITHHELD}
    assert counters(new, mailing) == {"planned": 4, "handed_over": 1, "possible_duplicate": 2, "withheld": 1}
    assert rows(new / "tocsin.db", "SELECT id, state FROM batch") == [(1, 0)]
    assert (state(new, mailing), restored.unfinished.messages) == ("planned", 2)


@pytest.mark.parametrize(("resume", "after"), [(False, "stopped"), (True, "launched")])
async def test_what_had_just_gone_live_is_planned_again_only_when_it_is_resumed(
    old: Path, tmp_path: Path, resume: bool, after: str
) -> None:
    mailing = add_mailing(old / "tocsin.db")
    await backup_of(old, tmp_path / "file")
    await restored_to(new := tmp_path / "new", tmp_path / "file", resume=resume)
    assert state(new, mailing) == after


@pytest.mark.parametrize("resume", [False, True])
async def test_people_who_were_owed_what_was_live_are_told_of_and_owed_it_only_when_resumed(
    old: Path, tmp_path: Path, resume: bool
) -> None:
    write(old, "INSERT INTO catch_up(subscriber) VALUES (3)")
    await backup_of(old, tmp_path / "file")
    restored = await restored_to(new := tmp_path / "new", tmp_path / "file", resume=resume)
    assert restored.unfinished.owed == 1
    assert rows(new / "tocsin.db", "SELECT subscriber FROM catch_up") == ([(3,)] if resume else [])
