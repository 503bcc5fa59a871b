"""What the message broker must remember. Numbers come from the broker's own counter (`domain/broker/ledger.py`)."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table

from folkmoot.store.schema.columns import Counting, at, broker, flag, id_, text


def number(name: str, *, null: bool = False, primary: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null, primary_key=primary, autoincrement=False)


def octets(name: str, *, primary: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False, primary_key=primary)


def message(*more: Column[Any]) -> tuple[Column[Any], ...]:
    """The columns of a message, `more` among them after its quality."""
    return (
        text("topic"),
        octets("payload"),
        Column("qos", Integer, nullable=False),
        *more,
        # MQTT 5 properties in wire form.
        octets("fields"),
        at("published_at"),
        at("expires_at", null=True),
        text("from_client"),
        text("from_name", null=True),
    )


Table(
    "retained",
    broker,
    # SHA-256 of the topic, which itself may be longer than an index takes.
    octets("topic_key", primary=True),
    *message(),
)

# Sessions that outlive their connection. `disconnected_at` is null while somebody is connected.
Table(
    "sessions",
    broker,
    id_(Counting),
    text("client_id"),
    number("account_id", null=True),
    text("account_name", null=True),
    flag("clean_start"),
    number("expiry_interval"),
    at("created_at"),
    at("connected_at"),
    at("disconnected_at", null=True),
    at("expires_at", null=True),
)

Table(
    "session_wills",
    broker,
    number("session_id", primary=True),
    text("topic"),
    octets("payload"),
    Column("qos", Integer, nullable=False),
    flag("retain"),
    octets("fields"),
    # Seconds: how long the message lives once it is published, 0 for ever, and how long after the connection it is.
    number("expiry"),
    number("delay"),
    at("due_at", null=True),
)

Table(
    "session_filters",
    broker,
    number("session_id", primary=True),
    octets("filter_key", primary=True),
    text("topic_filter"),
    Column("qos", Integer, nullable=False),
    flag("no_local"),
    flag("retain_as_published"),
    Column("retain_handling", Integer, nullable=False),
    number("identifier"),
)

# A message is kept once, however many sessions it is due to.
Table(
    "queued_messages",
    broker,
    id_(Counting),
    *message(flag("retain")),
)

# What is on its way to a session, or waits; ids grow in the order of sending. `packet_id` is null while it waits.
Table(
    "deliveries",
    broker,
    id_(Counting),
    number("session_id"),
    number("message_id"),
    Column("qos", Integer, nullable=False),
    flag("retain"),
    # Subscription identifiers, with commas.
    text("identifiers"),
    text("share_group", null=True),
    text("share_filter", null=True),
    Column("packet_id", Integer, nullable=True),
    # PUBREC has come.
    flag("released"),
)

# QoS 2 messages that came from a session's client and are not released.
Table(
    "received_ids",
    broker,
    number("session_id", primary=True),
    Column("packet_id", Integer, primary_key=True, autoincrement=False),
)

# Rows that made no sense when the broker started.
Table(
    "damaged_rows",
    broker,
    id_(Counting),
    text("source"),
    text("content"),
    text("reason"),
    at("found_at"),
)
