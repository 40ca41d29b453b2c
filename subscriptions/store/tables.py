"""The tables of people's places, choices, addresses and consent.

Times are milliseconds since 1970 UTC. Addresses are sealed; the only way to find one is its keyed hash.
Numbers of people and addresses are never given out again (SQLite's plain row numbers would be): links in old messages and rows of the
ledger name them, and would fall to a stranger. A `merged` address was confirmed by the person of another subscription, to which the places
of this sign-up then went.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, LargeBinary, MetaData, String, Table, Text, text

metadata = MetaData()

# SQLite hands out row numbers only for INTEGER PRIMARY KEY, PostgreSQL needs room for more than 2^31 rows.
_Key = BigInteger().with_variant(Integer, "sqlite")

quiet_rule = Table(
    "quiet_rule",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("rule", Text, nullable=False, unique=True),  # JSON of subscriptions.quiet_hours.QuietHours; never changed, shared by many
)

subscriber = Table(
    "subscriber",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("public_id", String(40), nullable=False, unique=True),
    Column("status", String(12), nullable=False),  # pending | active | ended | passing: wrote to us once and is only answered
    Column("language", Integer, nullable=False),  # subscriptions.languages.number
    Column("topics", Integer, nullable=False),  # subscriptions.topics.mask
    Column("minimum_severity", Integer, nullable=False),  # subscriptions.severity.rank
    Column("drills", Integer, nullable=False, server_default=text("0")),
    Column("severities", BigInteger, nullable=False, server_default=text("0")),  # subscriptions.topics.levels: topics with one of their own
    Column("quiet", _Key, nullable=True),  # a number of quiet_rule: when only what can't wait may come
    Column("paused_until", BigInteger, nullable=True),  # nothing comes before
    Column("discreet", Integer, nullable=False, server_default=text("0")),  # neutral sender and words, no sound
    Column("label", String(80), nullable=True),  # only for samples: "Sample, 11201"
    Column("sample", Integer, nullable=False, server_default=text("0")),
    Column("epoch", Integer, nullable=False, server_default=text("0")),  # in every link of a message: raised by hand, it voids all of them
    Column("created_at", BigInteger, nullable=False),
    Column("confirmed_at", BigInteger, nullable=True),
    Index(
        "subscriber_by_pause",
        "paused_until",
        sqlite_where=text("paused_until IS NOT NULL"),
        postgresql_where=text("paused_until IS NOT NULL"),
    ),
    sqlite_autoincrement=True,
)

place = Table(
    "place",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("subscriber", _Key, ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("area", String(80), nullable=True),  # "zip:11201", "neighborhood:QN0103", "borough:4", "city"; null for a point or a shape
    Column("lat", Float, nullable=True),
    Column("lon", Float, nullable=True),
    Column("radius_m", Float, nullable=True),
    Column("shape", Text, nullable=True),  # GeoJSON Polygon of a place that was drawn
    Column("label", String(80), nullable=True),
)

address = Table(
    "address",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("subscriber", _Key, ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("channel", String(20), nullable=False),
    Column("state", String(12), nullable=False),  # unconfirmed | active | dead | stopped | merged | answered
    Column("lookup", LargeBinary(32), nullable=False),  # keyed hash of (channel, canonical address)
    Column("sealed", LargeBinary, nullable=False),  # nonce + AES-GCM ciphertext
    Column("key_id", Integer, nullable=False),
    Column("simulated", Integer, nullable=False, server_default=text("0")),  # always to the outbox: samples
    Column("confirm_hash", LargeBinary(32), nullable=True, unique=True),  # of the random token in the confirmation
    Column("asked_at", BigInteger, nullable=True),  # last confirmation asked for
    Column("asked", Integer, nullable=False, server_default=text("0")),
    Column("confirmed_at", BigInteger, nullable=True),
    Column("stopped_at", BigInteger, nullable=True),  # said STOP then; kept for a week, so that a word brings it back
    Column("created_at", BigInteger, nullable=False),
    Index("address_by_lookup", "lookup", "state"),
    sqlite_autoincrement=True,
)

access = Table(
    "access",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),  # SHA-256 of the random token
    Column("subscriber", _Key, ForeignKey("subscriber.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("purpose", String(12), nullable=False),  # manage | one_use
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=True),
)

consent = Table(
    "consent",
    metadata,
    Column("id", _Key, primary_key=True),
    Column("subscriber_public_id", String(40), nullable=False, index=True),  # outlives the subscriber, names nobody
    # asked | confirmed | changed | stopped | deleted | imported | dead | complained | renewed
    Column("action", String(24), nullable=False),
    Column("channel", String(20), nullable=True),
    Column("source", String(120), nullable=False),  # web | api | telegram | import: …
    Column("policy", String(20), nullable=False),
    Column("at", BigInteger, nullable=False),
)

signup = Table(
    "signup",
    metadata,
    # half a keyed hash of the client, address or prefix, half of it and the kind of limit: see subscriptions.limits
    Column("bucket", LargeBinary(32), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("expires_at", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

heard = Table(
    "heard",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),  # keyed hash of what tells one message from another, or of a part's place in it
    Column("content", LargeBinary, nullable=False),  # keyed hash of what was said; of a part that waits for the others, its sealed words
    Column("key_id", Integer, nullable=False, server_default=text("0")),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

audience_change = Table(
    "audience_change",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),  # taken from audience_counter inside the writing transaction
    Column("subscriber", _Key, nullable=False),
)

audience_counter = Table(
    "audience_counter",
    metadata,
    Column("id", Integer, primary_key=True),  # one row, locked last in each writing transaction
    Column("seq", BigInteger, nullable=False),
)
