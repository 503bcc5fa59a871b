"""What was said: messages, their mails, threads, votes."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, UniqueConstraint

from folkmoot.store.schema.columns import at, community, condition, count, day, flag, id_, ref, text

Table(
    "messages",
    community,
    id_(),
    ref("space_id", "spaces.id"),
    # The root message's id; the root's own for a root.
    Column("thread_id", Integer, nullable=False),
    Column("parent_id", Integer, nullable=True),
    ref("author_id", "accounts.id", cascade=False),
    text("subject"),
    text("body"),
    text("origin"),
    at("created_at"),
    at("updated_at", null=True),
    flag("removed"),
    flag("deleted"),
    Index("ix_messages_thread_id", "thread_id", "id"),
    Index("ix_messages_parent_id", "parent_id"),
    Index("ix_messages_space_id", "space_id", "id"),
    Index("ix_messages_author_id", "author_id", "id"),
    Index(
        "ix_messages_hidden",
        "space_id",
        sqlite_where=condition("removed OR deleted"),
        postgresql_where=condition("removed OR deleted"),
    ),
    CheckConstraint("origin IN ('forum', 'mail', 'mqtt', 'web')", name="origin"),
    sqlite_autoincrement=True,
)
Table(
    "mails",
    community,
    ref("message_id", "messages.id", primary=True),
    ref("space_id", "spaces.id"),
    # With angle brackets, as in the header.
    text("mail_id"),
    # The id that names the parent, or would if it were here; `inferred` when it came from References alone.
    text("in_reply_to", null=True),
    flag("inferred"),
    text("from_address"),
    text("from_name", default=""),
    at("sent_at", null=True),
    flag("is_patch"),
    flag("is_request_pull"),
    UniqueConstraint("space_id", "mail_id"),
    Index("ix_mails_in_reply_to", "space_id", "in_reply_to"),
    Index("ix_mails_mail_id", "mail_id"),
)
Table(
    "originals", community, ref("message_id", "messages.id", primary=True), Column("data", LargeBinary, nullable=False)
)
Table(
    "threads",
    community,
    Column("id", Integer, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    ref("space_id", "spaces.id"),
    text("url", null=True),
    # Was a text given with it, be it an empty one? Not with a bare link.
    flag("has_body", True),
    flag("nsfw"),
    flag("locked"),
    flag("stickied"),
    # Neither removed nor deleted.
    flag("shown", True),
    # Whose listings of the forum show it: see spaces.Listed; kept by spaces.relist_thread and relist_space.
    count("listed"),
    at("created_at"),
    # Receipt of the newest message.
    at("updated_at"),
    # What the hot rank counts from: the newest comment, but for threads older than a month their own birth.
    at("active_at"),
    count("replies"),
    count("participants"),
    count("score"),
    Index("ix_threads_created_at", "listed", "created_at", "id"),
    # With all that a hot rank is made from.
    Index("ix_threads_active_at", "listed", "active_at", "id", "score", "created_at"),
    Index("ix_threads_score", "listed", "score", "created_at", "id"),
    Index("ix_threads_day_score", "listed", day("created_at"), "score", "created_at", "id"),
    Index("ix_threads_space_created_at", "space_id", "listed", "created_at", "id"),
    Index("ix_threads_space_active_at", "space_id", "listed", "active_at", "id", "score", "created_at"),
    Index("ix_threads_space_score", "space_id", "listed", "score", "created_at", "id"),
    Index("ix_threads_space_day_score", "space_id", "listed", day("created_at"), "score", "created_at", "id"),
    Index(
        "ix_threads_stickied", "space_id", sqlite_where=condition("stickied"), postgresql_where=condition("stickied")
    ),
    Index("ix_threads_updated_at", "space_id", "updated_at", "id"),
    Index(
        "ix_threads_hidden", "space_id", sqlite_where=condition("NOT shown"), postgresql_where=condition("NOT shown")
    ),
)
# What listings of comments need of each answer; `listed` as in threads, but nothing removed or deleted is left out.
Table(
    "answers",
    community,
    Column("id", Integer, ForeignKey("messages.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    ref("space_id", "spaces.id"),
    count("listed"),
    at("created_at"),
    count("score"),
    Index("ix_answers_created_at", "listed", "created_at", "id", "score"),
    Index("ix_answers_score", "listed", "score", "created_at", "id"),
    Index("ix_answers_day_score", "listed", day("created_at"), "score", "created_at", "id"),
    Index("ix_answers_space_created_at", "space_id", "created_at", "id", "score"),
    Index("ix_answers_space_score", "space_id", "score", "created_at", "id"),
    Index("ix_answers_space_day_score", "space_id", day("created_at"), "score", "created_at", "id"),
)
Table(
    "participants",
    community,
    ref("thread_id", "threads.id", primary=True),
    Column("address_key", Text, primary_key=True),
)

Table(
    "votes",
    community,
    ref("message_id", "messages.id", primary=True),
    ref("account_id", "accounts.id", primary=True),
    Column("value", Integer, nullable=False),
    at("created_at"),
    Index("ix_votes_account_id", "account_id"),
)
Table(
    "scores",
    community,
    ref("message_id", "messages.id", primary=True),
    count("upvotes"),
    count("downvotes"),
)
