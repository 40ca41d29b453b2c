"""What a sender asks of the operating system before it begins."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG = 1
_DESCRIPTORS = 8192
"""Open sockets: with thousands of hosts the usual 1024 are too few."""
_LOOK_UPS = "32"
"""Names that are looked up at once. With libuv's own 4, four hosts whose name servers are silent would hold up all others."""


def end_with_parent() -> None:
    """Linux ends this process at the moment when the coordinator's ends, even while it is stopped: nobody is there to settle what it would
    send. Elsewhere it ends as soon as it finds its socket closed."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def allow_many_hosts() -> None:
    """Sockets and look-ups for thousands of hosts; before an event loop runs, since libuv makes its threads once."""
    os.environ["UV_THREADPOOL_SIZE"] = _LOOK_UPS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
