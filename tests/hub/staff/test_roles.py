"""The table of roles says what INTERFACE promises, and nothing more."""

from __future__ import annotations

import pytest

from hub.errors import Forbidden
from hub.staff.actor import SYSTEM, Actor
from hub.staff.roles import ACTIONS, ROLES, allowed, may


@pytest.mark.parametrize(
    ("role", "actions"),
    [
        ("author", {"read", "preview", "draft"}),
        ("publisher", {"read", "preview", "draft", "publish", "stop", "incident"}),
        ("approver", {"read", "preview", "draft", "publish", "approve", "stop", "audit", "incident"}),
        ("admin", {"read", "stop", "staff", "audit", "incident"}),
        ("partner", {"incident"}),
        ("auditor", {"read", "audit"}),
        ("nobody", set()),
    ],
)
def test_each_role_may_do_exactly_its_actions(role: str, actions: set[str]) -> None:
    assert allowed(role) == actions
    assert {action for action in ACTIONS if may(role, action)} == actions


def test_every_role_is_covered_above() -> None:
    assert set(ROLES) == {"author", "publisher", "approver", "admin", "partner", "auditor"}


def test_two_actors_with_one_name_are_different_persons_by_label() -> None:
    person = Actor(kind="staff", id=3, name="desk", agency="A", role="author")
    program = Actor(kind="token", id=3, name="desk", agency="A", role="approver")
    assert person.label == "staff:3 desk"
    assert program.label == "token:3 desk"


def test_an_action_beyond_the_role_is_forbidden_and_the_system_is_not_bound() -> None:
    author = Actor(kind="staff", id=1, name="desk", agency="A", role="author")
    author.require("draft")
    with pytest.raises(Forbidden, match="author"):
        author.require("approve")
    SYSTEM.require("staff")
