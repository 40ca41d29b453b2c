"""Who is on an alert's list: by their places, and whoever its earlier versions reached."""

from __future__ import annotations

import numpy as np

from hub.delivery.ledger.batches import Reached
from hub.delivery.planner import _with_reached
from subscriptions import languages
from subscriptions.matching import Group


def reached(address: int, language: str) -> Reached:
    return Reached("email", languages.number(language), simulated=False, discreet=False, quiet=0, address=address, subscriber=address)


def test_whoever_changed_their_language_between_two_looks_gets_it_once() -> None:
    """S9: the lists are of a moment ago, what was reached is of now."""
    english = Group("email", "en", False)
    lists, people = _with_reached({english: np.array([1, 2])}, np.array([1, 2]), [reached(2, "es"), reached(3, "es")], {})
    assert {group.language: ids.tolist() for group, ids in lists.items()} == {"en": [1, 2], "es": [3]}
    assert people.tolist() == [1, 2, 3]
