"""The site: the table (lemmy §4.2)."""

from __future__ import annotations

from folkmoot.surfaces.forum import schema
from folkmoot.surfaces.forum.auth import ANYBODY, NOBODY, SIGNED_IN
from folkmoot.surfaces.forum.handlers import configuring, modlog, search, sites
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
    operation("EditSite", "PUT", "/site", SIGNED_IN, sites.edit_site, schema.EditSite, schema.SiteResponse),
    operation(
        "TransferSite",
        "POST",
        "/site/transfer",
        SIGNED_IN,
        sites.transfer_site,
        schema.TransferSite,
        schema.GetSiteResponse,
    ),
    operation(
        "GetSiteConfig",
        "GET",
        "/site/config",
        SIGNED_IN,
        configuring.get_site_config,
        schema.GetSiteConfig,
        schema.SiteConfigResponse,
    ),
    operation(
        "SaveSiteConfig",
        "PUT",
        "/site/config",
        SIGNED_IN,
        configuring.save_site_config,
        schema.SaveSiteConfig,
        schema.SiteConfigResponse,
    ),
    operation("GetModlog", "GET", "/modlog", NOBODY, modlog.get_modlog, schema.GetModlog, schema.GetModlogResponse),
    operation(
        "Search",
        "POST",
        "/search",
        ANYBODY,
        search.search,
        schema.Search,
        schema.SearchResponse,
        also=("GET", "/search"),
    ),
)
