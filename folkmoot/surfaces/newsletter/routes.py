"""The operations of this surface: a table, no logic. `permission` is in the words of listmonk §1.4."""

from __future__ import annotations

from folkmoot.net.http import Operation
from folkmoot.surfaces.newsletter import handlers
from folkmoot.surfaces.newsletter.auth import PUBLIC
from folkmoot.surfaces.newsletter.schema import ListBody, ListOut, ListsDeletion, ListsPage, ListsQuery, PublicList

_ID = "/api/lists/{id}"

OPERATIONS = (
    Operation(
        "getHealth",
        "GET",
        "/api/health",
        handlers.health,
        response=bool,
        summary="Whether a credential is right.",
        tag="Service",
    ),
    Operation(
        "getPublicHealth",
        "GET",
        "/health",
        handlers.health,
        response=bool,
        permission=PUBLIC,
        summary="Whether the server answers.",
        tag="Service",
    ),
    Operation(
        "getLists",
        "GET",
        "/api/lists",
        handlers.get_lists,
        ListsQuery,
        ListsPage,
        summary="The lists that may be seen, page by page.",
        tag="Lists",
    ),
    Operation("getList", "GET", _ID, handlers.get_list, response=ListOut, summary="One list.", tag="Lists"),
    Operation(
        "createList",
        "POST",
        "/api/lists",
        handlers.create_list,
        ListBody,
        ListOut,
        permission="lists:manage_all",
        summary="Make a list.",
        tag="Lists",
    ),
    Operation(
        "updateList",
        "PUT",
        _ID,
        handlers.update_list,
        ListBody,
        ListOut,
        summary="Change what is given of a list.",
        tag="Lists",
    ),
    Operation("deleteList", "DELETE", _ID, handlers.delete_list, response=bool, summary="Delete a list.", tag="Lists"),
    Operation(
        "deleteLists",
        "DELETE",
        "/api/lists",
        handlers.delete_lists,
        ListsDeletion,
        bool,
        summary="Delete several lists: by ids, by words of the name, or all.",
        tag="Lists",
    ),
    Operation(
        "getPublicLists",
        "GET",
        "/api/public/lists",
        handlers.get_public_lists,
        response=list[PublicList],
        permission=PUBLIC,
        summary="The lists anybody may join.",
        tag="Lists",
    ),
)
