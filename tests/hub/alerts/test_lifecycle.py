"""What may happen to an alert is exactly the table, and nothing brings back what has ended."""

from __future__ import annotations

from typing import get_args

import pytest

from hub.alerts.lifecycle import STATUSES, TRANSITIONS, Action, AlertStatus, apply, may
from hub.errors import Conflict

PAIRS = [(status, action) for status in STATUSES for action in get_args(Action)]


@pytest.mark.parametrize(("status", "action"), PAIRS)
def test_every_action_in_every_state_follows_the_table_or_is_a_conflict(status: AlertStatus, action: Action) -> None:
    if may(status, action):
        assert apply(status, action) == TRANSITIONS[status][action]
    else:
        with pytest.raises(Conflict, match="not possible"):
            apply(status, action)


def test_states_are_those_of_the_interface() -> None:
    assert set(TRANSITIONS) == {"draft", "awaiting_approval", "scheduled", "live", "ended", "stopped"}


def test_an_alert_goes_from_draft_to_live_through_approval_and_ends() -> None:
    status: AlertStatus = "draft"
    for action, expected in (("submit", "awaiting_approval"), ("approve", "live"), ("expire", "ended")):
        status = apply(status, action)  # type: ignore[arg-type]  # literals widened by the tuple
        assert status == expected


def test_a_rejected_alert_is_a_draft_again() -> None:
    assert apply("awaiting_approval", "reject") == "draft"


@pytest.mark.parametrize("status", ["ended", "stopped"])
def test_nothing_leads_out_of_the_end(status: AlertStatus) -> None:
    assert TRANSITIONS[status] == {}


def test_only_approval_and_publishing_make_an_alert_live() -> None:
    assert {action for row in TRANSITIONS.values() for action, after in row.items() if after == "live"} == {"publish", "approve", "launch"}


def test_a_conflict_says_what_is_possible_instead() -> None:
    with pytest.raises(Conflict, match=r"is live.*possible now: expire, supersede, stop"):
        apply("live", "approve")
