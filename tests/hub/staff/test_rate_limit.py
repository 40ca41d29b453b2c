"""Token buckets: a burst, then a pace; memory has a bound."""

from __future__ import annotations

from hub.staff.rate_limit import Buckets


def test_a_burst_passes_then_the_pace_holds(clock) -> None:
    buckets = Buckets(clock, burst=3, seconds=10)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 10]
    clock.now += 4
    assert buckets.take("a") == 6
    clock.now += 6
    assert [buckets.take("a"), buckets.take("a")] == [0, 10]


def test_a_refused_try_costs_nothing_and_keys_do_not_share(clock) -> None:
    buckets = Buckets(clock, burst=1, seconds=10)
    assert buckets.take("a") == 0
    assert {buckets.take("a") for _ in range(50)} == {10}
    assert buckets.take("b") == 0


def test_a_bucket_never_holds_more_than_its_burst(clock) -> None:
    buckets = Buckets(clock, burst=2, seconds=1)
    buckets.take("a")
    clock.now += 1000
    buckets.give_back("a")
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 1]


def test_a_clock_that_steps_back_gives_nothing_away(clock) -> None:
    buckets = Buckets(clock, burst=1, seconds=10)
    buckets.take("a")
    clock.now -= 100
    assert buckets.take("a") == 10


def test_the_longest_unused_bucket_is_dropped_first(clock) -> None:
    buckets = Buckets(clock, burst=1, seconds=10, capacity=2)
    for key in ("old", "young", "new"):
        buckets.take(key)
    assert len(buckets) == 2
    assert buckets.take("young") == 10
    assert buckets.take("old") == 0
