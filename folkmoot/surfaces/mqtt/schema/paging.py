"""What every listing takes and says about its pages (contract §1.6)."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

#: Bounded so that a page times its length is a number of 64 bits.
PageNumber = Annotated[int, Meta(ge=1, le=1 << 48)]
PageLimit = Annotated[int, Meta(ge=1, le=10_000)]


class PageMeta(Struct):
    page: int
    limit: int
    count: int
    hasnext: bool


class Paged(Struct):
    """The parameters of every listing."""

    page: PageNumber = 1
    limit: PageLimit = 100
