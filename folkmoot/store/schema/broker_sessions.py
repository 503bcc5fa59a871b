"""What the broker remembers of sessions beside what `topics` says."""

from __future__ import annotations

from sqlalchemy import Table

from folkmoot.store.schema.columns import broker, text
from folkmoot.store.schema.topics import number

# Who the client of a session with a will was, as a JSON document: what a rule about publishing the will looks at.
Table("session_clients", broker, number("session_id", primary=True), text("document"))
