"""What an answer says about its page."""

from __future__ import annotations

from folkmoot.surfaces.mqtt import schema


def page_meta(query: schema.Paged, count: int) -> schema.PageMeta:
    return schema.PageMeta(query.page, query.limit, count, query.page * query.limit < count)
