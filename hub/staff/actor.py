"""Whoever does something that must be answered for later."""

from __future__ import annotations

from typing import Literal

import msgspec

from hub.errors import Forbidden
from hub.staff.roles import Action, may


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """A person who is logged in, a program with a token, or the hub itself."""

    kind: Literal["staff", "token", "system"]
    id: int
    """Row number in its own table; 0 for the system."""
    name: str
    agency: str
    role: str

    @property
    def label(self) -> str:
        """How the audit log and an alert's author name it, e.g. ``staff:3 night-desk``. Different labels are different persons (S1)."""
        return f"{self.kind}:{self.id} {self.name}"

    def require(self, action: Action) -> None:
        """Raises Forbidden when the role does not allow the action. The hub itself is not bound by roles."""
        if self.kind != "system" and not may(self.role, action):
            raise Forbidden(f"The role {self.role!r} may not do this ({action}).")


SYSTEM = Actor(kind="system", id=0, name="tocsin", agency="", role="system")
