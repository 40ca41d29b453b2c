"""The hand-over itself: to the channel, in one of its host's places where it has hosts, and how long the answer took."""

from __future__ import annotations

import time
from collections.abc import Coroutine

from channels.contract import DeliveryFailed, NotAsked, Receipt, Recipient, Uncertain, Unreachable
from hub.delivery.sending.hosts import Host
from hub.delivery.sending.lanes import Job, Lane


def hand(lane: Lane, host: Host | None, job: Job, recipient: Recipient) -> Coroutine[None, None, Receipt]:
    """What the channel answers. Raises DeliveryFailed, of it NotAsked at once while the host rests."""
    return _ask(lane, job, recipient) if host is None else _at_host(lane, host, job, recipient)


async def _ask(lane: Lane, job: Job, recipient: Recipient) -> Receipt:
    began = time.monotonic()
    try:
        receipt = await job.channel.deliver(job.draft, recipient)
    except NotAsked:
        raise
    except DeliveryFailed:
        lane.took.note(time.monotonic() - began)
        raise
    lane.took.note(time.monotonic() - began)
    return receipt


async def _at_host(lane: Lane, host: Host, job: Job, recipient: Recipient) -> Receipt:
    """Keep how the host did."""
    if not host.enter():
        if job.work.limited:
            lane.credit_back()  # whoever is well must not wait for those whose host is not even asked
        raise NotAsked("the receiver's host does not answer", host.rests_s)
    began = time.monotonic()
    try:
        receipt = await job.channel.deliver(job.draft, recipient)
    except (Unreachable, Uncertain):
        lane.took.note(time.monotonic() - began)
        host.failed()
        raise
    except NotAsked:
        host.abandoned()
        raise
    except DeliveryFailed:
        lane.took.note(host.answered(began, alone=lane.has_idle))
        raise
    except BaseException:
        host.abandoned()
        raise
    else:
        lane.took.note(host.answered(began, alone=lane.has_idle))
        return receipt
    finally:
        lane.left(host)
