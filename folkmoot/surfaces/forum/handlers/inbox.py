"""The inbox: answers, mentions, private messages, and what was saved (lemmy §4.1, §4.6, §4.7)."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import conversations, inbox
from folkmoot.domain.accounts import Actor, require_account
from folkmoot.domain.inbox import PrivateMessage
from folkmoot.errors import NotFound
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import Forum, letters, order_of, page, read, write


async def get_replies(call: Call) -> schema.GetRepliesResponse:
    """Answers to the caller."""
    data: schema.GetReplies = call.data
    now = call.app.house.now()
    skip, most = page(data)
    order, since = order_of(data.sort, now)

    def look(tx: Transaction) -> list[schema.ReplyView]:
        actor: Actor = call.actor
        found = inbox.list_received(tx, actor, order, since, skip, most, now, unread_only=data.unread_only)
        ids = [each.message_id for each in found]
        account_id = require_account(actor)
        return [
            render.reply(view, account_id, now) for view in conversations.list_answer_entries(tx, ids, account_id, now)
        ]

    return schema.GetRepliesResponse(await read(call, look))


async def get_user_mentions(call: Call) -> schema.GetUserMentionsResponse:
    """Comments that name the caller."""
    data: schema.GetUserMentions = call.data
    now = call.app.house.now()
    skip, most = page(data)
    order, since = order_of(data.sort, now)

    def look(tx: Transaction) -> list[schema.UserMentionView]:
        actor: Actor = call.actor
        found = inbox.list_mentions(tx, actor, order, since, skip, most, now, unread_only=data.unread_only)
        ids = [each.message_id for each in found]
        views = {view.id: view for view in conversations.list_answer_entries(tx, ids, require_account(actor), now)}
        return [render.mention(each, views[each.message_id], now) for each in found if each.message_id in views]

    return schema.GetUserMentionsResponse(await read(call, look))


async def edit_user_mention(call: Call) -> schema.UserMentionResponse:
    """Mark a mention as read, or not."""
    data: schema.EditUserMention = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.UserMentionView:
        actor: Actor = call.actor
        found = inbox.get_mention(tx, data.user_mention_id)
        # Without a word about it the mark stays, but whose it is is asked all the same.
        found = inbox.mark_mention(tx, actor, found.id, found.is_read if data.read is None else data.read)
        view = conversations.get_answer(tx, found.message_id, actor.account_id, now)
        return render.mention(found, view, now)

    return schema.UserMentionResponse(await write(call, act))


async def mark_all_as_read(call: Call) -> schema.GetRepliesResponse:
    """Mark everything that is for the caller as read."""
    await write(call, inbox.mark_all, call.actor)
    return schema.GetRepliesResponse([])


async def save_post(call: Call) -> schema.PostResponse:
    """Keep a post on the caller's list, or take it off."""
    data: schema.SavePost = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.PostView:
        _save(tx, call.actor, data.post_id, data.save, now)
        view = conversations.get_thread_entry(tx, data.post_id, call.actor.account_id, now)
        return render.post(view, call.actor.account_id, now)

    return schema.PostResponse(await write(call, act))


async def save_comment(call: Call) -> schema.CommentResponse:
    """Keep a comment on the caller's list, or take it off."""
    data: schema.SaveComment = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.CommentView:
        if conversations.get_message(tx, data.comment_id).is_root:
            raise NotFound("message.unknown", "There is no such comment.")
        _save(tx, call.actor, data.comment_id, data.save, now)
        view = conversations.get_answer(tx, data.comment_id, call.actor.account_id, now)
        return render.comment(view, call.actor.account_id, now)

    return schema.CommentResponse(await write(call, act), [])


def _save(tx: Transaction, actor: Actor, message_id: int, wanted: bool, now: datetime) -> None:
    if wanted:
        inbox.save(tx, actor, message_id, now)
    else:
        conversations.require_visible(tx, actor, message_id, now)
        inbox.unsave(tx, actor, message_id)


async def create_private_message(call: Call) -> schema.PrivateMessageResponse:
    """Write to somebody."""
    forum: Forum = call.app
    data: schema.CreatePrivateMessage = call.data
    body, now = forum.words.mask(data.content), forum.house.now()

    def act(tx: Transaction) -> PrivateMessage:
        sent = inbox.send(tx, call.actor, data.recipient_id, body, now)
        letters.tell_of_private_message(tx, forum, sent, now)
        return sent

    return schema.PrivateMessageResponse(render.private_message(await write(call, act)))


async def edit_private_message(call: Call) -> schema.PrivateMessageResponse:
    """Change what one wrote, or mark what one got as read."""
    forum: Forum = call.app
    data: schema.EditPrivateMessage = call.data
    body = None if data.content is None else forum.words.mask(data.content)
    edited = await write(
        call,
        inbox.edit_private_message,
        call.actor,
        data.edit_id,
        forum.house.now(),
        body=body,
        deleted=data.deleted,
        read=data.read,
    )
    return schema.PrivateMessageResponse(render.private_message(edited))


async def get_private_messages(call: Call) -> schema.GetPrivateMessagesResponse:
    """What the caller sent and got, or has not read yet."""
    data: schema.GetPrivateMessages = call.data
    skip, most = page(data)
    account_id = require_account(call.actor)
    found = await read(call, inbox.list_private_messages, account_id, skip, most, data.unread_only)
    return schema.GetPrivateMessagesResponse([render.private_message(each) for each in found])
