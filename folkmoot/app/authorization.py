"""Starts what says who may do what on the broker."""

from __future__ import annotations

from folkmoot.domain.authorization import RuleGate
from folkmoot.house import House
from folkmoot.surfaces.mqtt.permissions import Permissions


async def load(house: House) -> Permissions:
    """Permissions and bans as they were kept; `serve` comes when there is a stream."""
    permissions = Permissions(house, RuleGate())
    await permissions.load()
    return permissions
