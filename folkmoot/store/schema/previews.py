"""What pages that posts link to say of themselves."""

from __future__ import annotations

from sqlalchemy import Table

from folkmoot.store.schema.columns import community, ref, text

Table(
    "link_previews",
    community,
    ref("thread_id", "threads.id", primary=True),
    text("title", null=True),
    text("description", null=True),
    text("image_url", null=True),
)
