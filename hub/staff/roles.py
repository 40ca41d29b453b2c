"""Who may do what: one table, action by action. Nothing else in the hub compares role names."""

from __future__ import annotations

from typing import Literal, get_args

Role = Literal["author", "publisher", "approver", "admin", "partner", "auditor"]
Action = Literal["read", "preview", "draft", "publish", "approve", "stop", "staff", "audit", "incident"]

ROLES: tuple[Role, ...] = get_args(Role)
ACTIONS: tuple[Action, ...] = get_args(Action)

ROLE_MEANINGS: dict[Role, str] = {
    "author": "drafts alerts, which then wait for an approver",
    "publisher": "publishes what needs no approval",
    "approver": "publishes, and approves what others wrote",
    "admin": "manages staff, reads everything, can stop an alert",
    "partner": "posts incidents",
    "auditor": "reads alerts and the audit log",
}

# Managing staff and publishing are kept apart on purpose: a stolen admin log-in alone warns nobody of anything (S12).
_TABLE: dict[Action, frozenset[Role]] = {
    "read": frozenset({"author", "publisher", "approver", "admin", "auditor"}),
    "preview": frozenset({"author", "publisher", "approver"}),
    "draft": frozenset({"author", "publisher", "approver"}),
    "publish": frozenset({"publisher", "approver"}),
    "approve": frozenset({"approver"}),
    "stop": frozenset({"publisher", "approver", "admin"}),
    "staff": frozenset({"admin"}),
    "audit": frozenset({"approver", "admin", "auditor"}),
    "incident": frozenset({"publisher", "approver", "admin", "partner"}),
}


def may(role: str, action: Action) -> bool:
    """Whether a role allows an action; an unknown role allows nothing."""
    return role in _TABLE[action]


def allowed(role: str) -> frozenset[Action]:
    """All that a role may do, for pages that show only what would work."""
    return frozenset(action for action, roles in _TABLE.items() if role in roles)
