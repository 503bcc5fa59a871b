"""All tables, for migrations and for reading about: what is kept, under which key, found by which index.

`community` holds what people say, `broker` what the message broker must remember; two files (or two PostgreSQL schemas),
so that neither writer waits for the other. Instants are whole microseconds since 1970 in UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    text,
)
from sqlalchemy.sql import expression

_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
community = MetaData(naming_convention=_NAMES)
broker = MetaData(naming_convention=_NAMES)

# SQLite counts up only columns of exactly this type.
_Counting = BigInteger().with_variant(Integer, "sqlite")


def _id(kind: type | object = Integer) -> Column[int]:
    return Column("id", kind, primary_key=True)  # type: ignore[arg-type]


def _ref(name: str, target: str, *, null: bool = False, cascade: bool = True, primary: bool = False) -> Column[int]:
    foreign = ForeignKey(target, ondelete="CASCADE" if cascade else None)
    return Column(name, Integer, foreign, nullable=null, primary_key=primary, autoincrement=False)


def _at(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _text(name: str, *, null: bool = False, default: str | None = None) -> Column[str]:
    return Column(name, Text, nullable=null, server_default=default)


def _flag(name: str, default: bool = False) -> Column[bool]:
    return Column(name, Boolean, nullable=False, server_default=expression.true() if default else expression.false())


def _count(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default="0")


def _day(column: str) -> TextClause:
    """The day of an instant; queries must write it exactly like this to find the index."""
    return text(f"({column} / 86400000000)")


# --- the log, settings ----------------------------------------------------------------------------------------------

Table("events", community, _id(_Counting), _at("recorded_at"), _text("body"), sqlite_autoincrement=True)
Table("cursors", community, Column("reader", Text, primary_key=True), Column("event_id", BigInteger, nullable=False))
Table("secrets", community, Column("name", Text, primary_key=True), _text("value"))

# --- accounts -------------------------------------------------------------------------------------------------------

Table(
    "accounts",
    community,
    _id(),
    # An account without a login (somebody who wrote a mail) has no name.
    _text("name", null=True),
    _text("name_key", null=True),
    # What others see: the name, or for an account without one the part of its address before the @.
    _text("label"),
    _text("display_name", default=""),
    _flag("is_admin"),
    _flag("is_program"),
    _at("created_at"),
    _at("banned_at", null=True),
    _at("banned_until", null=True),
    _at("suspended_at", null=True),
    UniqueConstraint("name_key"),
    sqlite_autoincrement=True,
)
Table("passwords", community, _ref("account_id", "accounts.id", primary=True), _text("hash"), _at("changed_at"))
Table(
    "preferences",
    community,
    _ref("account_id", "accounts.id", primary=True),
    _text("avatar", null=True),
    _text("matrix_user_id", null=True),
    _flag("show_nsfw"),
    _text("theme", default="darkly"),
    _count("default_sort_type"),
    Column("default_listing_type", Integer, nullable=False, server_default="1"),
    _text("lang", default="browser"),
    _flag("show_avatars", True),
    _flag("send_notifications_to_email"),
    UniqueConstraint("matrix_user_id"),
)
Table(
    "account_counts",
    community,
    _ref("account_id", "accounts.id", primary=True),
    _count("posts"),
    _count("comments"),
    _count("post_score"),
    _count("comment_score"),
)
Table(
    "addresses",
    community,
    _id(),
    _ref("account_id", "accounts.id"),
    _text("address"),
    _text("address_key"),
    _at("verified_at", null=True),
    _flag("is_primary"),
    UniqueConstraint("address_key"),
    Index("ix_addresses_account_id", "account_id"),
)
Table(
    "tokens",
    community,
    _id(),
    _ref("account_id", "accounts.id"),
    # Which surface takes it: forum, lists, newsletter, mqtt (clients), mqtt_api (API keys), mqtt_login (dashboard).
    _text("surface"),
    _text("name"),
    # What is shown or sent beside the secret to find it: the API key, the first characters of a personal token.
    _text("key", default=""),
    _text("secret_hash"),
    _text("scopes", default=""),
    _text("description", default=""),
    _flag("is_enabled", True),
    _at("created_at"),
    _at("expires_at", null=True),
    UniqueConstraint("surface", "secret_hash"),
    Index("ix_tokens_surface_name", "surface", "name"),
    Index("ix_tokens_surface_key", "surface", "key"),
    Index("ix_tokens_account_id", "account_id"),
    sqlite_autoincrement=True,
)

# --- spaces ---------------------------------------------------------------------------------------------------------

Table(
    "site",
    community,
    _id(),
    _text("name"),
    _text("description", null=True),
    _ref("creator_id", "accounts.id", cascade=False),
    _at("created_at"),
    _at("updated_at", null=True),
    _flag("enable_downvotes", True),
    _flag("open_registration", True),
    _flag("enable_nsfw", True),
)
Table(
    "spaces",
    community,
    _id(),
    # The topic root: unique over all spaces, whatever face they were made through.
    _text("name"),
    _text("title"),
    _text("description", null=True),
    _ref("owner_id", "accounts.id", cascade=False),
    _at("created_at"),
    _at("updated_at", null=True),
    _flag("removed"),
    _flag("deleted"),
    UniqueConstraint("name"),
    Index("ix_spaces_owner_id", "owner_id"),
    sqlite_autoincrement=True,
)
Table(
    "forum_faces",
    community,
    _ref("space_id", "spaces.id", primary=True),
    _text("name"),
    Column("category_id", Integer, nullable=False),
    _flag("nsfw"),
    UniqueConstraint("name"),
)
Table(
    "list_faces",
    community,
    _ref("space_id", "spaces.id", primary=True),
    _ref("owner_id", "accounts.id", cascade=False),
    _text("name"),
    _text("name_key"),
    _text("visibility", default="PUBLIC"),
    # Bits: browse 1, reply 2, post 4, moderate 8.
    Column("nonsubscriber", Integer, nullable=False, server_default="7"),
    Column("subscriber", Integer, nullable=False, server_default="7"),
    Column("account", Integer, nullable=False, server_default="7"),
    _text("permit_mime"),
    _text("reject_mime"),
    UniqueConstraint("owner_id", "name_key"),
    CheckConstraint("visibility IN ('PUBLIC', 'UNLISTED', 'PRIVATE')", name="visibility"),
)
Table(
    "newsletter_faces",
    community,
    _ref("space_id", "spaces.id", primary=True),
    _text("uuid"),
    _text("name"),
    # Whatever its case, for searching and sorting.
    _text("name_key"),
    _text("type"),
    _text("optin"),
    _text("status"),
    _text("description", default=""),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("uuid"),
    Index("ix_newsletter_faces_created_at", "created_at", "space_id"),
    CheckConstraint("type IN ('private', 'public', 'temporary')", name="type"),
    CheckConstraint("optin IN ('single', 'double')", name="optin"),
    CheckConstraint("status IN ('active', 'archived')", name="status"),
)
Table(
    "newsletter_tags",
    community,
    _ref("space_id", "spaces.id", primary=True),
    Column("tag", Text, primary_key=True),
    _count("position"),
)
Table(
    "space_counts",
    community,
    _ref("space_id", "spaces.id", primary=True),
    _count("posts"),
    _count("comments"),
    _count("followers"),
    _count("mail_subscribers"),
)
Table(
    "newsletter_counts",
    community,
    _ref("space_id", "spaces.id", primary=True),
    Column("status", Text, primary_key=True),
    _count("members"),
)
Table(
    "moderators",
    community,
    _id(),
    _ref("space_id", "spaces.id"),
    _ref("account_id", "accounts.id"),
    _at("created_at"),
    UniqueConstraint("space_id", "account_id"),
    Index("ix_moderators_account_id", "account_id"),
)
Table(
    "space_bans",
    community,
    _ref("space_id", "spaces.id", primary=True),
    _ref("account_id", "accounts.id", primary=True),
    _at("banned_at"),
    _at("banned_until", null=True),
)

# --- subscriptions --------------------------------------------------------------------------------------------------

Table(
    "subscriptions",
    community,
    _id(),
    _ref("account_id", "accounts.id"),
    _ref("space_id", "spaces.id"),
    _text("channel"),
    _at("created_at"),
    _at("updated_at"),
    UniqueConstraint("account_id", "space_id", "channel"),
    Index("ix_subscriptions_space_id_channel", "space_id", "channel"),
    CheckConstraint("channel IN ('forum', 'mail', 'newsletter')", name="channel"),
    sqlite_autoincrement=True,
)
Table(
    "memberships",
    community,
    _ref("subscription_id", "subscriptions.id", primary=True),
    _text("status"),
    CheckConstraint("status IN ('unconfirmed', 'confirmed', 'unsubscribed')", name="status"),
)
Table(
    "confirmations",
    community,
    _id(),
    _ref("space_id", "spaces.id"),
    _text("address"),
    _text("address_key"),
    _text("command"),
    _text("token"),
    _at("created_at"),
    UniqueConstraint("space_id", "address_key", "command"),
    UniqueConstraint("token"),
)

# --- conversations --------------------------------------------------------------------------------------------------

Table(
    "messages",
    community,
    _id(),
    _ref("space_id", "spaces.id"),
    # The root message's id; the root's own for a root.
    Column("thread_id", Integer, nullable=False),
    Column("parent_id", Integer, nullable=True),
    _ref("author_id", "accounts.id", cascade=False),
    _text("subject"),
    _text("body"),
    _text("origin"),
    _at("created_at"),
    _at("updated_at", null=True),
    _flag("removed"),
    _flag("deleted"),
    Index("ix_messages_thread_id", "thread_id", "id"),
    Index("ix_messages_parent_id", "parent_id"),
    Index("ix_messages_space_id", "space_id", "id"),
    Index("ix_messages_author_id", "author_id", "id"),
    CheckConstraint("origin IN ('forum', 'mail', 'mqtt', 'web')", name="origin"),
    sqlite_autoincrement=True,
)
Table(
    "mails",
    community,
    _ref("message_id", "messages.id", primary=True),
    _ref("space_id", "spaces.id"),
    # With angle brackets, as in the header.
    _text("mail_id"),
    # The id that names the parent, or would if it were here; `inferred` when it came from References alone.
    _text("in_reply_to", null=True),
    _flag("inferred"),
    _text("from_address"),
    _text("from_name", default=""),
    _at("sent_at", null=True),
    _flag("is_patch"),
    _flag("is_request_pull"),
    UniqueConstraint("space_id", "mail_id"),
    Index("ix_mails_in_reply_to", "space_id", "in_reply_to"),
    Index("ix_mails_mail_id", "mail_id"),
)
Table(
    "originals", community, _ref("message_id", "messages.id", primary=True), Column("data", LargeBinary, nullable=False)
)
Table(
    "threads",
    community,
    Column("id", Integer, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    _ref("space_id", "spaces.id"),
    _text("url", null=True),
    _flag("nsfw"),
    _flag("locked"),
    _flag("stickied"),
    # Neither removed nor deleted.
    _flag("shown", True),
    # Whose listings of the forum show it: see spaces.Listed; kept by spaces.relist_thread and relist_space.
    _count("listed"),
    _at("created_at"),
    # Receipt of the newest message.
    _at("updated_at"),
    # What the hot rank counts from: the newest comment, but for threads older than a month their own birth.
    _at("active_at"),
    _count("replies"),
    _count("participants"),
    _count("score"),
    Index("ix_threads_created_at", "listed", "created_at", "id"),
    Index("ix_threads_active_at", "listed", "active_at", "id"),
    Index("ix_threads_score", "listed", "score", "created_at", "id"),
    Index("ix_threads_day_score", "listed", _day("created_at"), "score", "created_at", "id"),
    Index("ix_threads_space_created_at", "space_id", "listed", "created_at", "id"),
    Index("ix_threads_space_active_at", "space_id", "listed", "active_at", "id"),
    Index("ix_threads_space_score", "space_id", "listed", "score", "created_at", "id"),
    Index("ix_threads_space_day_score", "space_id", "listed", _day("created_at"), "score", "created_at", "id"),
    Index("ix_threads_stickied", "space_id", sqlite_where=text("stickied"), postgresql_where=text("stickied")),
    Index("ix_threads_updated_at", "space_id", "updated_at", "id"),
)
Table(
    "participants",
    community,
    _ref("thread_id", "threads.id", primary=True),
    Column("address_key", Text, primary_key=True),
)

# --- votes ----------------------------------------------------------------------------------------------------------

Table(
    "votes",
    community,
    _ref("message_id", "messages.id", primary=True),
    _ref("account_id", "accounts.id", primary=True),
    Column("value", Integer, nullable=False),
    _at("created_at"),
    Index("ix_votes_account_id", "account_id"),
)
Table(
    "scores",
    community,
    _ref("message_id", "messages.id", primary=True),
    _count("upvotes"),
    _count("downvotes"),
)

# --- delivery -------------------------------------------------------------------------------------------------------

Table(
    "outgoing_bodies",
    community,
    _id(),
    Column("data", LargeBinary, nullable=False),
    _at("created_at"),
    sqlite_autoincrement=True,
)
Table(
    "outgoing",
    community,
    _id(),
    Column("body_id", Integer, ForeignKey("outgoing_bodies.id", ondelete="CASCADE"), nullable=False),
    _text("sender"),
    _text("recipient"),
    _text("state", default="queued"),
    _count("attempts"),
    _at("created_at"),
    _at("due_at"),
    _text("last_reply", default=""),
    Index("ix_outgoing_due", "state", "due_at"),
    Index("ix_outgoing_body_id", "body_id"),
    CheckConstraint("state IN ('queued', 'claimed', 'sent', 'failed', 'caught')", name="state"),
    sqlite_autoincrement=True,
)

# --- the broker's memory --------------------------------------------------------------------------------------------

Table(
    "retained",
    broker,
    # SHA-256 of the topic, which itself may be longer than an index takes.
    Column("topic_key", LargeBinary, primary_key=True),
    _text("topic"),
    Column("payload", LargeBinary, nullable=False),
    Column("qos", Integer, nullable=False),
    # MQTT 5 properties in wire form.
    Column("fields", LargeBinary, nullable=False),
    _at("published_at"),
    _at("expires_at", null=True),
    _text("from_client"),
    _text("from_name", null=True),
)
