"""Who may not connect (contract §2.8)."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct, field

from folkmoot.surfaces.mqtt.schema.paging import Paged, PageMeta

BanKind = Literal["clientid", "username", "peerhost", "clientid_re", "username_re", "peerhost_net"]


class NewBan(Struct):
    who: str
    kind: BanKind = field(name="as")
    by: str = "mgmt_api"
    reason: str = ""
    at: int | str | None = None
    until: int | str = "infinity"


class Ban(Struct):
    kind: str = field(name="as")
    who: str
    by: str
    reason: str
    at: str
    until: str


class BanQuery(Paged):
    """One filter at most; those that begin with `like_` are patterns."""

    clientid: str | None = None
    username: str | None = None
    peerhost: str | None = None
    like_clientid: str | None = None
    like_username: str | None = None
    like_peerhost: str | None = None
    like_peerhost_net: str | None = None


class BanPage(Struct):
    data: list[Ban]
    meta: PageMeta
