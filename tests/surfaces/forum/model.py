"""The simplest forum that could be: what people, communities, posts and comments are after a series of acts.

Time is in seconds. What somebody sees is asked of `Model`; what is refused, and with which code, of `tests/.../steps.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Person:
    """Somebody with a login."""

    name: str
    id: int
    nsfw: bool = False
    admin: bool = False
    banned_until: float = -math.inf


@dataclass
class Place:
    """A community."""

    id: int
    name: str
    owner: str
    nsfw: bool = False
    removed: bool = False
    deleted: bool = False
    moderators: list[str] = field(default_factory=list)
    followers: list[str] = field(default_factory=list)
    banned_until: dict[str, float] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return not (self.removed or self.deleted)


@dataclass
class Said:
    """A post or a comment."""

    id: int
    by: str
    place: int
    text: str
    at: float
    answers: int | None = None
    thread: int = 0
    votes: dict[str, int] = field(default_factory=dict)
    saved: set[str] = field(default_factory=set)
    # Whom it names, and whether he has read it.
    mentions: dict[str, bool] = field(default_factory=dict)
    nsfw: bool = False
    removed: bool = False
    deleted: bool = False
    locked: bool = False
    stickied: bool = False
    read: bool = False

    @property
    def is_post(self) -> bool:
        return self.answers is None

    @property
    def is_shown(self) -> bool:
        return not (self.removed or self.deleted)

    @property
    def score(self) -> int:
        return sum(self.votes.values())


@dataclass
class Letter:
    """A private message."""

    id: int
    by: str
    to: str
    text: str
    read: bool = False
    deleted: bool = False


@dataclass
class Act:
    """A row of the log of moderators: in which list, by whom, in which community, and the fields that tell what."""

    kind: str
    by: str
    place: int | None
    fields: dict[str, object]


@dataclass
class Model:
    """Everything there is."""

    people: dict[str, Person] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    said: dict[int, Said] = field(default_factory=dict)
    letters: dict[int, Letter] = field(default_factory=dict)
    acts: list[Act] = field(default_factory=list)
    at: float = 0.0
    since: float = 0.0

    # --- what people may ----------------------------------------------------------------------------------------------

    def is_banned(self, name: str) -> bool:
        return self.people[name].banned_until > self.at

    def is_banned_from(self, name: str, place: Place) -> bool:
        return place.banned_until.get(name, -math.inf) > self.at

    def ban_code(self, name: str, place: Place | None = None) -> str | None:
        """Why somebody may not write; the community's ban is named first."""
        if place is not None and self.is_banned_from(name, place):
            return "community_ban"
        return "site_ban" if self.is_banned(name) else None

    def moderates(self, name: str, place: Place) -> bool:
        return self.people[name].admin or name == place.owner or name in place.moderators

    # --- what people see ----------------------------------------------------------------------------------------------

    def shows_nsfw(self, viewer: str) -> bool:
        return viewer != "" and self.people[viewer].nsfw

    def is_listed(self, post: Said, viewer: str, nsfw: bool | None = None) -> bool:
        """Is a post in the lists that somebody sees?"""
        place = self.places[post.place]
        allowed = self.shows_nsfw(viewer) if nsfw is None else nsfw
        return post.is_shown and place.is_open and (allowed or not (post.nsfw or place.nsfw))

    def posts(self) -> list[Said]:
        return [each for each in self.said.values() if each.is_post]

    def comments(self) -> list[Said]:
        return [each for each in self.said.values() if not each.is_post]

    def listed(self, viewer: str, nsfw: bool | None = None) -> list[Said]:
        """The posts somebody sees in lists, the newest first."""
        return newest(each for each in self.posts() if self.is_listed(each, viewer, nsfw))

    def within(self, place: Place, viewer: str, nsfw: bool | None = None) -> list[Said]:
        """The same in one community, where stickied ones come first."""
        found = [each for each in self.listed(viewer, nsfw) if each.place == place.id]
        return sorted(found, key=lambda each: not each.stickied)

    def replies_to(self, name: str) -> list[Said]:
        """Answers in somebody's inbox."""
        return newest(each for each in self.comments() if each.is_shown and self.recipient(each) == name)

    def recipient(self, comment: Said) -> str | None:
        """Who was answered; nobody answers himself."""
        assert comment.answers is not None
        answered = self.said[comment.answers].by
        return None if answered == comment.by else answered

    def mentions_of(self, name: str) -> list[Said]:
        """Comments that name somebody, whatever became of them."""
        return newest(each for each in self.comments() if name in each.mentions)

    def name(self, comment: Said) -> None:
        """Note whom a comment names; once named, for ever named."""
        for each in self.people:
            if each != comment.by and (f"@{each}" in comment.text.split() or f"/u/{each}" in comment.text.split()):
                comment.mentions.setdefault(each, False)

    def note(self, kind: str, by: str, place: Place | None, **fields: object) -> None:
        self.acts.append(Act(kind, by, place.id if place else None, fields))


def newest(found: Iterable[Said]) -> list[Said]:
    """In the order of `New`."""
    return sorted(found, key=lambda each: (each.at, each.id), reverse=True)


def best(found: Iterable[Said]) -> list[Said]:
    """In the order of `TopAll`."""
    return sorted(found, key=lambda each: (each.score, each.at, each.id), reverse=True)
