"""API keys."""

from __future__ import annotations

from datetime import datetime

from msgspec import UNSET

from folkmoot.domain.accounts import Token
from folkmoot.surfaces.mqtt import schema
from folkmoot.surfaces.mqtt.auth import role_of
from folkmoot.surfaces.mqtt.render.times import whole_instant


def key(token: Token, now: datetime, secret: str | None = None) -> schema.Key:
    """An API key; `secret` only in the answer that makes it."""
    return schema.Key(
        name=token.name,
        api_key=token.key,
        created_at=whole_instant(token.created_at),
        expired_at="infinity" if token.expires_at is None else whole_instant(token.expires_at),
        expired=token.expires_at is not None and token.expires_at <= now,
        enable=token.is_enabled,
        desc=token.description,
        role=role_of(token),
        api_secret=UNSET if secret is None else secret,
    )
