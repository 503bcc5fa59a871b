"""What the broker remembers of sessions beside what `topics` says."""

from __future__ import annotations

from sqlalchemy import Table

from folkmoot.store.schema.columns import broker, text
from folkmoot.store.schema.topics import number

# Who the client of a session was, as a JSON document: what a rule about publishing its will looks at, and which authenticator
# knows it. Only of sessions with a will, and of those that are nobody's account.
Table("session_clients", broker, number("session_id", primary=True), text("document"))
