"""Posts as they are written, so that what is the same for all viewers is written once; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from folkmoot.domain.conversations import Mark, ThreadView, hot_rank, months_before
from folkmoot.store import microseconds
from folkmoot.surfaces.forum.render.times import stored_timestamp
from folkmoot.surfaces.forum.render.views import posts

# Where what depends on the time and on the viewer begins. No text has this in it: its quotes are escaped.
_REST = b',"hot_rank":'
_OF_NOBODY = Mark()


class WrittenPost(NamedTuple):
    """A post up to its hot rank, and what the rest is made from; instants as stored."""

    id: int
    head: bytes
    score: int
    created_at: int
    active_at: int
    lasts: bool
    """Is it the same until something changes? A ban may end by itself."""


def written_posts(threads: Iterable[ThreadView], now: datetime) -> list[WrittenPost]:
    """Threads as posts, as far as they are the same for all viewers."""
    found = list(threads)
    return [
        WrittenPost(
            each.id,
            msgspec.json.encode(post).partition(_REST)[0],
            each.score,
            each.created_at,
            each.active_at,
            not (each.author_is_banned or each.author_is_banned_here),
        )
        for each, post in zip(found, posts(found, None, now), strict=True)
    ]


def page_of_posts(
    found: Iterable[WrittenPost], marks: Mapping[int, Mark], viewer_id: int | None, now: datetime
) -> msgspec.Raw:
    """The answer of a listing for one viewer, whose marks are given; nobody has none."""
    at, bumped_since = microseconds(now), microseconds(months_before(now, 1))
    user_id = "null" if viewer_id is None else viewer_id
    written = list[bytes]()
    for each in found:
        mark = marks.get(each.id, _OF_NOBODY)
        # lemmy §5.2: an old post does not come up again because somebody answers.
        active_at = each.active_at if each.created_at > bumped_since else each.created_at
        rest = (
            f',"hot_rank":{hot_rank(each.score, active_at, at)}'
            f',"newest_activity_time":"{stored_timestamp(active_at)}","user_id":{user_id}'
            f',"my_vote":{"null" if mark.my_vote is None else mark.my_vote}'
            f',"subscribed":{"true" if mark.is_followed else "null"}'
            f',"read":null,"saved":{"true" if mark.is_saved else "null"}}}'
        )
        written.append(each.head + rest.encode())
    return msgspec.Raw(b'{"posts":[' + b",".join(written) + b"]}")
