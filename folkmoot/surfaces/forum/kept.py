"""What was shown a moment ago, and may be shown again while nothing at all has changed in the database.

Nobody tells what a change is about: any commit drops everything, so whoever was told that his change is made sees it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from folkmoot.surfaces.forum.render import WrittenPost

_MOST_PAGES = 4_000
_MOST_BYTES = 8 * 1024 * 1024
_LARGEST_PAGE = 128 * 1024
_NO_TIME = timedelta(0)
_PAGE_AGE = timedelta(seconds=1)

_MOST_POSTS = 8_000
_MOST_POSTS_BYTES = 16 * 1024 * 1024


class Pages:
    """Which threads stood on a page, and their answer as it was written for one viewer.

    It is good for a second of the clock that ranks it, and only for the version of the database it was made from.
    """

    def __init__(self) -> None:
        self._pages: dict[Any, tuple[Any, datetime, Any]] = {}
        self._bytes = 0

    def get(self, key: Any, version: Any, now: datetime) -> Any:
        """What was put under the key, or None when it has to be found out."""
        found = self._pages.get(key)
        if found is None or found[0] != version or not _NO_TIME <= now - found[1] < _PAGE_AGE:
            return None
        return found[2]

    def put(self, key: Any, version: Any, now: datetime, ids: list[int]) -> None:
        """Remember which threads stand on a page."""
        self._keep(key, version, now, ids, 8 * len(ids))

    def put_answer(self, key: Any, version: Any, now: datetime, answer: msgspec.Raw) -> None:
        """Remember a page as it is written."""
        self._keep(key, version, now, answer, len(bytes(answer)))

    def _keep(self, key: Any, version: Any, now: datetime, value: Any, size: int) -> None:
        if size > _LARGEST_PAGE:
            return
        if len(self._pages) >= _MOST_PAGES or self._bytes + size > _MOST_BYTES:
            self._pages.clear()
            self._bytes = 0
        self._pages[key] = (version, now, value)
        self._bytes += size


class PostsOfVersion:
    """Posts as they are written, in one version of the database."""

    def __init__(self, version: Any) -> None:
        self.version = version
        self._posts: dict[int, WrittenPost] = {}
        self._bytes = 0

    def get(self, thread_id: int) -> WrittenPost | None:
        """The post of a thread, or None when it has to be found out."""
        return self._posts.get(thread_id)

    def put(self, post: WrittenPost) -> None:
        """Remember a post, unless it changes by itself."""
        if not post.lasts:
            return
        if len(self._posts) >= _MOST_POSTS or self._bytes > _MOST_POSTS_BYTES:
            self._posts = {}
            self._bytes = 0
        self._posts[post.id] = post
        self._bytes += len(post.head)


class Posts:
    """The posts of the newest version that was asked for."""

    def __init__(self) -> None:
        self._newest = PostsOfVersion(None)

    def at(self, version: Any) -> PostsOfVersion:
        """Those of a version; for the transaction that sees it, and no longer than that."""
        found = self._newest
        if found.version != version:
            found = self._newest = PostsOfVersion(version)
        return found
