"""What may happen to an alert, as one table. A state that isn't a key of it, or an action that isn't in its row, doesn't exist."""

from __future__ import annotations

from typing import Literal, get_args

from hub.errors import Conflict

AlertStatus = Literal["draft", "awaiting_approval", "scheduled", "live", "ended", "stopped"]
Action = Literal["submit", "publish", "schedule", "approve", "reject", "launch", "expire", "supersede", "stop"]

TRANSITIONS: dict[AlertStatus, dict[Action, AlertStatus]] = {
    "draft": {"submit": "awaiting_approval", "publish": "live", "schedule": "scheduled", "expire": "ended", "stop": "stopped"},
    "awaiting_approval": {
        "approve": "live",
        "schedule": "scheduled",
        "reject": "draft",
        "expire": "ended",
        "supersede": "ended",
        "stop": "stopped",
    },
    "scheduled": {"launch": "live", "reject": "draft", "expire": "ended", "stop": "stopped"},
    "live": {"expire": "ended", "supersede": "ended", "stop": "stopped"},
    "ended": {},
    "stopped": {},
}
"""Status → action → status.

`submit`: it needs a second person. `publish`: it needs none. `approve`: that second person agrees. `reject`: back to its author.
`schedule` and `launch`: approved for a later moment, and that moment has come. `expire`: `expires` is past; also how a document that had
expired when it arrived is archived. `supersede`: an update or a cancel took its place. `stop`: nothing more of it is handed over.
"""

STATUSES: tuple[AlertStatus, ...] = get_args(AlertStatus)

_SENTENCES = {
    "draft": "is still a draft",
    "awaiting_approval": "waits for a second person's approval",
    "scheduled": "is scheduled",
    "live": "is live",
    "ended": "has ended",
    "stopped": "was stopped",
}
_AFTERWARDS = {
    "ended": "nothing more can be done with it; publish a new one",
    "stopped": "“update” and “cancel” tell whom it had reached; for anyone else publish a new one",
}


def may(status: AlertStatus, action: Action) -> bool:
    """Whether the action is possible in this state."""
    return action in TRANSITIONS[status]


def apply(status: AlertStatus, action: Action) -> AlertStatus:
    """The state that follows. Raises Conflict, which says what the state is and what is possible in it."""
    row = TRANSITIONS[status]
    if action not in row:
        possible = f"possible now: {', '.join(row)}" if row else _AFTERWARDS[status]
        raise Conflict(f"“{action}” is not possible: the alert {_SENTENCES[status]} ({possible}).")
    return row[action]
