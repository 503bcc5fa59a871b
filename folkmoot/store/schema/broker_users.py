"""Who may connect to the broker by an operator's rules, and who operates it."""

from __future__ import annotations

from sqlalchemy import Column, Table, Text

from folkmoot.store.schema.columns import broker, community, count, flag, ref, text

# The users of the built-in database: a user name or a client's identifier, as the authenticator is set.
Table(
    "password_users",
    broker,
    Column("user_id", Text, primary_key=True),
    text("hash"),
    text("salt", default=""),
    flag("is_superuser"),
)
# The users of SCRAM: keys made from the password, in base64.
Table(
    "scram_users",
    broker,
    Column("user_id", Text, primary_key=True),
    text("salt"),
    text("stored_key"),
    text("server_key"),
    count("iterations"),
    flag("is_superuser"),
)
# What the management API knows of the accounts that may use it, beside their being administrators.
Table(
    "operators",
    community,
    ref("account_id", "accounts.id", primary=True),
    # administrator, viewer, or nothing when it was taken away.
    text("role", default=""),
    text("description", default=""),
    # Made through the management API, so that it may be ended and made again there.
    flag("is_made_here"),
)
