"""The inbox: answers and mentions with their reading marks, what somebody saved, private messages."""

from folkmoot.domain.inbox.actions import (
    edit_private_message,
    erase_some,
    mark_all,
    mark_answer,
    mark_mention,
    save,
    send,
    unsave,
)
from folkmoot.domain.inbox.model import Mention, PrivateMessage, Received
from folkmoot.domain.inbox.queries import (
    get_mention,
    get_private_message,
    list_mentions,
    list_private_messages,
    list_received,
    list_saved_ids,
)

__all__ = [
    "Mention",
    "PrivateMessage",
    "Received",
    "edit_private_message",
    "erase_some",
    "get_mention",
    "get_private_message",
    "list_mentions",
    "list_private_messages",
    "list_received",
    "list_saved_ids",
    "mark_all",
    "mark_answer",
    "mark_mention",
    "save",
    "send",
    "unsave",
]
