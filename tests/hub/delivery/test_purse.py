"""Credits are void by their own age, however many come after them."""

from __future__ import annotations

from hub.delivery.sending.purse import USED_WITHIN_S, Purse


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_what_is_not_used_in_time_is_void_although_more_comes_all_the_while() -> None:
    clock = Clock()
    purse = Purse(clock)
    for _ in range(100):
        purse.put(1)
        clock.now += USED_WITHIN_S / 10
    held = 0
    while not purse.is_empty:
        purse.take()
        held += 1
    assert 9 <= held <= 11
    assert purse.void() == 100 - held
    assert purse.void() == 0


def test_the_oldest_are_used_first() -> None:
    clock = Clock()
    purse = Purse(clock)
    purse.put(2)
    clock.now += USED_WITHIN_S / 2
    purse.put(1)
    assert not purse.is_empty
    purse.take()
    purse.take()
    clock.now += USED_WITHIN_S * 0.75
    assert not purse.is_empty
    assert purse.void() == 0


def test_what_is_dropped_is_counted_with_what_was_void_before() -> None:
    clock = Clock()
    purse = Purse(clock)
    purse.put(3)
    clock.now += USED_WITHIN_S * 2
    purse.put(4)
    assert purse.drop() == 7
    assert purse.is_empty
    assert purse.void() == 0


def test_one_that_is_put_back_is_as_old_as_it_was() -> None:
    clock = Clock()
    purse = Purse(clock)
    purse.put(1)
    clock.now += USED_WITHIN_S / 2
    purse.put(1)
    purse.take()
    purse.put_back()
    clock.now += USED_WITHIN_S * 0.75
    assert not purse.is_empty
    assert purse.void() == 1
    purse.take()
    assert purse.is_empty
