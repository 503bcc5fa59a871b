"""Moderation: what moderators and administrators do through any door, each with a record of who did it and why."""

from folkmoot.domain.moderation.actions import (
    appoint,
    appoint_admin,
    ban,
    ban_from_space,
    give_site,
    give_space,
    lock_thread,
    remove_message,
    remove_space,
    stick_thread,
)
from folkmoot.domain.moderation.model import ActEntry, Acts
from folkmoot.domain.moderation.queries import list_acts

__all__ = [
    "ActEntry",
    "Acts",
    "appoint",
    "appoint_admin",
    "ban",
    "ban_from_space",
    "give_site",
    "give_space",
    "list_acts",
    "lock_thread",
    "remove_message",
    "remove_space",
    "stick_thread",
]
