"""A breaker leaves a failing provider alone for a growing time, and asks it again one hand-over at a time."""

from __future__ import annotations

import pytest

from channels.breaker import Breaker


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """Opens after 3 failures for 2 s, then 4, then 5 at most."""
    return Breaker(clock, failures=3, first_s=2.0, longest_s=5.0)


def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        assert breaker.allows()
        breaker.failed()


def test_fewer_failures_than_its_number_leave_it_closed(breaker: Breaker) -> None:
    fail(breaker, 2)
    assert breaker.allows()
    assert breaker.is_closed
    assert breaker.wait_s == 0


def test_a_success_between_failures_begins_the_count_anew(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.worked()
    fail(breaker, 2)
    assert breaker.is_closed


def test_so_many_failures_in_a_row_open_it_for_its_first_time(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    assert not breaker.allows()
    assert breaker.wait_s == pytest.approx(2.0)
    clock.now += 1.5
    assert not breaker.allows()
    assert breaker.wait_s == pytest.approx(0.5)


def test_after_its_time_exactly_one_probe_is_allowed(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    assert breaker.wait_s == 0
    assert [breaker.allows() for _ in range(5)] == [True, False, False, False, False]
    assert breaker.wait_s > 0


def test_a_probe_that_works_closes_it(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    assert breaker.allows()
    breaker.worked()
    assert breaker.is_closed
    assert breaker.allows()
    assert breaker.allows()


def test_each_probe_that_fails_doubles_the_time_up_to_a_bound(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    waits = []
    for _ in range(4):
        waits.append(breaker.wait_s)
        clock.now += breaker.wait_s
        fail(breaker, 1)
    assert waits == pytest.approx([2, 4, 5, 5])


def test_once_it_has_worked_the_next_trouble_starts_with_the_first_time_again(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    fail(breaker, 1)
    clock.now += 4
    assert breaker.allows()
    breaker.worked()
    fail(breaker, 3)
    assert breaker.wait_s == pytest.approx(2.0)


def test_hand_overs_from_before_that_fail_late_do_not_make_it_wait_longer(breaker: Breaker) -> None:
    fail(breaker, 3)
    for _ in range(60):
        breaker.failed()
    assert breaker.wait_s == pytest.approx(2.0)


def test_an_abandoned_probe_lets_another_one_go(breaker: Breaker, clock: Clock) -> None:
    fail(breaker, 3)
    clock.now += 2
    assert breaker.allows()
    breaker.abandoned()
    assert breaker.allows()


def test_an_abandoned_hand_over_is_no_failure(breaker: Breaker) -> None:
    fail(breaker, 2)
    breaker.abandoned()
    assert breaker.is_closed
    fail(breaker, 1)
    assert not breaker.allows()


def test_it_says_since_when_nobody_has_asked_again(breaker: Breaker, clock: Clock) -> None:
    assert breaker.overdue_s == 0
    fail(breaker, 3)
    clock.now += 1.0
    assert breaker.overdue_s == 0
    clock.now += 4.0
    assert breaker.overdue_s == 3.0
    assert breaker.allows()
    assert breaker.overdue_s == 0  # somebody asks
