"""What a mail server's words say about an address or about us, in an answer to us or in a report to our mailbox.

Many servers give their reason in words alone, and the same words mean one thing of a receiver and another of a sender: "no such user" in a
refusal of *our* address, which a server looked up before it took our mail, would otherwise close everybody's.

Sources: RFC 3463 (enhanced status codes), RFC 7505 (null MX), RFC 7372 (authentication); Postfix, Exim, Exchange and SES for the words.
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

_LOG_IN_FIRST = 530
_OURS = frozenset({"5.1.7", "5.1.8", "5.2.252", "5.4.5", "5.7.60"})
"""Our address has bad syntax or a bad domain, we may not write as it (Exchange, twice), our quota is used up (Google)."""

_REFUSES_US = re.compile(
    r"sender\b.{0,20}\b(reject|refus|denied|invalid|unknown|verif|not (owned|allowed|permitted|authori[sz]ed|verified|found|exist))"
    r"|(bad|invalid|unknown|unauthori[sz]ed|unverified) (outbound |envelope )?sender|verif\w* (the )?sender|verification failed for"
    r"|is not verified|sendasdenied|to send as\b|sending.{0,20}(limit|quota|suspended|paused|disabled)"
    r"|relay(ing)?\b.{0,20}(denied|not (permitted|allowed)|prohibited|forbidden)|(unable|not|n't|cannot)( permitted| allowed)? (to )?relay",
    re.IGNORECASE | re.DOTALL,
)
_OF_THE_RECEIVER = re.compile(r"\brecipient", re.IGNORECASE)
"""Beside words about a sender: one person's own list of whom they take, which the next provider would meet as well."""

_ADDRESS = re.compile(r"\S+@\S+")
"""Left out before the words are read: a mailbox may be named ``unknown.sender``."""

_NOT_OF_THE_ADDRESS = re.compile(r"sender|verif|relaying|relay (access|not)|\b(spf|dkim|dmarc)\b|policy|policies", re.IGNORECASE)


def enhanced_status(text: str) -> str:
    """The enhanced status code that a reply begins with, "" when there is none."""
    found = _ENHANCED.match(text)
    return found.group(1) if found else ""


def refuses_us(code: int, enhanced: str, words: str) -> bool:
    """Whether a server's no is about our address, our log-in, our quota or our right to relay, and would meet everybody alike.

    5.7.1 alone may also be the receiver's own choice, so that only the words tell.
    """
    if code == _LOG_IN_FIRST or enhanced in _OURS:
        return True
    said = _ADDRESS.sub("@", words)
    return bool(_REFUSES_US.search(said)) and not _OF_THE_RECEIVER.search(said)


def says_dead(enhanced: str, words: str = "") -> bool:
    """Whether the address is gone: by the code, else, where there is none, by a server's words about the recipient.

    Words about us take it back, whatever the code; without a code so do all that may be about us.
    """
    if enhanced:
        return enhanced in _DEAD and not refuses_us(0, enhanced, words)
    said = _ADDRESS.sub("@", words)
    return bool(_UNKNOWN_USER.search(said)) and not _NOT_OF_THE_ADDRESS.search(said)
