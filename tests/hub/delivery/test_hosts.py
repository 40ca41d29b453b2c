"""A host earns its places by answering quickly and loses them by silence."""

from __future__ import annotations

import pytest

from hub.delivery.sending.hosts import FIRST_PLACES, QUICK_S, STEADY_S, Host


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
def host(clock: Clock) -> Host:
    return Host(64, clock)


def fill(host: Host) -> int:
    """Begin as many as it takes."""
    begun = 0
    while not host.is_full and host.enter():
        begun += 1
    return begun


def test_an_unknown_host_gets_few_places(host: Host) -> None:
    assert fill(host) == FIRST_PLACES


def test_each_round_of_quick_answers_doubles_its_places_up_to_all(host: Host, clock: Clock) -> None:
    rounds = []
    for _ in range(5):
        begun, began = fill(host), clock.now
        rounds.append(begun)
        for _ in range(begun):
            host.answered(began)
    assert rounds == [8, 16, 32, 64, 64]


def test_slow_answers_cost_places_and_never_the_last_one(host: Host, clock: Clock) -> None:
    for _ in range(10):
        begun, began = fill(host), clock.now
        assert begun >= 1
        clock.now += 3 * QUICK_S
        for _ in range(begun):
            host.answered(began)
    assert fill(host) == 1


def test_answers_that_take_their_time_earn_places_while_nobody_else_needs_the_workers(host: Host, clock: Clock) -> None:
    rounds = []
    for _ in range(4):
        begun, began = fill(host), clock.now
        rounds.append(begun)
        clock.now += 1.2 * QUICK_S
        for _ in range(begun):
            host.answered(began, alone=True)
        fill(host)
        clock.now += 1.2 * QUICK_S
        assert not host.is_slow
        for _ in range(host.under_way):
            host.answered(clock.now - 1.2 * QUICK_S, alone=True)
    assert rounds == [8, 32, 64, 64]
    began = clock.now
    fill(host)
    clock.now += 1.2 * QUICK_S
    host.answered(began, alone=False)
    assert host.places == 63


def test_a_host_that_takes_very_long_loses_places_whoever_waits(host: Host, clock: Clock) -> None:
    began, _ = clock.now, fill(host)
    clock.now += 1.1 * STEADY_S
    host.answered(began, alone=True)
    assert (host.places, host.is_slow) == (FIRST_PLACES - 1, True)


def test_silence_halves_its_places(host: Host) -> None:
    fill(host)
    host.failed()
    assert host.places == FIRST_PLACES // 2


def test_a_host_that_keeps_failing_rests_and_is_asked_again_by_one(host: Host, clock: Clock) -> None:
    for _ in range(fill(host)):
        host.failed()
    assert host.rests_s > 0
    assert not host.enter()
    clock.now += host.rests_s
    assert [host.enter(), host.enter()] == [True, False]
    host.answered(clock.now)
    assert host.enter()


def test_an_answer_that_is_a_no_is_an_answer(host: Host, clock: Clock) -> None:
    for _ in range(50):
        assert host.enter()
        host.answered(clock.now)
    assert host.rests_s == 0


def test_what_ends_without_a_word_frees_its_place_and_proves_nothing(host: Host) -> None:
    fill(host)
    host.abandoned()
    assert (host.is_full, host.places, host.rests_s) == (False, FIRST_PLACES, 0)


def test_a_host_is_slow_when_nothing_was_answered_quickly_of_late(host: Host, clock: Clock) -> None:
    clock.now += 60
    host.enter()
    host.enter()
    assert not host.is_slow  # it was asked just now
    clock.now += 2 * QUICK_S
    assert host.is_slow
    host.answered(clock.now)
    assert not host.is_slow
