"""What people do in a forum, done in the forum and in its model; what is refused must be refused with the right code."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from tests.surfaces.forum.hall import Hall
from tests.surfaces.forum.model import Letter, Model, Person, Place, Said

ERASED = "*Permananently Deleted*"


@dataclass(frozen=True)
class Step:
    """One act: by the how-manieth person, on which of what there is, and two more choices."""

    act: str
    by: int
    which: int
    whom: int
    much: int


@dataclass
class Story:
    """A forum, what it should be, and a word that is in everything said there."""

    hall: Hall
    model: Model
    word: str
    names: list[str] = field(default_factory=list)

    def person(self, number: int) -> Person:
        return self.model.people[self.names[number % len(self.names)]]

    def place(self, number: int) -> Place:
        return list(self.model.places.values())[number % len(self.model.places)]

    def message(self, number: int) -> Said | None:
        found = list(self.model.said.values())
        return found[number % len(found)] if found else None

    async def ask(self, step: Step, by: str, path: str, code: str | None, method: str = "POST", **data: Any) -> Any:
        """Ask for something; the answer, or None when the model says it is refused with this code."""
        answer = await self.hall.answer(path, by, method, **data)
        if code is None:
            assert answer.status_code == 200, (step, by, path, data, answer.text)
            return answer.json()
        assert answer.status_code == 400 and answer.json()["error"] == code, (step, by, path, data, code, answer.text)
        return None


Taking = Callable[[Story, Step, str], Awaitable[None]]


async def post(story: Story, step: Step, by: str) -> None:
    place, model = story.place(step.which), story.model
    code = model.ban_code(by, place) or (None if place.is_open else "couldnt_create_post")
    name = f"{story.word} {len(model.said)}"
    data: dict[str, Any] = {"name": name, "community_id": place.id, "nsfw": step.much == 1}
    if answer := await story.ask(step, by, "/post", code, **data):
        number = answer["post"]["id"]
        made = Said(number, by, place.id, name, model.at, thread=number, votes={by: 1}, nsfw=step.much == 1)
        model.said[number] = made


async def comment(story: Story, step: Step, by: str) -> None:
    target, model = story.message(step.which), story.model
    if target is None:
        return
    thread, place = model.said[target.thread], model.places[target.place]
    code = model.ban_code(by, place)
    if code is None and thread.locked:
        code = "locked"
    elif code is None and not (thread.is_shown and target.is_shown and place.is_open):
        code = "couldnt_create_comment"
    text = _text(story, step)
    more: dict[str, Any] = {} if target.is_post else {"parent_id": target.id}
    if answer := await story.ask(step, by, "/comment", code, content=text, post_id=thread.id, **more):
        number = answer["comment"]["id"]
        made = Said(number, by, place.id, text, model.at, target.id, thread.id, votes={by: 1})
        model.said[number] = made
        model.name(made)


def _text(story: Story, step: Step) -> str:
    named = story.person(step.whom).name
    return f"{story.word} {('hello', f'@{named} hello', f'see /u/{named} there')[step.much % 3]}"


async def vote(story: Story, step: Step, by: str) -> None:
    target, model = story.message(step.which), story.model
    if target is None:
        return
    kind = "post" if target.is_post else "comment"
    data: dict[str, Any] = {f"{kind}_id": target.id, "post_id": target.thread, "score": step.much % 3 - 1}
    if await story.ask(step, by, f"/{kind}/like", model.ban_code(by, model.places[target.place]), **data):
        target.votes.pop(by, None)
        if data["score"]:
            target.votes[by] = data["score"]


async def save(story: Story, step: Step, by: str) -> None:
    target = story.message(step.which)
    if target is None:
        return
    kind, wanted = "post" if target.is_post else "comment", step.much % 2 == 0
    code = f"couldnt_save_{kind}" if wanted and by in target.saved else None
    data: dict[str, Any] = {f"{kind}_id": target.id, "save": wanted}
    if await story.ask(step, by, f"/{kind}/save", code, **data):
        target.saved = target.saved | {by} if wanted else target.saved - {by}


async def edit(story: Story, step: Step, by: str) -> None:
    target = story.message(step.which)
    if target is not None:
        await _edit(story, step, _likely(step, by, target.by), target, _text(story, step), {})


def _likely(step: Step, by: str, who_may: str) -> str:
    """Half of what only some may do is asked for by one of them."""
    return who_may if step.whom % 2 else by


def changes(*flags: str) -> Taking:
    """Turn one of these flags of a post or a comment over."""

    async def change(story: Story, step: Step, by: str) -> None:
        target = story.message(step.which)
        flag = flags[step.much % len(flags)]
        if target is not None and (target.is_post or flag in ("removed", "deleted")):
            by = _likely(step, by, target.by if flag == "deleted" else story.model.places[target.place].owner)
            await _edit(story, step, by, target, target.text, {flag: not getattr(target, flag)})

    return change


async def _edit(story: Story, step: Step, by: str, target: Said, text: str, flags: dict[str, bool]) -> None:
    model, place = story.model, story.model.places[target.place]
    kind = "post" if target.is_post else "comment"
    is_author, moderates = by == target.by, model.moderates(by, place)
    may = is_author if "deleted" in flags else moderates if flags else is_author or moderates
    code = None if may else f"no_{kind}_edit_allowed"
    data = {"edit_id": target.id, "name" if target.is_post else "content": text, **flags}
    if await story.ask(step, by, f"/{kind}", code or model.ban_code(by, place), "PUT", **data):
        for flag, value in flags.items():
            setattr(target, flag, value)
            if flag != "deleted":
                model.note(f"{flag}_{kind}s", by, place, **{f"{kind}_id": target.id, flag: value})
        if is_author:
            target.text = text
            if not target.is_post:
                model.name(target)


async def read(story: Story, step: Step, by: str) -> None:
    """Mark an answer, a mention or a private message; or everything."""
    model, wanted = story.model, step.much % 2 == 0
    if step.much > 3:
        assert await story.ask(step, by, "/user/mark_all_as_read", None)
        for each in model.comments():
            each.read = each.read or model.recipient(each) == by
            each.mentions |= {by: True} if by in each.mentions else {}
        for letter in model.letters.values():
            letter.read = letter.read or letter.to == by
        return
    if model.letters and step.much > 1:
        letter = list(model.letters.values())[step.which % len(model.letters)]
        code = model.ban_code(by)
        if code is None and letter.to != by:
            known = "no_private_message_edit_allowed" if letter.by == by else "couldnt_update_private_message"
            code = known
        if await story.ask(step, by, "/private_message", code, "PUT", edit_id=letter.id, read=wanted):
            letter.read = wanted
        return
    target = story.message(step.which)
    if target is None or target.is_post:
        return
    code = None if model.recipient(target) == by else "couldnt_update_comment"
    data = {"edit_id": target.id, "content": "what is sent besides", "read": wanted}
    if await story.ask(step, by, "/comment", code, "PUT", **data):
        target.read = wanted


async def read_mention(story: Story, step: Step, by: str) -> None:
    target = story.message(step.which)
    if target is None or not target.mentions:
        return
    named = list(target.mentions)[step.whom % len(target.mentions)]
    found = await story.hall.get("/user/mentions", named, sort="New", unread_only="false", limit=9999)
    [mention] = [each for each in found["mentions"] if each["id"] == target.id]
    code, wanted = None if named == by else "couldnt_update_comment", step.much % 2 == 0
    data = {"user_mention_id": mention["user_mention_id"], "read": wanted}
    if await story.ask(step, by, "/user/mention", code, "PUT", **data):
        target.mentions[by] = wanted


async def write(story: Story, step: Step, by: str) -> None:
    """Write to somebody, or change what was written."""
    model = story.model
    if model.letters and step.much > 3:
        letter = list(model.letters.values())[step.which % len(model.letters)]
        code = model.ban_code(by)
        if code is None and letter.by != by:
            code = "no_private_message_edit_allowed" if letter.to == by else "couldnt_update_private_message"
        change = {"deleted": not letter.deleted} if step.much == 4 else {"content": f"{story.word} other"}
        if await story.ask(step, by, "/private_message", code, "PUT", edit_id=letter.id, **change):
            letter.deleted = bool(change.get("deleted", letter.deleted))
            letter.text = str(change.get("content", letter.text))
        return
    to, text = story.person(step.whom), f"{story.word} {len(model.letters)}"
    data: dict[str, Any] = {"content": text, "recipient_id": to.id}
    if answer := await story.ask(step, by, "/private_message", model.ban_code(by), **data):
        number = answer["message"]["id"]
        model.letters[number] = Letter(number, by, to.name, text)


async def create(story: Story, step: Step, by: str) -> None:
    model = story.model
    if len(model.places) > 3:
        return
    name = f"{story.word}_{len(model.places)}"
    data: dict[str, Any] = {"name": name, "title": name, "category_id": 1, "nsfw": step.much == 1}
    if answer := await story.ask(step, by, "/community", model.ban_code(by), **data):
        number = answer["community"]["id"]
        model.places[number] = Place(number, name, by, step.much == 1, moderators=[by], followers=[by])


async def close(story: Story, step: Step, by: str) -> None:
    """Remove or delete a community, or make it another's who may not see everything; or the other way."""
    model, place = story.model, story.place(step.which)
    by = _likely(step, by, place.owner)
    flag = ("removed", "deleted", "nsfw")[step.much % 3]
    wanted = not getattr(place, flag)
    may = by == place.owner and model.moderates(by, place) if flag == "deleted" else model.moderates(by, place)
    code = model.ban_code(by) or (None if may else "no_community_edit_allowed")
    data = {"edit_id": place.id, "name": place.name, "title": place.name, "category_id": 1, flag: wanted}
    if await story.ask(step, by, "/community", code, "PUT", **data):
        setattr(place, flag, wanted)
        if flag == "removed":
            model.note("removed_communities", by, place, community_id=place.id, removed=wanted)


async def follow(story: Story, step: Step, by: str) -> None:
    place, wanted = story.place(step.which), step.much % 2 == 0
    code = "community_follower_already_exists" if wanted and by in place.followers else None
    if await story.ask(step, by, "/community/follow", code, community_id=place.id, follow=wanted):
        place.followers = [each for each in place.followers if each != by] + ([by] if wanted else [])


async def ban_there(story: Story, step: Step, by: str) -> None:
    model, place, whom = story.model, story.place(step.which), story.person(step.which // 4)
    by = _likely(step, by, place.owner)
    wanted = step.much != 0
    until = model.at + 150 if step.much > 2 else math.inf
    code = None if model.moderates(by, place) else "not_a_mod_or_admin"
    if code is None and wanted and (whom.admin or whom.name == place.owner):
        code = "not_a_mod_or_admin"
    if code is None and wanted and model.is_banned_from(whom.name, place):
        code = "community_user_already_banned"
    expires = {"expires": int(until)} if wanted and until < math.inf else {}
    data: dict[str, Any] = {
        "community_id": place.id,
        "user_id": whom.id,
        "ban": wanted,
        "reason": story.word,
        **expires,
    }
    if await story.ask(step, by, "/community/ban_user", code, **data):
        place.banned_until[whom.name] = int(until) if expires else until if wanted else -math.inf
        model.note("banned_from_community", by, place, other_user_id=whom.id, banned=wanted, reason=story.word)


async def ban(story: Story, step: Step, by: str) -> None:
    by = _likely(step, by, "admin")
    model, whom = story.model, story.person(step.which)
    wanted = step.much != 0
    until = model.at + 150 if step.much > 2 else math.inf
    expires = {"expires": int(until)} if wanted and until < math.inf else {}
    code = None if model.people[by].admin else "not_an_admin"
    data: dict[str, Any] = {"user_id": whom.id, "ban": wanted, "reason": story.word, **expires}
    if whom.name != "admin" and await story.ask(step, by, "/user/ban", code, **data):
        whom.banned_until = int(until) if expires else until if wanted else -math.inf
        model.note("banned", by, None, other_user_id=whom.id, banned=wanted, reason=story.word)


async def appoint(story: Story, step: Step, by: str) -> None:
    model, place, whom = story.model, story.place(step.which), story.person(step.which // 4)
    by = _likely(step, by, place.owner)
    wanted = step.much % 3 != 0
    code = None if model.moderates(by, place) else "not_a_mod_or_admin"
    if code is None and wanted and whom.name in place.moderators:
        code = "community_moderator_already_exists"
    if code is None and not wanted and whom.name == place.owner and by != place.owner:
        code = "not_a_mod_or_admin"
    data: dict[str, Any] = {"community_id": place.id, "user_id": whom.id, "added": wanted}
    if await story.ask(step, by, "/community/mod", code, **data):
        place.moderators = [x for x in place.moderators if x != whom.name] + ([whom.name] if wanted else [])
        model.note("added_to_community", by, place, other_user_id=whom.id, removed=not wanted)


async def transfer(story: Story, step: Step, by: str) -> None:
    model, place, whom = story.model, story.place(step.which), story.person(step.which // 4)
    by = _likely(step, by, place.owner)
    code = None if by == place.owner or model.people[by].admin else "not_an_admin"
    if await story.ask(step, by, "/community/transfer", code, community_id=place.id, user_id=whom.id):
        place.owner = whom.name
        place.moderators = [whom.name, *(each for each in place.moderators if each != whom.name)]
        model.note("added_to_community", by, place, other_user_id=whom.id, removed=False)


async def appoint_admin(story: Story, step: Step, by: str) -> None:
    by = _likely(step, by, "admin")
    model, whom, wanted = story.model, story.person(step.which), step.much % 3 == 1
    code = None if model.people[by].admin else "not_an_admin"
    if code is None and whom.name == "admin" and not wanted:
        code = "couldnt_update_user"
    if await story.ask(step, by, "/admin/add", code, user_id=whom.id, added=wanted):
        whom.admin = wanted
        model.note("added", by, None, other_user_id=whom.id, removed=not wanted)


async def leave(story: Story, step: Step, by: str) -> None:
    """Take back everything one has said."""
    model = story.model
    if by == "admin" or step.much > 1:
        return
    assert await story.ask(step, by, "/user/delete_account", None, password="pw")
    for each in model.said.values():
        each.saved.discard(by)
        if each.by == by:
            each.text, each.deleted = ERASED, True
    for letter in model.letters.values():
        if letter.by == by:
            letter.text, letter.deleted = ERASED, True
    for place in model.places.values():
        place.followers = [name for name in place.followers if name != by]


async def wait(story: Story, step: Step, by: str) -> None:
    """Let a hundred seconds pass: bans end."""
    story.hall.clock.wait(seconds=100)
    story.model.at += 100


ACTS: dict[str, Taking] = {
    "post": post,
    "comment": comment,
    "vote": vote,
    "save": save,
    "edit": edit,
    "hide": changes("removed", "deleted"),
    "lock": changes("locked", "stickied"),
    "read": read,
    "read a mention": read_mention,
    "write": write,
    "create": create,
    "close": close,
    "follow": follow,
    "ban there": ban_there,
    "ban": ban,
    "appoint": appoint,
    "transfer": transfer,
    "appoint an administrator": appoint_admin,
    "leave": leave,
    "wait": wait,
}
