"""What the broker's monitoring must remember: samples of its numbers, alarms, traces."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, Table, Text

from folkmoot.store.schema.columns import at, broker, text


def _number(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


# What happened in `span` seconds from `taken_at`, and the highest values of the gauges meanwhile.
Table(
    "monitor_samples",
    broker,
    Column("taken_at", BigInteger, primary_key=True, autoincrement=False),
    Column("span", Integer, nullable=False),
    _number("received"),
    _number("sent"),
    _number("dropped"),
    _number("persisted"),
    _number("connections"),
    _number("live_connections"),
    _number("topics"),
    _number("subscriptions"),
)

Table(
    "alarms",
    broker,
    Column("name", Text, primary_key=True),
    Column("activated_at", BigInteger, primary_key=True, autoincrement=False),
    at("deactivated_at", null=True),
    text("message"),
    # JSON.
    text("details"),
    Index("ix_alarms_deactivated_at", "deactivated_at"),
)

Table(
    "traces",
    broker,
    Column("name", Text, primary_key=True),
    # What is traced: a client identifier, a topic filter, an address, a rule.
    text("subject"),
    text("value"),
    at("starts_at"),
    at("ends_at"),
    text("payload_encode"),
    text("formatter"),
)
