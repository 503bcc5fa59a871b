"""The wire shapes of this surface and its words: what is read leniently, and what is written exactly (listmonk §3)."""

from __future__ import annotations

import msgspec


class ListsQuery(msgspec.Struct, kw_only=True):
    """GET /api/lists. Numbers are text here, because a wrong one means the default and is no error."""

    query: str = ""
    status: list[str] = []
    type: str = ""
    optin: str = ""
    tag: list[str] = []
    minimal: str = ""
    page: str = ""
    per_page: str = ""
    order_by: str = ""
    order: str = ""


class ListBody(msgspec.Struct, kw_only=True):
    """POST and PUT of a list; what is absent, null or empty stays as it is, or gets its default."""

    name: str | None = None
    type: str | None = None
    optin: str | None = None
    status: str | None = None
    tags: list[str] | None = None
    description: str | None = None


class ListsDeletion(msgspec.Struct, kw_only=True):
    """DELETE /api/lists: by ids, by words of the name, or all."""

    id: list[str] = []
    query: str = ""
    all: str = ""


class ListOut(msgspec.Struct, kw_only=True):
    """A list; the keys in the order of the reference."""

    id: int
    created_at: str
    updated_at: str
    uuid: str
    name: str
    type: str
    optin: str
    status: str
    tags: tuple[str, ...]
    description: str
    subscriber_count: int
    subscriber_statuses: dict[str, int] | None
    subscription_created_at: None = None
    subscription_updated_at: None = None


class ListsPage(msgspec.Struct, kw_only=True):
    """One page of lists."""

    results: list[ListOut]
    search: str = ""
    query: str = ""
    total: int
    per_page: int
    page: int


class PublicList(msgspec.Struct):
    """A list as strangers see it."""

    uuid: str
    name: str
