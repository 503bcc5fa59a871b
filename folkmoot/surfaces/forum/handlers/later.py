"""What the next versions of the API made of the Edit operations, one step each, and how their clients enter rooms.

Who may do it and what it is refused with are those of the Edit operation; live connections are told of an edit.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from folkmoot.domain import conversations, moderation, spaces
from folkmoot.domain.accounts import Actor, require_unbanned
from folkmoot.domain.conversations import Message
from folkmoot.domain.spaces import Rights
from folkmoot.errors import Forbidden, NotFound
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import Forum, comments, communities, inbox, instant, member, read, write
from folkmoot.surfaces.forum.push import EVERYTHING, Room

# What is done to a message; whether the actor may was asked before.
_Step = Callable[[Transaction, Actor, Message, Any, datetime], None]


async def delete_post(call: Call) -> schema.PostResponse:
    """Take one's own post away, or put it back."""
    return await _change_post(call, _delete, for_moderators=False)


async def remove_post(call: Call) -> schema.PostResponse:
    """Take a post away as a moderator, or put it back."""
    return await _change_post(call, _remove)


async def lock_post(call: Call) -> schema.PostResponse:
    """Close a post to comments, or open it."""

    def lock(tx: Transaction, actor: Actor, post: Message, data: schema.LockPost, now: datetime) -> None:
        if data.locked != conversations.get_thread(tx, post.id).locked:
            moderation.lock_thread(tx, actor, post.id, data.locked, now)

    return await _change_post(call, lock)


async def sticky_post(call: Call) -> schema.PostResponse:
    """Keep a post first in its community, or let it go."""

    def stick(tx: Transaction, actor: Actor, post: Message, data: schema.StickyPost, now: datetime) -> None:
        if data.stickied != conversations.get_thread(tx, post.id).stickied:
            moderation.stick_thread(tx, actor, post.id, data.stickied, now)

    return await _change_post(call, stick)


async def delete_comment(call: Call) -> schema.CommentResponse:
    """Take one's own comment away, or put it back."""
    return await _change_comment(call, _delete, for_moderators=False)


async def remove_comment(call: Call) -> schema.CommentResponse:
    """Take a comment away as a moderator, or put it back."""
    return await _change_comment(call, _remove)


async def mark_comment_as_read(call: Call) -> schema.CommentResponse:
    """Say that one has read an answer, or has not."""
    call.data = schema.EditComment(content="", edit_id=call.data.edit_id, read=call.data.read)
    return await comments.edit_comment(call)


async def delete_private_message(call: Call) -> schema.PrivateMessageResponse:
    """Take back a private message, or send it after all."""
    call.data = schema.EditPrivateMessage(edit_id=call.data.edit_id, deleted=call.data.deleted)
    return await inbox.edit_private_message(call)


async def mark_private_message_as_read(call: Call) -> schema.PrivateMessageResponse:
    """Say that one has read a private message, or has not."""
    call.data = schema.EditPrivateMessage(edit_id=call.data.edit_id, read=call.data.read)
    return await inbox.edit_private_message(call)


async def delete_community(call: Call) -> schema.CommunityResponse:
    """Close one's own community, or open it again."""
    data: schema.Delete = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.CommunityView:
        found = spaces.get_community(tx, call.actor, data.edit_id, now)
        require_unbanned(call.actor)
        if call.actor.account_id != found.owner_id:
            raise Forbidden("space.no_edit", "Only its owner may delete a community.")
        if data.deleted != found.deleted:
            spaces.set_space_deleted(tx, call.actor, data.edit_id, data.deleted, now)
        return communities.view(tx, call.actor, data.edit_id, now)

    return schema.CommunityResponse(await write(call, act))


async def remove_community(call: Call) -> schema.CommunityResponse:
    """Close a community as a moderator, or open it again."""
    data: schema.Remove = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.CommunityView:
        spaces.get_community(tx, call.actor, data.edit_id, now)
        require_unbanned(call.actor)
        if not spaces.rights(tx, call.actor, spaces.get_space(tx, data.edit_id), now) & Rights.MODERATE:
            raise Forbidden("space.no_edit", "Only those who moderate a community may remove it.")
        expires = instant(data.expires)
        moderation.remove_space(tx, call.actor, data.edit_id, data.removed, now, data.reason, expires)
        return communities.view(tx, call.actor, data.edit_id, now)

    return schema.CommunityResponse(await write(call, act))


async def post_join(call: Call) -> schema.JoinResponse:
    """Bring the caller's connection into a post's room."""
    data: schema.PostJoin = call.data

    def look(tx: Transaction, now: datetime) -> None:
        conversations.get_thread(tx, data.post_id)
        conversations.require_visible(tx, call.actor, data.post_id, now)

    return await _join(call, ("post", data.post_id), look)


async def community_join(call: Call) -> schema.JoinResponse:
    """Bring the caller's connection into a community's room; 0 is that of everything."""
    data: schema.CommunityJoin = call.data

    def look(tx: Transaction, now: datetime) -> None:
        if data.community_id != EVERYTHING[1]:
            spaces.get_community(tx, call.actor, data.community_id, now)

    return await _join(call, ("community", data.community_id), look)


async def get_captcha(call: Call) -> schema.CaptchaResponse:
    """What has to be read and typed to register: nothing."""
    return schema.CaptchaResponse(None)


# --- inside ---------------------------------------------------------------------------------------------------------


async def _join(call: Call, room: Room, look: Callable[[Transaction, datetime], None]) -> schema.JoinResponse:
    forum: Forum = call.app
    came_through = member(call)
    # Who is there already stays who he is: these clients enter with GetPost and a token, and then once more without.
    if came_through is None or came_through.place != room:
        await read(call, look, forum.house.now())
        forum.rooms.enter(came_through, room, call.actor.account_id)
    return schema.JoinResponse(came_through is not None)


async def _change_post(call: Call, step: _Step, for_moderators: bool = True) -> schema.PostResponse:
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.PostView:
        actor: Actor = call.actor
        _take(tx, call, step, now, is_post=True, for_moderators=for_moderators)
        view = conversations.get_thread_entry(tx, call.data.edit_id, actor.account_id, now)
        return render.post(view, actor.account_id, now)

    return schema.PostResponse(await write(call, act))


async def _change_comment(call: Call, step: _Step, for_moderators: bool = True) -> schema.CommentResponse:
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.CommentView:
        actor: Actor = call.actor
        _take(tx, call, step, now, is_post=False, for_moderators=for_moderators)
        view = conversations.get_answer(tx, call.data.edit_id, actor.account_id, now)
        return render.comment(view, actor.account_id, now)

    return schema.CommentResponse(await write(call, act), [])


def _take(tx: Transaction, call: Call, step: _Step, now: datetime, *, is_post: bool, for_moderators: bool) -> None:
    actor: Actor = call.actor
    message = conversations.get_message(tx, call.data.edit_id)
    if message.is_root is not is_post:
        raise NotFound("message.unknown", "There is no such post or comment.")
    conversations.require_visible(tx, actor, message.id, now)
    held = spaces.rights(tx, actor, spaces.get_space(tx, message.space_id), now)
    may = held & Rights.MODERATE if for_moderators else actor.account_id == message.author_id
    if not may:
        raise Forbidden("message.not_author", "You may not change this so.")
    spaces.require_unbanned_from(tx, actor, message.space_id, now)
    step(tx, actor, message, call.data, now)


def _delete(tx: Transaction, actor: Actor, message: Message, data: schema.Delete, now: datetime) -> None:
    if data.deleted != message.deleted:
        conversations.set_deleted(tx, actor, message.id, data.deleted, now)


def _remove(tx: Transaction, actor: Actor, message: Message, data: schema.Remove, now: datetime) -> None:
    if data.removed != message.removed:
        moderation.remove_message(tx, actor, message.id, data.removed, now, data.reason)
