"""`tocsin settings`: every setting with its value and where it came from, and which values can't be."""

from __future__ import annotations

import msgspec

from hub.settings import SETTINGS, Settings
from hub.settings_rules import Fault, faults, masked


class Line(msgspec.Struct, frozen=True):
    """One setting as it is shown. `fault` says what is expected instead, None when the value can be."""

    variable: str
    value: str
    origin: str
    help: str
    fault: Fault | None

    @property
    def meaning(self) -> str:
        """What it is for, or what is wrong with it."""
        if self.fault is None:
            return self.help
        return f"{'left out' if self.fault.left_out else 'wrong'}: {self.fault.said}"

    @property
    def style(self) -> str:
        """The colour of that."""
        return "red" if self.wrong else "yellow" if self.fault else ""

    @property
    def wrong(self) -> str | None:
        """Why no hub starts with it."""
        return self.fault.said if self.fault and not self.fault.left_out else None


def lines(settings: Settings) -> list[Line]:
    """All settings in the order of the table; secrets only as being set."""
    found = {fault.name: fault for fault in faults(settings)}
    return [
        Line(
            f"TOCSIN_{setting.name.upper()}",
            "(set)" if setting.secret and getattr(settings, setting.name) else masked(getattr(settings, setting.name)),
            settings.origins[setting.name],
            setting.help,
            found.get(setting.name),
        )
        for setting in SETTINGS
    ]
