"""The site: the table (lemmy §4.2)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import NOBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import sites
from folkmoot.surfaces.forum.routes.table import operation

OPERATIONS = (
    operation(
        "ListCategories",
        "GET",
        "/categories",
        NOBODY,
        sites.list_categories,
        schema.Request,
        schema.ListCategoriesResponse,
    ),
    operation("CreateSite", "POST", "/site", SIGNED_IN, sites.create_site, schema.CreateSite, schema.SiteResponse),
    operation("GetSite", "GET", "/site", NOBODY, sites.get_site, schema.Request, schema.GetSiteResponse),
)
