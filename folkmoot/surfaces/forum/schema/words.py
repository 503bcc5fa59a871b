"""Words and shapes that all parts of the forum share (lemmy §1)."""

from __future__ import annotations

from typing import Literal

import msgspec

SortType = Literal["Hot", "New", "TopDay", "TopWeek", "TopMonth", "TopYear", "TopAll"]
ListingType = Literal["All", "Subscribed", "Community"]

# lemmy §8.2
CATEGORIES = (
    *("Discussion", "Humor/Memes", "Gaming", "Movies", "TV", "Music", "Literature", "Comics", "Photography", "Art"),
    *("Learning", "DIY", "Lifestyle", "News", "Politics", "Society", "Gender/Identity/Sexuality", "Race/Colonisation"),
    *("Religion", "Science/Technology", "Programming/Software", "Health/Sports/Fitness", "Porn", "Places", "Meta"),
    "Other",
)


class Request(msgspec.Struct):
    """Any request; who needs no token has none."""


class Signed(msgspec.Struct, kw_only=True):
    """A request that may carry a token (lemmy §3)."""

    auth: str | None = None


class ErrorResponse(msgspec.Struct):
    """DOC has `op` and `message`, the clients of the era look at `error` (lemmy §1.2)."""

    op: str
    message: str
    error: str
