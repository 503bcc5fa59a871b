"""The site: requests and answers (lemmy §4.2)."""

from __future__ import annotations

import msgspec

from folkmoot.surfaces.forum.schema.views import CategoryView, SiteView, UserView
from folkmoot.surfaces.forum.schema.words import Signed


class CreateSite(Signed):
    name: str
    description: str | None = None
    enable_downvotes: bool | None = None
    open_registration: bool | None = None
    enable_nsfw: bool | None = None


class EditSite(CreateSite):
    """What is left out stays as it is."""


class TransferSite(Signed):
    user_id: int


class SiteResponse(msgspec.Struct):
    site: SiteView


class GetSiteResponse(msgspec.Struct):
    site: SiteView | None
    admins: list[UserView]
    banned: list[UserView]
    online: int


class ListCategoriesResponse(msgspec.Struct):
    categories: list[CategoryView]
