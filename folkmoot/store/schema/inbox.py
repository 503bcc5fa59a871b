"""What is for somebody: answers, mentions, what was saved, private messages."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, UniqueConstraint

from folkmoot.store.schema.columns import at, community, condition, count, flag, id_, ref, text


def unread(name: str, *columns: str) -> Index:
    return Index(name, *columns, sqlite_where=condition("NOT read"), postgresql_where=condition("NOT read"))


# An answer to somebody else's message, and whether that one has read it.
Table(
    "replies",
    community,
    ref("message_id", "messages.id", primary=True),
    ref("recipient_id", "accounts.id"),
    flag("read"),
    Index("ix_replies_recipient_id", "recipient_id", "message_id"),
    unread("ix_replies_unread", "recipient_id", "message_id"),
)
Table(
    "mentions",
    community,
    id_(),
    ref("recipient_id", "accounts.id"),
    ref("message_id", "messages.id"),
    flag("read"),
    UniqueConstraint("recipient_id", "message_id"),
    Index("ix_mentions_message_id", "message_id"),
    unread("ix_mentions_unread", "recipient_id", "message_id"),
    sqlite_autoincrement=True,
)
Table(
    "saved_messages",
    community,
    ref("account_id", "accounts.id", primary=True),
    ref("message_id", "messages.id", primary=True),
    at("saved_at"),
    Index("ix_saved_messages_message_id", "message_id"),
)
Table(
    "private_messages",
    community,
    id_(),
    ref("author_id", "accounts.id", cascade=False),
    ref("recipient_id", "accounts.id", cascade=False),
    text("body"),
    flag("read"),
    flag("deleted"),
    at("created_at"),
    at("updated_at", null=True),
    Index("ix_private_messages_author_id", "author_id", "id"),
    Index("ix_private_messages_recipient_id", "recipient_id", "id"),
    unread("ix_private_messages_unread", "recipient_id", "id"),
    sqlite_autoincrement=True,
)
# Accounts whose messages are being taken back: those up to `upto_id`, of which `done_id` was the last.
Table(
    "erasures",
    community,
    ref("account_id", "accounts.id", primary=True),
    Column("upto_id", Integer, nullable=False),
    count("done_id"),
    at("requested_at"),
)
# Tokens that were mailed to set a new password, by hash.
Table(
    "password_resets",
    community,
    Column("token_hash", Text, primary_key=True),
    ref("account_id", "accounts.id"),
    at("created_at"),
    Index("ix_password_resets_account_id", "account_id"),
)
