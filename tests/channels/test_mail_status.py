"""Whom a mail server's no is about: the address, us, or neither. The words are those of Postfix, Exim, Exchange, Google and SES."""

from __future__ import annotations

import pytest

from channels.mail_status import enhanced_status, refuses_us, says_dead

ABOUT_US = [
    "550 Verification failed for <alerts@alerts.example>\nNo Such User Here\nSender verify failed",
    "550 Verification failed for <alerts@alerts.example>\nThe account or domain may not exist\nSender verify failed",
    "550 5.1.1 Sender verify failed",
    "550 Could not verify sender",
    "550 Invalid sender address",
    "550 5.1.0 <alerts@alerts.example>: Sender address rejected: User unknown in virtual mailbox table",
    "550 5.1.7 <alerts@alerts.example>: undeliverable address: unknown user",
    "550 5.1.8 Access denied, bad outbound sender",
    "553 5.7.1 <alerts@alerts.example>: Sender address rejected: not owned by user hub",
    "554 5.7.1 <ann@example.org>: Relay access denied",
    "550 relay not permitted",
    "550 5.7.1 Relaying denied. Proper authentication required",
    "550 5.7.1 Unable to relay for ann@example.org",
    "550 alerts.example is not permitted to relay through this server without authentication",
    "554 5.7.64 TenantAttribution; Relay Access Denied",
    "530 5.7.0 Authentication required",
    "550 5.7.60 SMTP; Client does not have permissions to send as this sender",
    "554 5.2.252 SendAsDenied; hub@alerts.example not allowed to send as alerts@alerts.example",
    "554 Message rejected: Email address is not verified. The following identities failed the check: alerts@alerts.example",
    "554 Message rejected: Sending suspended for this account",
    "550 5.4.5 Daily user sending limit exceeded",
]
ABOUT_THE_ADDRESS = [
    "550 User unknown",
    "550 No such user here",
    "550 5.1.1 <ann@example.org>: Recipient address rejected: User unknown in relay recipient table",
    "550 5.1.1 <sender@example.org> rejected: unknown",
    "550 5.1.1 User unknown; unable to verify address",
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
    "550 5.2.1 The email account that you tried to reach is disabled",
]
ABOUT_NEITHER = [
    "550 5.7.1 Message rejected",
    "550 5.7.1 The sender is not allowed to write to this recipient",
    "550 5.7.1 RESOLVER.RST.NotAuthorized; not authorized",
    "550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup; authentication required; the sender was not authenticated",
    "550 5.7.26 Unauthenticated email from alerts.example is not accepted due to the domain's DMARC policy",
    "550 SPF check failed: account invalid",
    "550 Mailbox not found in our policy",
    "550 Recipient verification: unknown user",
    "550 we don't want unknown.user@example.org to read this",
    "552 5.2.2 mailbox full",
]


def read(reply: str) -> tuple[bool, bool]:
    """(about us, about a dead address)."""
    code, _, words = reply.partition(" ")
    enhanced = enhanced_status(words)
    return refuses_us(int(code), enhanced, words), says_dead(enhanced, words)


@pytest.mark.parametrize("reply", ABOUT_US)
def test_what_is_said_of_our_address_or_our_right_to_relay_closes_nobodys(reply: str) -> None:
    assert read(reply) == (True, False)


@pytest.mark.parametrize("reply", ABOUT_THE_ADDRESS)
def test_an_address_that_is_gone_is_told_from_it(reply: str) -> None:
    assert read(reply) == (False, True)


@pytest.mark.parametrize("reply", ABOUT_NEITHER)
def test_a_receivers_own_policy_is_neither(reply: str) -> None:
    assert read(reply) == (False, False)
