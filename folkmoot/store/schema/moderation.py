"""What moderators and administrators did."""

from __future__ import annotations

from sqlalchemy import Index, Table

from folkmoot.store.schema.columns import at, community, flag, id_, ref, text

# One row per act; what it was done to is in those of the columns that its word needs.
Table(
    "acts",
    community,
    id_(),
    # post.removed, post.locked, post.stickied, comment.removed, space.removed, space.banned, site.banned, space.appointed,
    # site.appointed
    text("act"),
    ref("moderator_id", "accounts.id", cascade=False),
    ref("space_id", "spaces.id", null=True),
    ref("message_id", "messages.id", null=True),
    ref("account_id", "accounts.id", null=True, cascade=False),
    # Was it done, or undone?
    flag("done"),
    text("reason", null=True),
    at("expires_at", null=True),
    at("acted_at"),
    Index("ix_acts_act", "act", "id"),
    Index("ix_acts_space_id", "space_id", "act", "id"),
    Index("ix_acts_moderator_id", "moderator_id", "act", "id"),
    sqlite_autoincrement=True,
)
