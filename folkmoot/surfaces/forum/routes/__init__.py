"""The table of the forum's operations, a module per part of the contract: one handler each, whatever the transport (lemmy §4)."""

from __future__ import annotations

from folkmoot.surfaces.forum.routes import comments, communities, inbox, later, people, posts, sites

OPERATIONS = (
    *people.OPERATIONS,
    *sites.OPERATIONS,
    *communities.OPERATIONS,
    *posts.OPERATIONS,
    *comments.OPERATIONS,
    *inbox.OPERATIONS,
    *later.OPERATIONS,
)
