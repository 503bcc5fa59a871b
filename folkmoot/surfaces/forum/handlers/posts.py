"""Posts: threads by their first message (lemmy §4.4)."""

from __future__ import annotations

from datetime import datetime

import msgspec

from folkmoot.domain import conversations, moderation, spaces, subscriptions, votes
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import AnswerView, Message, Scope, Thread
from folkmoot.domain.spaces import Rights
from folkmoot.errors import Forbidden, NotFound
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import (
    DEEP,
    Forum,
    admin_views,
    communities,
    member,
    order_of,
    page,
    read,
    shows_nsfw,
    write,
)
from folkmoot.surfaces.forum.kept import PostsOfVersion
from folkmoot.surfaces.forum.push import EVERYTHING

# More than this is read out of the others' way.
_MANY_COMMENTS = 300


async def create_post(call: Call) -> schema.PostResponse:
    """Start a thread."""
    forum: Forum = call.app
    data: schema.CreatePost = call.data
    house = forum.house
    now = house.now()
    forum.words.require_none(data.name, data.body)

    def act(tx: Transaction) -> schema.PostView:
        if spaces.get_forum_face(tx, data.community_id) is None:
            raise NotFound("space.unknown", "There is no such community.")
        message = conversations.post(
            tx,
            call.actor,
            data.community_id,
            data.name,
            data.body,
            now,
            origin="forum",
            mail_domain=house.config.mail.domain,
            url=data.url,
            nsfw=bool(data.nsfw),
        )
        return _view(tx, call.actor, message.id, now)

    return schema.PostResponse(await _previewed(call, await write(call, act), data.url))


async def _previewed(call: Call, post: schema.PostView, url: str | None) -> schema.PostView:
    """The post with the preview of its link; those in its rooms hear of that as of an edit."""
    preview = await call.app.previews.look(url)
    if url is None or preview is None:
        return post

    def act(tx: Transaction) -> schema.PostView:
        conversations.keep_preview(tx, post.id, url, preview)
        return _view(tx, call.actor, post.id, call.app.house.now())

    return await write(call, act)


async def get_post(call: Call) -> schema.GetPostResponse:
    """A post with its comments; over WebSocket the caller enters its room."""
    forum: Forum = call.app
    data: schema.GetPost = call.data
    viewer_id, now = call.actor.account_id, forum.house.now()

    def look(tx: Transaction) -> schema.GetPostResponse:
        conversations.require_visible(tx, call.actor, data.id, now)
        post = _view(tx, call.actor, data.id, now)
        return schema.GetPostResponse(
            post=post,
            comments=[],
            community=communities.view(tx, call.actor, post.community_id, now),
            moderators=communities.moderator_views(tx, post.community_id),
            admins=admin_views(tx, now, forum.hostname),
            online=0,
        )

    def comments(tx: Transaction) -> list[AnswerView]:
        return conversations.list_answers(tx, data.id, viewer_id, now)

    response = await read(call, look)
    db = forum.house.db
    many = response.post.number_of_comments > _MANY_COMMENTS
    found = await (db.scan(comments) if many else db.read(comments))
    response.comments = [render.comment(each, viewer_id, now) for each in found]
    room = ("post", data.id)
    forum.rooms.enter(member(call), room, viewer_id)
    response.online = forum.rooms.count(room)
    return response


async def get_posts(call: Call) -> msgspec.Raw:
    """A page of posts; over WebSocket without a community the caller enters the room of everything."""
    forum: Forum = call.app
    data: schema.GetPosts = call.data
    viewer_id, now = call.actor.account_id, forum.house.now()
    skip, most = page(data)
    order, since = order_of(data.sort, now)

    def look(tx: Transaction) -> msgspec.Raw:
        ids = conversations.list_ids(tx, _scope(tx, call.actor, data, now), order, since, skip, most, now)
        found = conversations.list_thread_entries(tx, ids, viewer_id, now)
        return msgspec.Raw(msgspec.json.encode(schema.GetPostsResponse(render.posts(found, viewer_id, now))))

    def look_again(tx: Transaction) -> msgspec.Raw:
        pages, version = forum.pages, tx.version()
        scope = _scope(tx, call.actor, data, now)
        key = (scope.lanes, *scope.parameters.values(), data.sort, skip, most)
        answer: msgspec.Raw | None = pages.get((viewer_id, key), version, now)
        if answer is None:
            ids: list[int] | None = pages.get(key, version, now)
            if ids is None:
                ids = conversations.list_ids(tx, scope, order, since, skip, most, now)
                pages.put(key, version, now, ids)
            answer = _written(tx, forum.posts.at(version), ids, viewer_id, now)
            pages.put_answer((viewer_id, key), version, now, answer)
        return answer

    db = forum.house.db
    if skip + most > DEEP:
        answer = await db.scan(look)
    else:
        answer = await db.read(look_again)
    if data.community_id is None:
        forum.rooms.enter(member(call), EVERYTHING, viewer_id)
    return answer


def _written(
    tx: Transaction, posts: PostsOfVersion, ids: list[int], viewer_id: int | None, now: datetime
) -> msgspec.Raw:
    """The answer with these posts: what is the same for everybody of those that are known, and the viewer's own."""
    known = {each: post for each in ids if (post := posts.get(each)) is not None}
    unknown = [each for each in ids if each not in known]
    for post in render.written_posts(conversations.list_thread_entries(tx, unknown, None, now), now):
        known[post.id] = post
        posts.put(post)
    marks = conversations.list_thread_marks(tx, ids, viewer_id) if ids and viewer_id is not None else {}
    return render.page_of_posts([known[each] for each in ids if each in known], marks, viewer_id, now)


def _scope(tx: Transaction, actor: Actor, data: schema.GetPosts, now: datetime) -> Scope:
    """Where the listing looks; nowhere for a community the caller may not see."""
    nsfw = shows_nsfw(tx, actor)
    followed = data.type_ == "Subscribed"
    if data.community_id is None:
        return conversations.followed(tx, actor, nsfw, now) if followed else conversations.everywhere(nsfw)
    if followed and not _follows(tx, actor, data.community_id):
        return Scope(())
    try:
        return conversations.within(tx, actor, data.community_id, nsfw, now)
    except NotFound:
        return Scope(())


def _follows(tx: Transaction, actor: Actor, space_id: int) -> bool:
    account_id = actor.account_id
    return account_id is not None and subscriptions.is_subscribed(tx, account_id, space_id, "forum")


async def create_post_like(call: Call) -> schema.PostResponse:
    """Vote on a post."""
    data: schema.CreatePostLike = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.PostView:
        if not votes.cast(tx, call.actor, data.post_id, data.score, now).is_root:
            raise NotFound("thread.unknown", "There is no such post.")
        return _view(tx, call.actor, data.post_id, now)

    return schema.PostResponse(await write(call, act))


async def edit_post(call: Call) -> schema.PostResponse:
    """Change a post: its author what it says, moderators whether it stays, is locked or comes first."""
    data: schema.EditPost = call.data
    now = call.app.house.now()

    def act(tx: Transaction) -> schema.PostView:
        actor: Actor = call.actor
        thread = conversations.get_thread(tx, data.edit_id)
        conversations.require_visible(tx, actor, thread.id, now)
        message = conversations.get_message(tx, thread.id)
        held = spaces.rights(tx, actor, spaces.get_space(tx, thread.space_id), now)
        is_author = actor.account_id == message.author_id
        _require_may_edit(data, thread, message, is_author, bool(held & Rights.MODERATE))
        spaces.require_unbanned_from(tx, actor, thread.space_id, now)
        if is_author:
            # What comes back as it was shown stays: a subject longer than a title, a mail with its quoted tail folded.
            same = bool(data.body) and data.body == render.content(message.body, message.origin)
            body = None if same else data.body
            title = None if data.name == message.subject else data.name
            conversations.edit(tx, actor, thread.id, now, title=title, body=body, url=data.url, nsfw=data.nsfw)
            if data.deleted is not None and data.deleted != message.deleted:
                conversations.set_deleted(tx, actor, thread.id, data.deleted, now)
        if data.removed is not None and data.removed != message.removed:
            moderation.remove_message(tx, actor, thread.id, data.removed, now, data.reason)
        if data.locked is not None and data.locked != thread.locked:
            moderation.lock_thread(tx, actor, thread.id, data.locked, now)
        if data.stickied is not None and data.stickied != thread.stickied:
            moderation.stick_thread(tx, actor, thread.id, data.stickied, now)
        return _view(tx, actor, thread.id, now)

    edited = await write(call, act)
    # What others than the author send of it is not looked at.
    own = edited.creator_id == call.actor.account_id
    return schema.PostResponse(await _previewed(call, edited, data.url if own else None))


def _require_may_edit(
    data: schema.EditPost, thread: Thread, message: Message, is_author: bool, is_moderator: bool
) -> None:
    # lemmy §4.4: clients send the whole form, so only what differs from what is stored asks for a role.
    for_moderators = ((data.removed, message.removed), (data.locked, thread.locked), (data.stickied, thread.stickied))
    differs = any(wanted is not None and wanted != stored for wanted, stored in for_moderators)
    deletes = data.deleted is not None and data.deleted != message.deleted
    if not (is_author or is_moderator) or (differs and not is_moderator) or (deletes and not is_author):
        raise Forbidden("message.not_author", "You may not change this post so.")


def _view(tx: Transaction, actor: Actor, thread_id: int, now: datetime) -> schema.PostView:
    return render.post(conversations.get_thread_entry(tx, thread_id, actor.account_id, now), actor.account_id, now)
