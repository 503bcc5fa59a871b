"""Dashboard users."""

from __future__ import annotations

from folkmoot.domain.accounts import Operator
from folkmoot.surfaces.mqtt import schema


def operator(found: Operator) -> schema.OperatorUser:
    return schema.OperatorUser(found.name, found.description, found.role)
