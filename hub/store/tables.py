"""The hub's own tables: alerts, the ledger that is also the queue, staff and the audit chain.

Times are milliseconds since 1970 UTC. Documents are JSON text.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

metadata = MetaData()

_Key = BigInteger().with_variant(Integer, "sqlite")

alert = Table(
    "alert",
    metadata,
    Column("number", _Key, primary_key=True),
    Column("id", String(40), nullable=False, unique=True),
    Column("chain", String(40), nullable=False, index=True),  # id of the first alert that this one updates or cancels
    Column("status", String(20), nullable=False),  # hub.alerts.lifecycle
    Column("agency", String(80), nullable=False),
    Column("source", String(20), nullable=False),  # console | api | cap | demo
    Column("identifier", String(200), nullable=True),  # of the CAP document it came from: (sender, identifier, sent) are unique
    Column("sender", String(200), nullable=True),
    Column("sent_at", BigInteger, nullable=False),
    Column("grade", Integer, nullable=False),  # severity rank by our own rule
    Column("document", Text, nullable=False),  # hub.alerts.alert.Alert
    Column("area", Text, nullable=False),  # resolved area keys and shapes, frozen with the document
    Column("hash", String(64), nullable=False),  # SHA-256 over what is approved: text, area, channels, audience rule
    Column("audience", Integer, nullable=False, server_default=text("0")),  # people when it was drafted
    Column("author", String(120), nullable=False),
    Column("approver", String(120), nullable=True),
    Column("created_at", BigInteger, nullable=False),
    Column("approved_at", BigInteger, nullable=True),
    Column("live_at", BigInteger, nullable=True, index=True),
    Column("ended_at", BigInteger, nullable=True),
    Column("send_at", BigInteger, nullable=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
    Column("warnings", Text, nullable=False, server_default=text("'[]'")),  # what reading it left out or repaired
    Index("alert_by_cap", "sender", "identifier", "sent_at", unique=True),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("actor", String(120), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("body_hash", LargeBinary(32), nullable=False),
    Column("alert", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
)

mailing = Table(
    "mailing",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("purpose", String(12), nullable=False),  # channels.contract.Purpose
    Column("alert", _Key, ForeignKey("alert.number"), nullable=True, index=True),
    Column("parameters", Text, nullable=False, server_default=text("'{}'")),  # JSON for texts that are not alerts
    Column("priority", Integer, nullable=False),  # 0 first
    Column("state", String(10), nullable=False),  # launched | planned | done | refused (was altered) | stopped (by a person, or replaced)
    Column("matched", Integer, nullable=False, server_default=text("0")),  # people
    Column("created_at", BigInteger, nullable=False),
    Column("planned_at", BigInteger, nullable=True),
    Column("expires_at", BigInteger, nullable=False),
    Column("waits_for", Integer, nullable=False, server_default=text("0")),  # subscriptions.quiet_hours.WaitsFor
    Index("mailing_by_state", "state", "priority"),
)

node = Table(
    "node",
    metadata,
    Column("id", _Key, primary_key=True),  # a new one at each start, so a lease never outlives the process that took it
    Column("name", String(80), nullable=False),  # host and process, for people
    Column("role", String(10), nullable=False),  # all | web | deliver
    Column("signals", Integer, nullable=False),  # 1 when it hears the others over Redis
    Column("started_at", BigInteger, nullable=False),  # by the database's clock, as is the next
    Column("beat_at", BigInteger, nullable=False),
    sqlite_autoincrement=True,
)

# What nodes count, each in rows of its own, so that they never wait for each other; whoever reads adds them up.

counter = Table(
    "counter",
    metadata,
    Column("mailing", _Key, ForeignKey("mailing.id"), primary_key=True),
    Column("channel", String(20), primary_key=True),
    Column(
        "outcome", String(20), primary_key=True
    ),  # "planned", "possible_duplicate", "confirmed" and the names of hub.delivery.sending.outcome.Outcome
    Column("node", _Key, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

pace = Table(
    "pace",
    metadata,
    Column("mailing", _Key, ForeignKey("mailing.id"), primary_key=True),
    Column("node", _Key, primary_key=True),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("latencies", LargeBinary, nullable=False),  # hub.delivery.ledger.latency.Histogram
)

batch = Table(
    "batch",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("mailing", _Key, ForeignKey("mailing.id"), nullable=False, index=True),
    Column("channel", String(20), nullable=False),
    Column("language", String(10), nullable=False),
    Column("simulated", Integer, nullable=False),
    Column("discreet", Integer, nullable=False, server_default=text("0")),  # neutral sender and words, no sound
    Column("priority", Integer, nullable=False),
    Column("turn", BigInteger, nullable=False, server_default=text("0")),  # within a priority, so that mailings and agencies share fairly
    Column("due_at", BigInteger, nullable=False),
    Column("held", Integer, nullable=False, server_default=text("0")),  # due only when the quiet hours of its people end
    Column("attempt", Integer, nullable=False),  # 1 for the first try
    Column("state", Integer, nullable=False),  # 0 waiting, 1 leased, 2 lost by who had it; a finished one is deleted
    Column("node", _Key, nullable=True),  # who has it, or had it last; null when nobody ever did
    Column("addresses", LargeBinary, nullable=False),  # little-endian int64 address ids, at most 1000
    Index("batch_by_turn", "channel", "state", "priority", "turn", "due_at"),
    Index("batch_lost", "id", sqlite_where=text("state=2"), postgresql_where=text("state=2")),
    Index("batch_held", "due_at", sqlite_where=text("held=1"), postgresql_where=text("held=1")),
)

delivery = Table(
    "delivery",
    metadata,
    Column("mailing", _Key, primary_key=True),
    Column("address", _Key, primary_key=True),
    Column("outcome", Integer, nullable=False),  # hub.delivery.sending.outcome.Outcome
    Column("batch", BigInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("reason", String(80), nullable=True),
    Column("confirmed_at", BigInteger, nullable=True),  # its reader said so (S16)
    sqlite_with_rowid=False,
)

posted = Table(
    "posted",
    metadata,
    Column("mailing", _Key, primary_key=True),
    Column("address", _Key, primary_key=True),
    Column("message", BigInteger, nullable=False),  # its number in its chat, so that a later one can answer it and strike it through
    sqlite_with_rowid=False,
)

catch_up = Table(
    "catch_up",
    metadata,
    Column("subscriber", _Key, primary_key=True, autoincrement=False),  # joined or moved: is owed what is still live there
    Column("asked", Integer, nullable=False, server_default=text("1")),  # how often: a debt that grew while it was paid stays
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("mailing", _Key, nullable=False),
    Column("address", _Key, nullable=False),
    Column("channel", String(20), nullable=False),
    Column("copy", Text, nullable=False),  # JSON of the words that would have gone
    Column("at", BigInteger, nullable=False),
)

secret = Table(
    "secret",
    metadata,
    Column("name", String(20), primary_key=True),  # what all nodes must have the same: "vapid"
    Column("key_id", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # under the keyring, as addresses are
)

account = Table(
    "account",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("agency", String(80), nullable=False),
    Column("role", String(20), nullable=False),
    Column("password", String(200), nullable=False),  # Argon2id
    Column("disabled", Integer, nullable=False, server_default=text("0")),
    Column("created_at", BigInteger, nullable=False),
)

session = Table(
    "session",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),  # SHA-256 of the random cookie
    Column("account", _Key, ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("agency", String(80), nullable=False),
    Column("role", String(20), nullable=False),
    Column("disabled", Integer, nullable=False, server_default=text("0")),
    Column("created_at", BigInteger, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", _Key, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(120), nullable=False),
    Column("action", String(40), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("details", Text, nullable=False),  # JSON without addresses
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),  # SHA-256 over previous and every other field
)

incident = Table(
    "incident",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("agency", String(80), nullable=False),
    Column("title", String(200), nullable=False),
    Column("place", String(80), nullable=True),  # area key such as "zip:11201", never a point (V11)
    Column("created_at", BigInteger, nullable=False),
)

video = Table(
    "video",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("incident", String(40), ForeignKey("incident.id"), nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("public", Integer, nullable=False, server_default=text("0")),
    Column("share_with_agencies", Integer, nullable=False, server_default=text("0")),
    Column("manage_hash", LargeBinary(32), nullable=False, unique=True),
    Column("receipt", Text, nullable=False),  # JSON consent receipts, one per choice
    Column("reviewer", String(120), nullable=True),  # label of who let it be shown: what strangers send waits for a person (S14)
    Column("created_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, nullable=True),
)
