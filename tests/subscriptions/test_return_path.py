"""Return paths are made of an address's number and of a key, and read whatever the mailbox was called then."""

from __future__ import annotations

import pytest

from subscriptions.return_path import ReturnPaths

PATHS = ReturnPaths(b"k" * 32, "bounces@alerts.example.gov")


@pytest.mark.parametrize("number", [0, 1, 4711, 2**40, 2**48 - 1])
def test_what_was_made_is_found_in_any_text_and_any_case(number: int) -> None:
    path = PATHS.of(number)
    local, _, domain = path.partition("@")
    assert (len(local), domain) == (len("bounces+") + 24, "alerts.example.gov")
    for text in (path, path.upper(), f"To: <{path}>, someone@example.org", f"x@y.example {path.replace('bounces', 'old')}"):
        assert PATHS.find(text) == number
    assert ReturnPaths(b"k" * 32, "").find(path) == number


def test_what_another_key_made_or_a_hand_changed_is_not_found() -> None:
    path = PATHS.of(4711)
    assert ReturnPaths(b"x" * 32, "bounces@alerts.example.gov").find(path) is None
    start = len("bounces+")
    for place in range(start, start + 24):
        for letter in "a7":
            changed = path[:place] + letter + path[place + 1 :]
            assert PATHS.find(changed) == (4711 if changed == path else None)
    for text in ("", "bounces@alerts.example.gov", "bounces+@x", f"+{'a' * 24}@"):
        assert PATHS.find(text) is None


def test_without_a_mailbox_there_is_none_to_make() -> None:
    with pytest.raises(ValueError, match="no mailbox"):
        ReturnPaths(b"k" * 32, "").of(1)
    assert repr(PATHS) == "<ReturnPaths>"
