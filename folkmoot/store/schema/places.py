"""Spaces under their faces, and who subscribes to them."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Index, Integer, Table, Text, UniqueConstraint

from folkmoot.store.schema.columns import at, community, count, flag, id_, ref, text

Table(
    "site",
    community,
    id_(),
    text("name"),
    text("description", null=True),
    ref("creator_id", "accounts.id", cascade=False),
    at("created_at"),
    at("updated_at", null=True),
    flag("enable_downvotes", True),
    flag("open_registration", True),
    flag("enable_nsfw", True),
)
Table(
    "spaces",
    community,
    id_(),
    # The topic root: unique over all spaces, whatever face they were made through.
    text("name"),
    text("title"),
    text("description", null=True),
    ref("owner_id", "accounts.id", cascade=False),
    at("created_at"),
    at("updated_at", null=True),
    flag("removed"),
    flag("deleted"),
    UniqueConstraint("name"),
    Index("ix_spaces_owner_id", "owner_id"),
    sqlite_autoincrement=True,
)
Table(
    "forum_faces",
    community,
    ref("space_id", "spaces.id", primary=True),
    text("name"),
    Column("category_id", Integer, nullable=False),
    flag("nsfw"),
    UniqueConstraint("name"),
)
Table(
    "list_faces",
    community,
    ref("space_id", "spaces.id", primary=True),
    ref("owner_id", "accounts.id", cascade=False),
    text("name"),
    text("name_key"),
    text("visibility", default="PUBLIC"),
    # Bits: browse 1, reply 2, post 4, moderate 8.
    Column("nonsubscriber", Integer, nullable=False, server_default="7"),
    Column("subscriber", Integer, nullable=False, server_default="7"),
    Column("account", Integer, nullable=False, server_default="7"),
    text("permit_mime"),
    text("reject_mime"),
    UniqueConstraint("owner_id", "name_key"),
    CheckConstraint("visibility IN ('PUBLIC', 'UNLISTED', 'PRIVATE')", name="visibility"),
)
Table(
    "newsletter_faces",
    community,
    ref("space_id", "spaces.id", primary=True),
    text("uuid"),
    text("name"),
    # Whatever its case, for searching and sorting.
    text("name_key"),
    text("type"),
    text("optin"),
    text("status"),
    text("description", default=""),
    at("created_at"),
    at("updated_at"),
    UniqueConstraint("uuid"),
    Index("ix_newsletter_faces_created_at", "created_at", "space_id"),
    CheckConstraint("type IN ('private', 'public', 'temporary')", name="type"),
    CheckConstraint("optin IN ('single', 'double')", name="optin"),
    CheckConstraint("status IN ('active', 'archived')", name="status"),
)
Table(
    "newsletter_tags",
    community,
    ref("space_id", "spaces.id", primary=True),
    Column("tag", Text, primary_key=True),
    count("position"),
)
Table(
    "space_counts",
    community,
    ref("space_id", "spaces.id", primary=True),
    count("posts"),
    count("comments"),
    count("followers"),
    count("mail_subscribers"),
)
Table(
    "newsletter_counts",
    community,
    ref("space_id", "spaces.id", primary=True),
    Column("status", Text, primary_key=True),
    count("members"),
)
Table(
    "moderators",
    community,
    id_(),
    ref("space_id", "spaces.id"),
    ref("account_id", "accounts.id"),
    at("created_at"),
    UniqueConstraint("space_id", "account_id"),
    Index("ix_moderators_account_id", "account_id"),
)
Table(
    "space_bans",
    community,
    ref("space_id", "spaces.id", primary=True),
    ref("account_id", "accounts.id", primary=True),
    at("banned_at"),
    at("banned_until", null=True),
)

Table(
    "subscriptions",
    community,
    id_(),
    ref("account_id", "accounts.id"),
    ref("space_id", "spaces.id"),
    text("channel"),
    at("created_at"),
    at("updated_at"),
    UniqueConstraint("account_id", "space_id", "channel"),
    Index("ix_subscriptions_space_id_channel", "space_id", "channel"),
    CheckConstraint("channel IN ('forum', 'mail', 'newsletter')", name="channel"),
    sqlite_autoincrement=True,
)
Table(
    "memberships",
    community,
    ref("subscription_id", "subscriptions.id", primary=True),
    text("status"),
    CheckConstraint("status IN ('unconfirmed', 'confirmed', 'unsubscribed')", name="status"),
)
Table(
    "confirmations",
    community,
    id_(),
    ref("space_id", "spaces.id"),
    text("address"),
    text("address_key"),
    text("command"),
    text("token"),
    at("created_at"),
    UniqueConstraint("space_id", "address_key", "command"),
    UniqueConstraint("token"),
)
