"""The links of one message that are its reader's alone."""

from __future__ import annotations

from collections.abc import Collection

from hub.delivery.sending.frames import To, Work
from subscriptions.links import LinkPurpose, Links
from subscriptions.return_path import ReturnPaths


class PersonalLinks:
    """Made with the keyring's key."""

    def __init__(self, key: bytes, public_url: str, bounces: str) -> None:
        self._links, self._return_paths = Links(key, public_url), ReturnPaths(key, bounces)

    def of(self, work: Work, to: To, slots: Collection[str]) -> dict[str, str]:
        """What stands in these places of the draft."""
        if not slots:
            return {}
        numbers: dict[LinkPurpose, int] = {"why": to.epoch, "unsubscribe": to.epoch, "confirm": work.serial, "access": work.serial}
        links: dict[str, str] = {
            name: self._links.url(name, to.subscriber, to.address, number, work.mailing if name == "why" else 0)
            for name, number in numbers.items()
            if name in slots
        }
        if "bounce" in slots:
            links["bounce"] = self._return_paths.of(to.address)
        return links
