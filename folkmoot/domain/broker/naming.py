"""What a message is called where it is shown: in the management API and in what rules select."""

from __future__ import annotations

from .model import Message


def message_id(message: Message) -> str:
    """32 hexadecimal digits: when it was published, and its number in this run of the server, so that no other has them."""
    return f"{round(message.published_at * 1_000_000):016X}{message.number:016X}"
