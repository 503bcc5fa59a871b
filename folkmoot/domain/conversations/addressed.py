"""Whom a message is for beside its space: the author of what it answers, and those it names.

Written when a message is, whatever door it came through; reading marks and listing are `inbox`'s.
"""

from __future__ import annotations

import re

from folkmoot.domain.conversations.model import Message
from folkmoot.store import Transaction, expand

#: Names looked up in one message; the rest are words.
_MOST_NAMES = 50
# lemmy §4.6
_MENTION = re.compile(r"(?:/u/|(?<![\w/@.])@)([A-Za-z][A-Za-z0-9_]*)")


def note_answer(tx: Transaction, message: Message, parent: Message) -> None:
    """The author of what was answered has an answer; nobody answers himself (lemmy §4.6)."""
    if parent.author_id != message.author_id:
        tx.run(
            "INSERT INTO replies (message_id, recipient_id) VALUES (:message, :recipient)"
            " ON CONFLICT (message_id) DO UPDATE SET recipient_id = excluded.recipient_id",
            message=message.id,
            recipient=parent.author_id,
        )


def note_mentions(tx: Transaction, message: Message) -> None:
    """Those a comment names are told once; who was named before stays so (lemmy §4.6)."""
    rows = [
        {"recipient": account_id, "message": message.id}
        for account_id in find_named(tx, message.body)
        if account_id != message.author_id
    ]
    if rows:
        tx.run_many(
            "INSERT INTO mentions (recipient_id, message_id) VALUES (:recipient, :message) ON CONFLICT DO NOTHING", rows
        )


def find_named(tx: Transaction, body: str) -> list[int]:
    """The accounts a text names as `/u/name` or `@name`, by their names."""
    names = list(dict.fromkeys(_MENTION.findall(body)))[:_MOST_NAMES]
    if not names:
        return []
    words, parameters = expand("name", names)
    found: list[int] = tx.column(f"SELECT id FROM accounts WHERE name IN {words} ORDER BY name", **parameters)
    return found


def list_recipients(tx: Transaction, message: Message) -> list[int]:
    """Whom a comment is for: those it names, then who was answered; nobody twice (lemmy §4.6)."""
    named = [each for each in find_named(tx, message.body) if each != message.author_id]
    answered = tx.column("SELECT recipient_id FROM replies WHERE message_id = :id", id=message.id)
    return list(dict.fromkeys([*named, *answered]))
