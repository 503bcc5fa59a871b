"""The exact shapes and words of the lists API (lists.sr.ht REST): what comes in, what goes out, key by key in order."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

T = TypeVar("T")

RESULTS_PER_PAGE = 50
THREADS_PER_PAGE = 15

# contract §2.2
ListName = Annotated[str, Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._-]+$")]
Description = Annotated[str, Meta(max_length=2047)]


class ShortUser(msgspec.Struct):
    """A user where another resource names one."""

    canonical_name: str
    name: str


class User(ShortUser):
    """A user in full."""

    email: str
    url: str | None = None
    location: str | None = None
    bio: str | None = None


class Permissions(msgspec.Struct):
    """What each audience may do: `browse`, `reply`, `post`, in that order."""

    nonsubscriber: list[str]
    subscriber: list[str]
    account: list[str]


class ShortList(msgspec.Struct):
    """A mailing list where another resource names one."""

    id: int
    name: str
    owner: ShortUser


class List(ShortList):
    """A mailing list in full."""

    created: str
    updated: str
    description: str | None
    permissions: Permissions


class ShortEmail(msgspec.Struct):
    """An archived message. `patchset` stays null until patchsets are kept."""

    id: int
    created: str
    subject: str
    message_id: str
    parent_id: int | None
    thread_id: int
    list: ShortList
    sender: ShortUser | None
    patchset: None


class Email(ShortEmail):
    """An archived message in full."""

    is_patch: bool
    is_request_pull: bool
    replies: int
    participants: int
    envelope: str


class Subscription(msgspec.Struct):
    """An account receives a list by mail."""

    id: int
    created: str
    list: ShortList


class Page(msgspec.Struct, Generic[T]):
    """A page of results; `next` is the id the next page starts with, as a string."""

    next: str | None
    results: list[T]
    total: int
    results_per_page: int = RESULTS_PER_PAGE


class Version(msgspec.Struct):
    """What runs here."""

    version: str


class Error(msgspec.Struct, omit_defaults=True):
    """One thing that is wrong; `field` only where there is one."""

    reason: str
    field: str | None = None


class Errors(msgspec.Struct):
    """Everything that is wrong with a request."""

    errors: list[Error]


class NewList(msgspec.Struct):
    """A list to be made."""

    name: ListName
    description: Description = ""


class ListChange(msgspec.Struct):
    """What is to change of a list; an empty description takes it away."""

    description: Description | msgspec.UnsetType = msgspec.UNSET


class NewSubscription(msgspec.Struct):
    """A subscription to be made; `list` is `~owner/name`."""

    list: Annotated[str, Meta(min_length=1)]


class Export(msgspec.Struct):
    """The form that asks for a list's mbox; `days` 0 is everything."""

    days: str
    csrf: str = msgspec.field(name="_csrf", default="")


def encoded_fields(kind: Any) -> dict[str, msgspec.structs.FieldInfo]:
    """The fields of a request struct by the key they have on the wire."""
    return {each.encode_name: each for each in msgspec.structs.fields(kind)}
