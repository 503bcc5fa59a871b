"""What lies in an inbox, as the forum shows it."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.conversations import AnswerView
from folkmoot.domain.inbox import Mention, PrivateMessage
from folkmoot.surfaces.forum.render.times import optional_timestamp, timestamp
from folkmoot.surfaces.forum.render.views import comment
from folkmoot.surfaces.forum.schema import PrivateMessageView, ReplyView, UserMentionView


def reply(answer: AnswerView, recipient_id: int, now: datetime) -> ReplyView:
    """An answer for who was answered."""
    view = comment(answer, recipient_id, now)
    return ReplyView(**{name: getattr(view, name) for name in view.__struct_fields__}, recipient_id=recipient_id)


def mention(found: Mention, answer: AnswerView, now: datetime) -> UserMentionView:
    """A comment for somebody it names; `read` is the mention's (lemmy §2.7)."""
    view = comment(answer, found.recipient_id, now)
    keys = {name: getattr(view, name) for name in view.__struct_fields__ if name != "subscribed"}
    return UserMentionView(**{**keys, "read": found.is_read}, user_mention_id=found.id, recipient_id=found.recipient_id)


def private_message(message: PrivateMessage) -> PrivateMessageView:
    """A private message (lemmy §2.11)."""
    return PrivateMessageView(
        id=message.id,
        creator_id=message.author_id,
        recipient_id=message.recipient_id,
        content=message.body,
        deleted=message.deleted,
        read=message.is_read,
        published=timestamp(message.created_at),
        updated=optional_timestamp(message.updated_at),
        creator_name=message.author_label,
        creator_avatar=message.author_avatar,
        recipient_name=message.recipient_label,
        recipient_avatar=message.recipient_avatar,
    )
