"""The log, the server's secrets, and who everybody is."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text, UniqueConstraint

from folkmoot.store.schema.columns import Counting, at, community, count, flag, id_, ref, text

Table("events", community, id_(Counting), at("recorded_at"), text("body"), sqlite_autoincrement=True)
Table("cursors", community, Column("reader", Text, primary_key=True), Column("event_id", BigInteger, nullable=False))
Table("secrets", community, Column("name", Text, primary_key=True), text("value"))

Table(
    "accounts",
    community,
    id_(),
    # An account without a login (somebody who wrote a mail) has no name.
    text("name", null=True),
    text("name_key", null=True),
    # What others see: the name, or for an account without one the part of its address before the @.
    text("label"),
    text("display_name", default=""),
    flag("is_admin"),
    flag("is_program"),
    at("created_at"),
    at("banned_at", null=True),
    at("banned_until", null=True),
    at("suspended_at", null=True),
    UniqueConstraint("name_key"),
    sqlite_autoincrement=True,
)
Table("passwords", community, ref("account_id", "accounts.id", primary=True), text("hash"), at("changed_at"))
Table(
    "preferences",
    community,
    ref("account_id", "accounts.id", primary=True),
    text("avatar", null=True),
    text("matrix_user_id", null=True),
    flag("show_nsfw"),
    text("theme", default="darkly"),
    count("default_sort_type"),
    Column("default_listing_type", Integer, nullable=False, server_default="1"),
    text("lang", default="browser"),
    flag("show_avatars", True),
    flag("send_notifications_to_email"),
    UniqueConstraint("matrix_user_id"),
)
Table(
    "account_counts",
    community,
    ref("account_id", "accounts.id", primary=True),
    count("posts"),
    count("comments"),
    count("post_score"),
    count("comment_score"),
)
Table(
    "addresses",
    community,
    id_(),
    ref("account_id", "accounts.id"),
    text("address"),
    text("address_key"),
    at("verified_at", null=True),
    flag("is_primary"),
    UniqueConstraint("address_key"),
    Index("ix_addresses_account_id", "account_id"),
)
Table(
    "tokens",
    community,
    id_(),
    ref("account_id", "accounts.id"),
    # Which surface takes it: forum, lists, newsletter, mqtt (clients), mqtt_api (API keys), mqtt_login (dashboard).
    text("surface"),
    text("name"),
    # What is shown or sent beside the secret to find it: the API key, the first characters of a personal token.
    text("key", default=""),
    text("secret_hash"),
    text("scopes", default=""),
    text("description", default=""),
    flag("is_enabled", True),
    at("created_at"),
    at("expires_at", null=True),
    UniqueConstraint("surface", "secret_hash"),
    Index("ix_tokens_surface_name", "surface", "name"),
    Index("ix_tokens_surface_key", "surface", "key"),
    Index("ix_tokens_account_id", "account_id"),
    sqlite_autoincrement=True,
)
