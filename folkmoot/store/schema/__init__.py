"""All tables, for migrations and for reading about: what is kept, under which key, found by which index.

`community` holds what people say, `broker` what the message broker must remember; two files (or two PostgreSQL schemas),
so that neither writer waits for the other. Instants are whole microseconds since 1970 in UTC.
"""

from folkmoot.store.schema import (
    broker_bridges,
    broker_monitoring,
    broker_permissions,
    broker_posts,
    broker_rules,
    broker_sessions,
    broker_settings,
    broker_traffic,
    broker_users,
    identity,
    inbox,
    moderation,
    outgoing,
    places,
    previews,
    searching,
    talk,
    topics,
)
from folkmoot.store.schema.columns import broker, community

__all__ = [
    "broker",
    "broker_bridges",
    "broker_monitoring",
    "broker_permissions",
    "broker_posts",
    "broker_rules",
    "broker_sessions",
    "broker_settings",
    "broker_traffic",
    "broker_users",
    "community",
    "identity",
    "inbox",
    "moderation",
    "outgoing",
    "places",
    "previews",
    "searching",
    "talk",
    "topics",
]
