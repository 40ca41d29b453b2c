"""What a mail server's words say about an address, in an answer to us or in a report to our mailbox.

Sources: RFC 3463 (enhanced status codes) and RFC 7505 (null MX).
"""

from __future__ import annotations

import re

_ENHANCED = re.compile(r"([245]\.\d{1,3}\.\d{1,3})\b")
_DEAD = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"})
"""No such mailbox, no such or no receiving domain, bad syntax, moved away, disabled. The sender's faults (5.1.7, 5.1.8), full mailboxes
(5.2.2) and refused contents (5.7) say nothing of the sort."""

_UNKNOWN_USER = re.compile(
    r"(user|mailbox|recipient|address|account).{0,40}(unknown|not found|not exist|no such|invalid|disabled)|(unknown|no such|invalid) "
    r"(user|mailbox|recipient|address|account)",
    re.IGNORECASE,
)


def enhanced_status(text: str) -> str:
    """The enhanced status code that a reply begins with, "" when there is none."""
    found = _ENHANCED.match(text)
    return found.group(1) if found else ""


def says_dead(enhanced: str, words: str = "") -> bool:
    """Whether the address is gone: by the code, else, where there is none, by a server's words about the recipient."""
    return enhanced in _DEAD if enhanced else bool(_UNKNOWN_USER.search(words))
