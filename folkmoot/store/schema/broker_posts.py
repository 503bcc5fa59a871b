"""Which MQTT publishes at QoS 2 have become posts; kept with the posts, so that both are committed or neither."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, Table

from folkmoot.store.schema.columns import at, community, ref

# One row per packet identifier of a client; `content_key` is the SHA-256 of the last post that came under it.
_posts = Table(
    "mqtt_posts",
    community,
    ref("account_id", "accounts.id", primary=True),
    # SHA-256 of the client identifier, which may be longer than an index takes.
    Column("client_key", LargeBinary, primary_key=True),
    Column("packet_id", Integer, primary_key=True, autoincrement=False),
    Column("content_key", LargeBinary, nullable=False),
    at("taken_at"),
)
Index(None, _posts.c.taken_at)
