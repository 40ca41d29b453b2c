"""How long a backup of a large hub takes, how large it is, and how long until a hub stands again: ``python -m benchmarks.backup [PEOPLE]``.

Everybody has 1.3 places, 1.2 sealed addresses and a consent; one alert has reached them all, so the ledger holds a row for each address.
Backup and restore are the commands themselves, each a process of its own, whose greatest memory is told. One line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from hub.store.database import connect, database_url
from hub.store.migrate import upgrade
from subscriptions.vault import Keyring, open_keyring

NOW = 1_790_000_000_000
PASSPHRASE = "a passphrase for a benchmark"


def main(people: int) -> None:
    """Make the hub, then measure."""
    with tempfile.TemporaryDirectory(prefix="tocsin-backup-") as folder:
        old, new, file = Path(folder) / "old", Path(folder) / "new", Path(folder) / "hub.backup"
        old.mkdir()
        fill(old, people)
        taken, taking_mb = run("backup", str(file), "--data", str(old))
        made, making_mb = run("restore", str(file), "--data", str(new))
        figures = {
            "people": people,
            "database_mb": round((old / "tocsin.db").stat().st_size / 1e6),
            "backup_mb": round(file.stat().st_size / 1e6),
            "backup_s": round(taken, 1),
            "backup_peak_mb": taking_mb,
            "restore_and_check_s": round(made, 1),
            "restore_and_check_peak_mb": making_mb,
        }
        print(json.dumps(figures))


def run(*command: str) -> tuple[float, int]:
    """Seconds, and the greatest memory of any command so far in MB."""
    began = time.perf_counter()
    environ = os.environ | {"TOCSIN_BACKUP_PASSPHRASE": PASSPHRASE}
    subprocess.run([sys.executable, "-m", "hub", *command], check=True, env=environ, stdout=sys.stderr)
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024


def fill(folder: Path, people: int) -> None:
    """A hub with so many people."""
    keyring = open_keyring(folder, create=True)
    upgrade(database_url("", folder))
    connection = connect(folder / "tocsin.db")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO subscriber(id, public_id, status, language, topics, minimum_severity, created_at, confirmed_at)"
        " VALUES (?,?,'active',?,2047,1,?,?)",
        ((number, f"sub_{secrets.token_urlsafe(12)}", number % 3, NOW, NOW) for number in range(1, people + 1)),
    )
    connection.executemany(
        "INSERT INTO place(subscriber, area) VALUES (?,?)",
        ((number % people + 1, f"zip:11{number % 200:03}") for number in range(int(people * 1.3))),
    )
    connection.executemany(
        "INSERT INTO address(subscriber, channel, state, lookup, sealed, key_id, created_at, confirmed_at) VALUES (?,?,'active',?,?,?,?,?)",
        addresses(keyring, people),
    )
    connection.executemany(
        "INSERT INTO consent(subscriber_public_id, action, channel, source, policy, at) VALUES (?,'confirmed','email','web','2026-01',?)",
        ((f"sub_{secrets.token_urlsafe(12)}", NOW) for _ in range(people)),
    )
    delivered(connection)
    connection.execute("COMMIT")
    connection.close()


def addresses(keyring: Keyring, people: int) -> Iterator[tuple[object, ...]]:
    """1.2 for each."""
    for number in range(int(people * 1.2)):
        text = f"somebody.{number}@mail.example"
        key_id, sealed = keyring.seal("email", text)
        yield number % people + 1, "email", keyring.lookup("email", text), sealed, key_id, NOW, NOW


def delivered(connection: sqlite3.Connection) -> None:
    """One mailing that is done."""
    connection.execute(
        "INSERT INTO mailing(id, purpose, priority, state, created_at, expires_at) VALUES (1,'alert',2,'done',?,?)", (NOW, NOW + 3_600_000)
    )
    rows = connection.execute(
        "INSERT INTO delivery(mailing, address, outcome, batch, attempt, at) SELECT 1, id, 1, id/1000, 1, ? FROM address", (NOW,)
    ).rowcount
    for outcome in ("planned", "handed_over"):
        connection.execute("INSERT INTO counter(mailing, channel, outcome, node, count) VALUES (1,'email',?,0,?)", (outcome, rows))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
