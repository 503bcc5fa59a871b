"""What an operator sets on the broker while it runs: documents by name, kept over a restart.

What a document says, and whether it makes sense, is known to whom it belongs.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from folkmoot.store import Transaction, readable

T = TypeVar("T")


def find_setting(tx: Transaction, name: str) -> str | None:
    """The document of this name, None if nothing was ever set."""
    content: str | None = tx.value("SELECT content FROM settings WHERE name = :name", name=name)
    return content


def read_setting(tx: Transaction, name: str, kind: type[T]) -> T:
    """What the document of this name says; its defaults if nothing was ever set, or if what was makes no sense."""
    content = find_setting(tx, name)
    found = readable(
        [] if content is None else [content], lambda one: msgspec.json.decode(one, type=kind), f"settings ({name})"
    )
    return found[0] if found else kind()


def list_settings(tx: Transaction) -> dict[str, str]:
    """All documents by their names, in the names' order."""
    rows = tx.rows("SELECT name, content FROM settings")
    # Sorted here: databases differ in how they order text.
    return dict(sorted((name, content) for name, content in rows))


def save_setting(tx: Transaction, name: str, content: str, now: datetime) -> None:
    """Keep a JSON document under this name, in the place of the one before."""
    tx.run(
        "INSERT INTO settings (name, content, changed_at) VALUES (:name, :content, :now)"
        " ON CONFLICT (name) DO UPDATE SET content = excluded.content, changed_at = excluded.changed_at",
        name=name,
        content=content,
        now=now,
    )


def delete_setting(tx: Transaction, name: str) -> None:
    """Forget the document of this name, if there is one."""
    tx.run("DELETE FROM settings WHERE name = :name", name=name)
