"""The record of moderation (lemmy §4.2, §5.9)."""

from __future__ import annotations

from typing import Any

from folkmoot.domain import moderation
from folkmoot.net.http import Call
from folkmoot.store import Transaction
from folkmoot.surfaces.forum import render, schema
from folkmoot.surfaces.forum.handlers import page, read


async def get_modlog(call: Call) -> schema.GetModlogResponse:
    """What was done, in nine lists, the newest first; of one moderator, or in one community."""
    data: schema.GetModlog = call.data
    skip, most = page(data)

    def look(tx: Transaction) -> schema.GetModlogResponse:
        lists: dict[str, Any] = {}
        for name, (act, _, _) in render.LISTS.items():
            if data.community_id is not None and name in render.OF_THE_SITE:
                lists[name] = []
                continue
            found = moderation.list_acts(tx, act, skip, most, data.mod_user_id, data.community_id)
            lists[name] = [render.mod_act(name, each) for each in found]
        return schema.GetModlogResponse(**lists)

    return await read(call, look)
