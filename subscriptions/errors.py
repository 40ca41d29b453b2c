"""What can go wrong with what residents ask for.

::

    SubscriptionsError
    ├── UnreadableDocument    not UTF-8 JSON at all
    ├── InvalidSubscription   the request has faults; each names its JSON pointer and how to mend it
    ├── UnknownArea           no area of this name; carries suggestions
    ├── CityUnreadable        the folder of the city's areas can't be used; names the file and the feature
    ├── NotSubscribed         nobody is subscribed at the address that somebody writes from
    ├── LinkInvalid           a token that never existed or was forged
    ├── LinkExpired           an authentic token that was used up or is too old
    ├── TooManyRequests       a sign-up limit was reached; `after` in seconds, and whose limit it is
    └── VaultError            the keyring can't be read, or a sealed address does not open; never says what was inside
"""

from __future__ import annotations

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """One fault of a document: `pointer` is an RFC 6901 JSON pointer, `detail` says what and how to mend it."""

    pointer: str
    detail: str


class SubscriptionsError(Exception):
    """Whatever this package raises on purpose."""


class UnreadableDocument(SubscriptionsError):
    """What came is not UTF-8 JSON; says where it stops being so."""


class InvalidSubscription(SubscriptionsError):
    """The request has faults."""

    def __init__(self, errors: tuple[FieldError, ...]) -> None:
        super().__init__("; ".join(f"{error.pointer}: {error.detail}" for error in errors))
        self.errors = errors


class UnknownArea(SubscriptionsError):
    """No area has this name."""

    def __init__(self, name: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(name)
        self.name = name
        self.suggestions = suggestions


class CityUnreadable(SubscriptionsError):
    """The areas of a city can't be read; the message names the file, the feature and what is wrong."""


class NotSubscribed(SubscriptionsError):
    """The address that somebody writes from has no subscription."""


class LinkInvalid(SubscriptionsError):
    """The token never existed or was forged."""


class LinkExpired(SubscriptionsError):
    """The token was used up or is too old."""


class TooManyRequests(SubscriptionsError):
    """A sign-up limit was reached. `limit` is its name in `subscriptions.limits`, so that whoever waits is told what is full."""

    def __init__(self, after: float, limit: str = "") -> None:
        super().__init__(f"try again in {after:.0f} s")
        self.after, self.limit = after, limit


class VaultError(SubscriptionsError):
    """The keyring can't be read, or a sealed address does not open."""
