"""What this broker has none of (contract §2.17): empty answers, so that dashboards that ask for it do not break."""

from __future__ import annotations

from typing import Any

from folkmoot.errors import NotFound
from folkmoot.net.http import Call

#: Of these EMQX shows descriptions of forms to its own front end.
_FORMS = ("bridges", "connectors", "actions", "hotconf")


async def list_none(call: Call) -> list[dict[str, Any]]:
    return []


async def get_form_schema(call: Call) -> dict[str, Any]:
    if call.path["name"] not in _FORMS:
        raise NotFound("schema.unknown", f"There is no schema {call.path['name']}.")
    return {"components": {"schemas": {}}, "paths": {}}
