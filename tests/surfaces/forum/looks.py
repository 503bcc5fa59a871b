"""What everybody and nobody sees of a forum is as its model says: lists, posts, search, inbox, feeds, log, counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.surfaces.forum.model import Model, Place, Said, best, newest
from tests.surfaces.forum.steps import Story


async def compare(story: Story, before: dict[str, int]) -> None:
    """Look at everything as everybody."""
    for viewer in ("", *story.names):
        await _lists(story, viewer)
        await _posts(story, viewer)
        await _places(story, viewer)
        await _search(story, viewer)
    for name in story.names:
        await _inbox(story, name)
        await _details(story, name)
    await _feeds(story)
    await _modlog(story)
    await _site(story, before)


def _ids(views: Iterable[Any]) -> list[int]:
    return [each["id"] for each in views]


def _of(model: Model, views: Iterable[Any]) -> list[int]:
    """Those of this story; a forum holds others beside."""
    return [each["id"] for each in views if each["id"] in model.said]


def _said(found: Iterable[Said]) -> list[int]:
    return [each.id for each in found]


async def _lists(story: Story, viewer: str) -> None:
    hall, model = story.hall, story.model
    for sort, order in (("New", newest), ("TopAll", best)):
        found = await hall.get("/post/list", viewer, type_="All", sort=sort, limit=9999)
        assert _of(model, found["posts"]) == _said(order(model.listed(viewer))), (viewer, sort)
    hot = await hall.get("/post/list", viewer, type_="All", sort="Hot", limit=9999)
    assert sorted(_of(model, hot["posts"])) == sorted(_said(model.listed(viewer)))
    for view in hot["posts"]:
        if view["id"] in model.said:
            _check(model, view, viewer)
    followed = {each.id for each in model.places.values() if viewer in each.followers}
    found = await hall.get("/post/list", viewer, type_="Subscribed", sort="New", limit=9999)
    assert _of(model, found["posts"]) == _said(x for x in model.listed(viewer) if x.place in followed), viewer
    for place in model.places.values():
        data = {"type_": "Community", "sort": "New", "community_id": place.id, "limit": 9999}
        found = await hall.get("/post/list", viewer, **data)
        assert _ids(found["posts"]) == _said(model.within(place, viewer)), (viewer, place)
        found = await hall.get("/comment/list", viewer, **{**data, "type_": "All"})
        below = [each for each in model.comments() if each.place == place.id]
        assert _ids(found["comments"]) == _said(newest(below)), (viewer, place)


async def _posts(story: Story, viewer: str) -> None:
    # Of many posts each is looked at by every other one only.
    posts = story.model.posts()
    turn = 0 if len(posts) < 6 else 1 + story.names.index(viewer) if viewer else 1
    for number, post in enumerate(posts):
        if turn and (number + turn) % 2:
            continue
        found = await story.hall.get("/post", viewer, id=post.id)
        below = [each for each in story.model.comments() if each.thread == post.id]
        assert _ids(found["comments"]) == _said(newest(below))
        assert found["post"]["number_of_comments"] == len(below)
        for view in (found["post"], *found["comments"]):
            _check(story.model, view, viewer)
        _check_place(story.model, found["community"], viewer)


def _check(model: Model, view: Any, viewer: str) -> None:
    """Everything in a view of a post or a comment."""
    said = model.said[view["id"]]
    place, votes = model.places[said.place], list(said.votes.values())
    wanted: dict[str, Any] = {
        "name" if said.is_post else "content": said.text,
        "creator_name": said.by,
        "removed": said.removed,
        "deleted": said.deleted,
        "score": said.score,
        "upvotes": votes.count(1),
        "downvotes": votes.count(-1),
        "my_vote": said.votes.get(viewer, 0) if viewer else None,
        "saved": True if viewer in said.saved else None,
        "subscribed": True if viewer in place.followers else None,
        "banned": model.is_banned(said.by),
        "banned_from_community": model.is_banned_from(said.by, place),
        "community_id": said.place,
    }
    if said.is_post:
        wanted |= {"locked": said.locked, "stickied": said.stickied, "nsfw": said.nsfw, "community_nsfw": place.nsfw}
        wanted |= {"community_removed": place.removed, "community_deleted": place.deleted}
    else:
        assert said.answers is not None
        parent = None if model.said[said.answers].is_post else said.answers
        wanted |= {"read": said.read, "parent_id": parent, "post_id": said.thread}
    assert {name: view[name] for name in wanted} == wanted, (viewer, said)


async def _places(story: Story, viewer: str) -> None:
    hall, model = story.hall, story.model
    found = await hall.get("/community/list", viewer, sort="New", limit=9999)
    visible = {
        each.id for each in model.places.values() if each.is_open and (model.shows_nsfw(viewer) or not each.nsfw)
    }
    assert {each["id"] for each in found["communities"] if each["id"] in model.places} == visible, viewer
    for place in model.places.values():
        shown = await hall.get("/community", viewer, id=place.id)
        _check_place(model, shown["community"], viewer)
        assert [each["user_name"] for each in shown["moderators"]] == place.moderators
        admins = [each.name for each in model.people.values() if each.admin]
        assert [each["name"] for each in shown["admins"] if each["name"] in model.people] == admins


def _check_place(model: Model, view: Any, viewer: str) -> None:
    place = model.places[view["id"]]
    wanted = {
        "creator_name": place.owner,
        "removed": place.removed,
        "deleted": place.deleted,
        "nsfw": place.nsfw,
        "number_of_subscribers": len(place.followers),
        "number_of_posts": len([each for each in model.posts() if each.place == place.id]),
        "number_of_comments": len([each for each in model.comments() if each.place == place.id]),
        "subscribed": True if viewer in place.followers else None,
    }
    assert {name: view[name] for name in wanted} == wanted, (viewer, place)


async def _search(story: Story, viewer: str) -> None:
    model = story.model
    found = await story.hall.get("/search", viewer, q=story.word, type_="All", sort="New", limit=9999)
    # lemmy §5.8: what is for those who want to see it is found by everybody.
    assert _ids(found["posts"]) == [each.id for each in model.listed(viewer, nsfw=True) if story.word in each.text]
    comments = [each for each in model.comments() if each.is_shown and model.places[each.place].is_open]
    assert _ids(found["comments"]) == _said(newest(comments)), viewer
    assert set(_ids(found["communities"])) == {each.id for each in model.places.values() if each.is_open}
    names = [each for each in story.names if each != "admin"]
    assert {each["name"] for each in found["users"]} == set(names)
    for view in (*found["posts"], *found["comments"]):
        _check(model, view, viewer)


async def _inbox(story: Story, name: str) -> None:
    hall, model = story.hall, story.model
    for unread in (False, True):
        data = {"sort": "New", "unread_only": str(unread).lower(), "limit": 9999}
        found = await hall.get("/user/replies", name, **data)
        replies = [each for each in model.replies_to(name) if not (unread and each.read)]
        assert _of(model, found["replies"]) == _said(replies), (name, unread)
        for view in found["replies"]:
            if view["id"] in model.said:
                _check(model, view, name)
                assert view["recipient_id"] == model.people[name].id
        found = await hall.get("/user/mentions", name, **data)
        mentions = [each for each in model.mentions_of(name) if not (unread and each.mentions[name])]
        assert _of(model, found["mentions"]) == _said(mentions), (name, unread)
        for view in found["mentions"]:
            if view["id"] in model.said:
                assert view["read"] == model.said[view["id"]].mentions[name]
        found = await hall.get("/private_message/list", name, unread_only=data["unread_only"], limit=9999)
        letters = [
            each for each in model.letters.values()
            if not each.deleted and (each.to == name and not each.read if unread else name in (each.to, each.by))
        ]  # fmt: skip
        told = [each for each in found["messages"] if each["id"] in model.letters]
        assert [(x["id"], x["content"], x["read"]) for x in told] == [(x.id, x.text, x.read) for x in reversed(letters)]


async def _details(story: Story, name: str) -> None:
    """What everybody sees of somebody, as somebody who sees everything and as himself."""
    hall, model = story.hall, story.model
    for viewer in (name, ""):
        data = {"sort": "New", "username": name, "limit": 9999}
        found = await hall.get("/user", viewer, **data)
        mine = [each for each in model.said.values() if each.by == name]
        if name != "admin":
            counts = {
                "number_of_posts": len([each for each in mine if each.is_post]),
                "number_of_comments": len([each for each in mine if not each.is_post]),
                "post_score": sum(each.score for each in mine if each.is_post),
                "comment_score": sum(each.score for each in mine if not each.is_post),
                "admin": model.people[name].admin,
                "banned": model.is_banned(name),
            }
            assert {key: found["user"][key] for key in counts} == counts, name
        assert _of(model, found["posts"]) == [each.id for each in model.listed(viewer) if each.by == name]
        # Of a community that is gone nothing is listed.
        assert _of(model, found["comments"]) == _said(newest(x for x in _open(model) if x.by == name))
        moderated = {each.id for each in model.places.values() if name in each.moderators}
        assert {x["community_id"] for x in found["moderates"] if x["community_id"] in model.places} == moderated
        followed = {each.id for each in model.places.values() if name in each.followers}
        assert {x["community_id"] for x in found["follows"] if x["community_id"] in model.places} == followed
        found = await hall.get("/user", viewer, **data, saved_only="true")
        kept = [each for each in model.listed(viewer) if viewer in each.saved]
        assert sorted(_of(model, found["posts"])) == sorted(_said(kept)), viewer
        kept = [each for each in _open(model) if viewer in each.saved]
        assert sorted(_of(model, found["comments"])) == sorted(_said(kept)), viewer


def _open(model: Model) -> list[Said]:
    return [each for each in model.comments() if model.places[each.place].is_open]


async def _feeds(story: Story) -> None:
    """Ten of each, also of what is not for everybody's eyes (lemmy §8.1)."""
    hall, model = story.hall, story.model

    async def items(path: str) -> list[int]:
        answer = await hall.client.get(f"/feeds/{path}.xml", params={"sort": "New"})
        assert answer.status_code == 200, answer.text
        return [int(each) for each in re.findall(r"<guid[^>]*>[^<]*/(\d+)</guid>", answer.text)]

    for place in model.places.values():
        assert await items(f"c/{place.name}") == _said(model.within(place, "", nsfw=True)[:10]), place
    for name in story.names:
        if name == "admin":
            continue
        by = [each for each in model.listed("", nsfw=True) if each.by == name]
        assert await items(f"u/{name}") == _said(by[:10])
        followed = [x for x in model.listed("", nsfw=True) if name in model.places[x.place].followers]
        assert await items(f"front/{hall.tokens[name]}") == _said(followed[:10])
        addressed = [*model.replies_to(name)[:10], *model.mentions_of(name)]
        shown = [each for each in addressed if each.is_shown]
        assert await items(f"inbox/{hall.tokens[name]}") == _said(shown), name


async def _modlog(story: Story) -> None:
    """Each act once, the newest first; by community and by moderator too."""
    hall, model = story.hall, story.model
    await _check_log(story, await hall.get("/modlog", limit=9999), None, None)
    for place in model.places.values():
        await _check_log(story, await hall.get("/modlog", limit=9999, community_id=place.id), place, None)
    for name in story.names:
        found = await hall.get("/modlog", limit=9999, mod_user_id=model.people[name].id)
        await _check_log(story, found, None, name)


async def _check_log(story: Story, log: Any, place: Place | None, by: str | None) -> None:
    model = story.model
    for kind, rows in log.items():
        wanted = [
            (model.people[act.by].id, act.fields) for act in reversed(model.acts)
            if act.kind == kind and by in (None, act.by)
            and (place is None or (act.place == place.id and kind != "removed_communities"))
        ]  # fmt: skip
        own = [row for row in rows if _is_of(model, row)]
        found = [
            (row["mod_user_id"], {key: row[key] for key in fields})
            for row, (_, fields) in zip(own, wanted, strict=True)
        ]
        assert found == wanted, (kind, place, by)


def _is_of(model: Model, row: Any) -> bool:
    if "community_id" in row:
        return row["community_id"] in model.places
    # The administrator is in every story: what was done to him in another is not of this one.
    at = datetime.fromisoformat(row["when_"]).replace(tzinfo=UTC).timestamp()
    return at > model.since and row["other_user_id"] in {each.id for each in model.people.values()}


async def _site(story: Story, before: dict[str, int]) -> None:
    model = story.model
    found = await story.hall.get("/site")
    admins = [each["name"] for each in found["admins"] if each["name"] in model.people]
    assert admins == [each.name for each in model.people.values() if each.admin]
    banned = [each["name"] for each in found["banned"] if each["name"] in model.people]
    assert banned == [name for name in model.people if model.is_banned(name)]
    grown = {key: found["site"][key] - count for key, count in before.items()}
    assert grown == {
        "number_of_posts": len(model.posts()),
        "number_of_comments": len(model.comments()),
        "number_of_communities": len(model.places),
    }
