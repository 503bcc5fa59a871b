"""What a space is, under each of its faces, and the rights one can have in it; no database here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from enum import IntFlag

import msgspec

from folkmoot.errors import Forbidden, Invalid, NotFound

DEFAULT_PERMIT_MIME = "text/*,application/pgp-signature,application/pgp-keys"
DEFAULT_REJECT_MIME = "text/html"

_LONGEST_DESCRIPTION = 10_000
_LONGEST_TITLE = 100
_MOST_CATEGORIES = 26

# listmonk §2
_LONGEST_NEWSLETTER_NAME = 2000
_LONGEST_TAG = 100
_MOST_TAGS = 500
_LONGEST_NEWSLETTER_DESCRIPTION = 10_000
_NEWSLETTER_WORDS = {
    "type": ("private", "public", "temporary"),
    "optin": ("single", "double"),
    "status": ("active", "archived"),
}

_FORUM_NAME = re.compile(r"[a-z0-9_]{3,20}")
# sourcehut-lists §2.2
_LIST_NAME = re.compile(r"[A-Za-z0-9._-]{1,128}")
_LIST_NAMES_REFUSED = frozenset({".", "..", ".git", ".hg"})
# A topic level: nothing that separates or matches topics.
_NOT_IN_TOPIC = re.compile(r"[^a-z0-9_.\-~]+")


class Rights(IntFlag):
    """What somebody may do in a space; the numbers are the lists contract's bits (§2.2)."""

    NONE = 0
    BROWSE = 1
    REPLY = 2
    POST = 4
    MODERATE = 8
    NORMAL = 7
    ALL = 15


class Space(msgspec.Struct, frozen=True):
    """A place with an owner; its name is the root of its topics and unique."""

    id: int
    name: str
    title: str
    description: str | None
    owner_id: int
    created_at: datetime
    updated_at: datetime | None
    removed: bool
    deleted: bool

    @property
    def is_open(self) -> bool:
        """Can anything new be said in it? Not once it was removed or deleted."""
        return not (self.removed or self.deleted)


class ForumFace(msgspec.Struct, frozen=True):
    """A space as a community of the forum."""

    space_id: int
    name: str
    category_id: int
    nsfw: bool


class ListFace(msgspec.Struct, frozen=True):
    """A space as a mailing list `~owner/name`, with the rights of each audience."""

    space_id: int
    owner_id: int
    name: str
    visibility: str
    nonsubscriber: int
    subscriber: int
    account: int
    permit_mime: str
    reject_mime: str
    owner_name: str


class NewsletterFace(msgspec.Struct, frozen=True):
    """A space as a newsletter's list."""

    space_id: int
    uuid: str
    name: str
    type: str
    optin: str
    status: str
    description: str
    created_at: datetime
    updated_at: datetime


class Newsletter(msgspec.Struct, frozen=True):
    """A newsletter's list as its listing shows it: the face, its tags, and how many members it has by opt-in status."""

    face: NewsletterFace
    tags: tuple[str, ...]
    members: dict[str, int]


class NewsletterChange(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants of a newsletter's list; what is None stays, or is the default of a new one."""

    name: str | None = None
    type: str | None = None
    optin: str | None = None
    status: str | None = None
    description: str | None = None
    tags: tuple[str, ...] | None = None


class NewsletterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which lists of the newsletter to show, in which order; an empty condition does not narrow.

    `permitted` are the ids of the spaces that may be seen, None for all; `most` None is all of them.
    """

    words: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    optins: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    permitted: frozenset[int] | None = None
    order_by: str = "created_at"
    descending: bool = True
    most: int | None = None
    skip: int = 0


class Site(msgspec.Struct, frozen=True):
    """The community's own name and its switches; there is at most one."""

    id: int
    name: str
    description: str | None
    creator_id: int
    created_at: datetime
    updated_at: datetime | None
    enable_downvotes: bool
    open_registration: bool
    enable_nsfw: bool


def list_address(owner: str, name: str, domain: str) -> str:
    """The posting address of a list (sourcehut-lists §5.2)."""
    return f"~{owner}/{name}@{domain}"


def topic_name(wanted: str) -> str:
    """A space name made of any words: lower case, with `-` for what a topic level cannot hold; may be empty."""
    return _NOT_IN_TOPIC.sub("-", wanted.strip().casefold()).strip("-.")[:64]


def check_forum_name(name: str) -> None:
    """Raises Invalid unless 3 to 20 lower-case letters, digits, underscores (lemmy §3.3)."""
    if not _FORUM_NAME.fullmatch(name):
        raise Invalid("space.forum_name", "A community's name has 3 to 20 lower-case letters, digits or _.", "name")


def check_description(description: str | None) -> None:
    """Raises Invalid for a description of a space, or of the site, that is too long."""
    if description is not None and len(description) > _LONGEST_DESCRIPTION:
        raise Invalid(
            "space.description", f"A description has at most {_LONGEST_DESCRIPTION} characters.", "description"
        )


def check_community(title: str, category_id: int) -> None:
    """Raises Invalid for a title that is blank or too long, and for a category that there is not."""
    if len(title) > _LONGEST_TITLE or not title.strip():
        raise Invalid("space.title", f"A title has 1 to {_LONGEST_TITLE} characters.", "title")
    if not 1 <= category_id <= _MOST_CATEGORIES:
        raise Invalid("space.category", "There is no such category.", "category_id")


def check_list_name(name: str) -> None:
    """Raises Invalid unless the name may stand in a list's address (sourcehut-lists §2.2)."""
    if not _LIST_NAME.fullmatch(name) or name.casefold() in _LIST_NAMES_REFUSED:
        raise Invalid("space.list_name", "A list's name has 1 to 128 letters, digits, or . _ -", "name")


def check_newsletter(wanted: NewsletterChange) -> None:
    """Raises Invalid for a word that is none of its kind's, or a text that is blank or too long."""
    for field in _NEWSLETTER_WORDS:
        value = getattr(wanted, field)
        check_newsletter_words(field, () if value is None else (value,))
    if wanted.name is not None and not (wanted.name.strip() and len(wanted.name.encode()) <= _LONGEST_NEWSLETTER_NAME):
        raise Invalid("newsletter.name", f"A name has 1 to {_LONGEST_NEWSLETTER_NAME} bytes.", "name")
    if len(wanted.description or "") > _LONGEST_NEWSLETTER_DESCRIPTION:
        longest = _LONGEST_NEWSLETTER_DESCRIPTION
        raise Invalid("newsletter.description", f"A description has at most {longest} characters.", "description")
    if len(wanted.tags or ()) > _MOST_TAGS or any(len(tag) > _LONGEST_TAG for tag in wanted.tags or ()):
        raise Invalid("newsletter.tag", f"At most {_MOST_TAGS} tags of at most {_LONGEST_TAG} characters.", "tags")


def check_newsletter_words(field: str, values: Iterable[str]) -> None:
    """Raises Invalid for a `type`, `optin` or `status` that there is not."""
    words = _NEWSLETTER_WORDS[field]
    if any(value not in words for value in values):
        raise Invalid(f"newsletter.{field}", f"The {field} is one of {', '.join(words)}.", field)


def newsletter_tags(words: Iterable[str]) -> tuple[str, ...]:
    """Tags as they are kept: without surrounding blanks, `-` for those within, each once, none empty (listmonk §2)."""
    return tuple(dict.fromkeys(tag for tag in ("-".join(word.split()) for word in words) if tag))


def require_right(held: Rights, needed: Rights) -> None:
    """Raises NotFound to those who may not even browse, Forbidden to others who lack the right."""
    if held & needed == needed:
        return
    if not held & Rights.BROWSE:
        raise NotFound("space.unknown", "There is no such space.")
    what = {Rights.REPLY: "reply", Rights.POST: "post", Rights.MODERATE: "moderate"}.get(needed, "do this")
    raise Forbidden("space.not_permitted", f"You may not {what} here.")
