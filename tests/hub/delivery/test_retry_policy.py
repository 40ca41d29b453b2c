"""When a failed hand-over is tried again: what was surely not sent until it expires, what may have been sent a few times."""

from __future__ import annotations

import pytest

from hub.delivery.retry_policy import LATER_DELAY_S, MOST_TRIES, next_try

DAY_S = 24 * 3600.0


def tries(priority: int, *, maybe_sent: bool) -> list[float]:
    """When it is tried again, in seconds from the first try on, by a receiver that never takes it."""
    moments, now, attempt = list[float](), 0.0, 1
    while (again := next_try(priority, attempt, None, now, DAY_S, maybe_sent=maybe_sent)) is not None:
        now, attempt = again
        moments.append(now)
    return moments


@pytest.mark.parametrize("priority", range(5))
def test_what_was_surely_not_sent_is_tried_until_it_expires(priority: int) -> None:
    moments = tries(priority, maybe_sent=False)
    assert DAY_S - 1.25 * LATER_DELAY_S[priority] <= moments[-1] < DAY_S
    assert len(moments) < 1.5 * DAY_S / LATER_DELAY_S[priority]


@pytest.mark.parametrize("priority", range(5))
def test_what_may_have_been_sent_is_tried_a_few_times(priority: int) -> None:
    assert len(tries(priority, maybe_sent=True)) == MOST_TRIES[priority] - 1


def test_the_most_urgent_is_tried_soonest() -> None:
    assert tries(0, maybe_sent=False)[0] < tries(3, maybe_sent=False)[0]


def test_a_provider_that_says_when_is_obeyed_and_uses_up_no_try() -> None:
    again = next_try(2, MOST_TRIES[2] + 5, 40.0, 1000.0, DAY_S, maybe_sent=True)
    assert again is not None
    assert (1040 <= again[0] <= 1044, again[1]) == (True, MOST_TRIES[2] + 5)


def test_nothing_is_tried_after_it_has_expired() -> None:
    assert next_try(0, 1, 60.0, 1000.0, 1050.0, maybe_sent=False) is None
