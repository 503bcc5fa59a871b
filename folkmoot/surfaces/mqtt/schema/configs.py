"""The configuration (contract §2.16); what may stand in it is in `forms.options`."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class ConfigsQuery(Struct):
    key: str | None = None


#: A root of the configuration, or some of it.
ConfigDocument = dict[str, Any]
