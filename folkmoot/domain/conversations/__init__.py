"""Conversations: threads of messages, each both a post and a mail from birth."""

from folkmoot.domain.conversations.actions import (
    edit,
    post,
    receive,
    reply,
    set_deleted,
    set_locked,
    set_removed,
)
from folkmoot.domain.conversations.model import (
    LONGEST_BODY,
    LONGEST_TITLE,
    Arrival,
    Message,
    MessageView,
    Thread,
)
from folkmoot.domain.conversations.queries import (
    find_original,
    find_thread,
    get_message,
    get_thread,
    get_view,
    latest_views,
    list_thread_views,
    message_of_mail_id,
)

__all__ = [
    "LONGEST_BODY",
    "LONGEST_TITLE",
    "Arrival",
    "Message",
    "MessageView",
    "Thread",
    "edit",
    "find_original",
    "find_thread",
    "get_message",
    "get_thread",
    "get_view",
    "latest_views",
    "list_thread_views",
    "message_of_mail_id",
    "post",
    "receive",
    "reply",
    "set_deleted",
    "set_locked",
    "set_removed",
]
