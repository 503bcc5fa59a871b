"""Searching posts, comments, communities and people (lemmy §5.8)."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain import accounts, conversations, spaces
from folkmoot.domain.accounts import ANONYMOUS, Actor, Profile
from folkmoot.domain.conversations import Order, Slice
from folkmoot.domain.spaces import Community
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import Forum, order_of, page
from folkmoot.surfaces.forum.handlers.communities import sort_communities
from folkmoot.text.search import has_in_order


async def search(call: Call) -> schema.SearchResponse:
    """What has these words, per kind; each list has the same page."""
    forum: Forum = call.app
    data: schema.Search = call.data
    now = forum.house.now()

    def look(tx: Transaction) -> schema.SearchResponse:
        # lemmy §5.8: who asks does not matter to a search for a link.
        actor: Actor = ANONYMOUS if data.type_ == "Url" else call.actor
        asked = (data.type_,) if data.type_ != "All" else ("Posts", "Comments", "Communities", "Users")
        return schema.SearchResponse(
            type_=data.type_,
            comments=_comments(tx, actor, data, now) if "Comments" in asked else [],
            posts=_posts(tx, actor, data, now) if {"Posts", "Url"} & set(asked) else [],
            communities=_communities(tx, actor, data, now) if "Communities" in asked else [],
            users=_users(tx, data, now, forum.hostname) if "Users" in asked else [],
        )

    return await forum.house.db.scan(look)


def _posts(tx: Transaction, actor: Actor, data: schema.Search, now: datetime) -> list[schema.PostView]:
    find = conversations.find_linking if data.type_ == "Url" else conversations.search_threads
    ids = find(tx, data.q, _slice(data, now), now, data.community_id)
    views = conversations.list_thread_entries(tx, ids, actor.account_id, now)
    return render.posts(views, actor.account_id, now)


def _slice(data: schema.Search, now: datetime) -> Slice:
    return Slice(*order_of(data.sort, now), *page(data))


def _comments(tx: Transaction, actor: Actor, data: schema.Search, now: datetime) -> list[schema.CommentView]:
    ids = conversations.search_answers(tx, data.q, _slice(data, now), now)
    views = conversations.list_answer_entries(tx, ids, actor.account_id, now)
    return [render.comment(view, actor.account_id, now) for view in views]


def _communities(tx: Transaction, actor: Actor, data: schema.Search, now: datetime) -> list[schema.CommunityView]:
    words = data.q.split()
    found = [each for each in spaces.list_communities(tx, actor, True, now) if _has(each, words)]
    skip, most = page(data)
    ordered = sort_communities(found, data.sort, now)[skip : skip + most]
    return [render.community(each, actor.account_id, now) for each in ordered]


def _has(community: Community, words: list[str]) -> bool:
    return bool(words) and any(
        has_in_order(text, words) for text in (community.name, community.title, community.description or "")
    )


def _users(tx: Transaction, data: schema.Search, now: datetime, hostname: str) -> list[schema.UserView]:
    if not data.q.strip():
        return []
    order, since = order_of(data.sort, now)
    found = [
        each for each in accounts.search_profiles(tx, data.q.strip(), now) if since is None or each.created_at > since
    ]

    def key(each: Profile) -> tuple[object, ...]:
        return (each.created_at, each.id) if order is Order.NEW else (each.comment_score, each.created_at, each.id)

    skip, most = page(data)
    return [render.user(each, hostname) for each in sorted(found, key=key, reverse=True)[skip : skip + most]]
