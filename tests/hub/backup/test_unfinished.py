"""A restored hub does not send again what the lost one may have sent, unless a person says so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hub.delivery.sending.outcome import Outcome
from tests.hub.backup.hubs import Home, Place
from tests.hub.delivery.people import NOW, add_mailing


def planned(home: Home, batches: Sequence[Sequence[int]], *, state: int = 0, **mailing: Any) -> int:
    """A mailing to these addresses, nobody reached yet; its batches are numbered from 1."""
    number = add_mailing(home.url, **mailing)
    home.write("UPDATE mailing SET state='planned' WHERE id=?", number)
    for addresses in batches:
        home.write(
            "INSERT INTO batch(mailing, channel, language, simulated, priority, due_at, attempt, state, addresses)"
            " VALUES (?,'email','en',1,2,0,1,?,?)",
            number, state, np.array(addresses, dtype="<i8").tobytes(),
        )  # fmt: skip
    count(home, number, "planned", sum(map(len, batches)))
    return number


def count(home: Home, mailing: int, outcome: str, number: int) -> None:
    home.write("INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (?,'email',?,1,?)", mailing, outcome, number)


def settled(home: Home, mailing: int, addresses: Sequence[int], outcome: Outcome, batch: int) -> None:
    for address in addresses:
        home.write(
            "INSERT INTO delivery(mailing, address, outcome, batch, attempt, at) VALUES (?,?,?,?,1,?)",
            mailing,
            address,
            int(outcome),
            batch,
            NOW,
        )


def outcomes(home: Home, mailing: int) -> dict[int, Outcome]:
    return {address: Outcome(outcome) for address, outcome in home.rows("SELECT address, outcome FROM delivery WHERE mailing=?", mailing)}


def counters(home: Home, mailing: int) -> dict[str, int]:
    rows = home.rows("SELECT outcome, CAST(sum(count) AS INTEGER) FROM counter WHERE mailing=? GROUP BY outcome", mailing)
    return {outcome: total for outcome, total in rows}  # noqa: C416 - rows


def state(home: Home, mailing: int) -> str:
    return str(home.rows("SELECT state FROM mailing WHERE id=?", mailing)[0][0])


def waiting(home: Home) -> int:
    return int(home.rows("SELECT count(*) FROM batch")[0][0])


async def test_whoever_was_waiting_is_uncertain_and_gets_nothing_again(old: Home, place: Place, tmp_path: Path) -> None:
    mailing = planned(old, [[1, 2, 3, 4], [5, 6]], state=1)
    settled(old, mailing, [1, 2], Outcome.HANDED_OVER, 1)
    count(old, mailing, "handed_over", 2)
    await old.back_up(tmp_path / "file")
    restored = await (new := place("new")).restore(tmp_path / "file")
    assert outcomes(new, mailing) == dict.fromkeys([1, 2], Outcome.HANDED_OVER) | dict.fromkeys([3, 4, 5, 6], Outcome.UNCERTAIN)
    assert counters(new, mailing) == {"planned": 6, "handed_over": 2, "uncertain": 4}
    assert (state(new, mailing), waiting(new), restored.unfinished.messages) == ("done", 0, 4)


async def test_whoever_had_left_was_stopped_or_came_too_late_is_not_called_uncertain(old: Home, place: Place, tmp_path: Path) -> None:
    """The lost hub would not have sent to them after the snapshot either."""
    left, over, stopped = planned(old, [[1, 2]]), planned(old, [[1]], expires_at=NOW - 1), planned(old, [[1]])
    old.write("UPDATE address SET state='stopped' WHERE id=2")
    old.write(f"UPDATE mailing SET state='stopped' WHERE id={stopped}")
    await old.back_up(tmp_path / "file")
    restored = await (new := place("new")).restore(tmp_path / "file")
    assert outcomes(new, left) == {1: Outcome.UNCERTAIN, 2: Outcome.WITHHELD}
    assert (outcomes(new, over), outcomes(new, stopped)) == ({1: Outcome.EXPIRED}, {1: Outcome.WITHHELD})
    assert (state(new, stopped), restored.unfinished.messages) == ("stopped", 1)


@pytest.mark.parametrize("resume", [False, True])
async def test_whoever_quiet_hours_held_back_is_not_counted_as_held_any_more(
    old: Home, place: Place, tmp_path: Path, *, resume: bool
) -> None:
    """Those who waited only for the morning are uncertain as all others; with a resumption the ones that are over are expired."""
    mailing = planned(old, [[1, 2], [3]], expires_at=NOW - 1 if resume else NOW + 3_600_000)
    old.write("UPDATE batch SET held=1 WHERE id=1")
    count(old, mailing, "held", 2)
    await old.back_up(tmp_path / "file")
    await (new := place("new")).restore(tmp_path / "file", resume=resume)
    assert counters(new, mailing) == {"planned": 3, "held": 0, "expired" if resume else "uncertain": 3}


async def test_a_retry_that_was_waiting_ends_once(old: Home, place: Place, tmp_path: Path) -> None:
    """Addresses 1 and 2 were moved from batch 1 to batch 2 for another try; 3 is still in batch 1."""
    mailing = planned(old, [[1, 2, 3], [1, 2]])
    settled(old, mailing, [1], Outcome.WAITING, 2)
    settled(old, mailing, [2], Outcome.DOUBTFUL, 2)
    count(old, mailing, "possible_duplicate", 1)
    await old.back_up(tmp_path / "file")
    restored = await (new := place("new")).restore(tmp_path / "file")
    assert outcomes(new, mailing) == dict.fromkeys([1, 2, 3], Outcome.UNCERTAIN)
    assert counters(new, mailing)["uncertain"] == restored.unfinished.messages == 3


async def test_resumed_each_goes_out_again_and_counts_as_a_possible_duplicate(old: Home, place: Place, tmp_path: Path) -> None:
    mailing = planned(old, [[1, 2, 3], [4]], state=1)
    settled(old, mailing, [1], Outcome.HANDED_OVER, 1)
    settled(old, mailing, [2], Outcome.DOUBTFUL, 1)
    old.write("UPDATE address SET state='stopped' WHERE id=4")
    count(old, mailing, "handed_over", 1)
    count(old, mailing, "possible_duplicate", 1)
    await old.back_up(tmp_path / "file")
    restored = await (new := place("new")).restore(tmp_path / "file", resume=True)
    assert outcomes(new, mailing) == {1: Outcome.HANDED_OVER, 2: Outcome.DOUBTFUL, 3: Outcome.DOUBTFUL, 4: Outcome.WITHHELD}
    assert counters(new, mailing) == {"planned": 4, "handed_over": 1, "possible_duplicate": 2, "withheld": 1}
    assert new.rows("SELECT id, state FROM batch") == [(1, 0)]
    assert (state(new, mailing), restored.unfinished.messages) == ("planned", 2)


@pytest.mark.parametrize(("resume", "after"), [(False, "done"), (True, "launched")])
async def test_what_had_just_gone_live_is_planned_again_only_when_it_is_resumed(
    old: Home, place: Place, tmp_path: Path, resume: bool, after: str
) -> None:
    mailing = add_mailing(old.url)
    await old.back_up(tmp_path / "file")
    await (new := place("new")).restore(tmp_path / "file", resume=resume)
    assert state(new, mailing) == after


@pytest.mark.parametrize("resume", [False, True])
async def test_people_who_were_owed_what_was_live_are_told_of_and_owed_it_only_when_resumed(
    old: Home, place: Place, tmp_path: Path, resume: bool
) -> None:
    old.write("INSERT INTO catch_up(subscriber) VALUES (3)")
    await old.back_up(tmp_path / "file")
    restored = await (new := place("new")).restore(tmp_path / "file", resume=resume)
    assert restored.unfinished.owed == 1
    assert new.rows("SELECT subscriber FROM catch_up") == ([(3,)] if resume else [])
