"""Comments: the answers of a thread (lemmy §4.5)."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import conversations, inbox, moderation, spaces, votes
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import Message, Scope
from folkmoot.domain.spaces import Rights
from folkmoot.errors import Forbidden, Invalid, NotFound
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import DEEP, Forum, letters, member, order_of, page, write
from folkmoot.surfaces.forum.push import EVERYTHING


async def create_comment(call: Call) -> schema.CommentResponse:
    """Answer a post or a comment."""
    data: schema.CreateComment = call.data
    house = call.app.house
    now = house.now()

    def act(tx: Transaction) -> schema.CommentView:
        try:
            thread = conversations.get_thread(tx, data.post_id)
            spaces.get_community(tx, call.actor, thread.space_id, now)
        except NotFound as error:
            raise NotFound("thread.unknown", "There is no such post.") from error
        spaces.require_unbanned_from(tx, call.actor, thread.space_id, now)
        conversations.require_unlocked(thread)
        parent_id = data.parent_id if data.parent_id is not None else thread.id
        if conversations.get_message(tx, parent_id).thread_id != thread.id:
            raise Invalid("message.foreign_parent", "What you answer is in another thread.", "parent_id")
        comment = conversations.reply(
            tx,
            call.actor,
            parent_id,
            call.app.words.mask(data.content),
            now,
            origin="forum",
            mail_domain=house.config.mail.domain,
        )
        letters.tell_of_comment(tx, call.app, call.actor, comment, now)
        return _view(tx, call.actor, comment.id, now)

    return schema.CommentResponse(await write(call, act), [])


async def get_comments(call: Call) -> schema.GetCommentsResponse:
    """A page of comments, removed and deleted ones too; over WebSocket without a community the caller enters the room of all."""
    forum: Forum = call.app
    data: schema.GetComments = call.data
    now = forum.house.now()
    skip, most = page(data)
    order, since = order_of(data.sort, now)
    viewer_id = call.actor.account_id

    def look(tx: Transaction) -> list[schema.CommentView]:
        ids = conversations.list_ids(tx, _scope(tx, call.actor, data, now), order, since, skip, most, now)
        return [
            render.comment(view, viewer_id, now) for view in conversations.list_answer_entries(tx, ids, viewer_id, now)
        ]

    found = await (forum.house.db.scan(look) if skip + most > DEEP else forum.house.db.read(look))
    if data.community_id is None:
        forum.rooms.enter(member(call), EVERYTHING, viewer_id)
    return schema.GetCommentsResponse(found)


def _scope(tx: Transaction, actor: Actor, data: schema.GetComments, now: datetime) -> Scope:
    """Where the listing looks; nowhere for a community the caller may not see."""
    if data.type_ == "Subscribed":
        found = conversations.answers_followed(tx, actor, now)
        if data.community_id is None:
            return found
        if data.community_id not in found.parameters.values():
            return Scope((), table="answers")
    if data.community_id is None:
        return conversations.answers_everywhere()
    try:
        return conversations.answers_within(tx, actor, data.community_id, now)
    except NotFound:
        return Scope((), table="answers")


async def create_comment_like(call: Call) -> schema.CommentResponse:
    """Vote on a comment."""
    data: schema.CreateCommentLike = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.CommentView:
        if votes.cast(tx, call.actor, data.comment_id, data.score, now).is_root:
            raise NotFound("message.unknown", "There is no such comment.")
        return _view(tx, call.actor, data.comment_id, now)

    return schema.CommentResponse(await write(call, act), [])


async def edit_comment(call: Call) -> schema.CommentResponse:
    """Change a comment: its author what it says, moderators whether it stays."""
    data: schema.EditComment = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.CommentView:
        actor: Actor = call.actor
        message = conversations.get_message(tx, data.edit_id)
        if message.is_root:
            raise NotFound("message.unknown", "There is no such comment.")
        conversations.require_visible(tx, actor, message.id, now)
        if data.read is not None:
            # lemmy §3.7: only who was answered may say that he has read it, and nothing else with it.
            inbox.mark_answer(tx, actor, message.id, data.read)
            return _view(tx, actor, message.id, now)
        held = spaces.rights(tx, actor, spaces.get_space(tx, message.space_id), now)
        is_author = actor.account_id == message.author_id
        _require_may_edit(data, message, is_author, bool(held & Rights.MODERATE))
        spaces.require_unbanned_from(tx, actor, message.space_id, now)
        if is_author:
            # A mail is shown with its quoted tail folded; sent back so, its text stays as it came.
            same = data.content == render.content(message.body, message.origin)
            body = None if same else call.app.words.mask(data.content)
            conversations.edit(tx, actor, message.id, now, body=body)
            if data.deleted is not None and data.deleted != message.deleted:
                conversations.set_deleted(tx, actor, message.id, data.deleted, now)
        if data.removed is not None and data.removed != message.removed:
            moderation.remove_message(tx, actor, message.id, data.removed, now, data.reason)
        return _view(tx, actor, message.id, now)

    return schema.CommentResponse(await write(call, act), [])


def _require_may_edit(data: schema.EditComment, message: Message, is_author: bool, is_moderator: bool) -> None:
    removes = data.removed is not None and data.removed != message.removed
    deletes = data.deleted is not None and data.deleted != message.deleted
    if not (is_author or is_moderator) or (removes and not is_moderator) or (deletes and not is_author):
        raise Forbidden("message.not_author", "You may not change this comment so.")


def _view(tx: Transaction, actor: Actor, message_id: int, now: datetime) -> schema.CommentView:
    return render.comment(conversations.get_answer(tx, message_id, actor.account_id, now), actor.account_id, now)
