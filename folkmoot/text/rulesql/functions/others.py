"""What rules keep between runs, chance, and the environment."""

from __future__ import annotations

import uuid
from typing import Any

from ..scope import ENVIRONMENT_PREFIX, KEPT_MAX, Scope
from ..values import text, too_large, weigh
from .function import takes

_KEPT_WEIGHT_MAX = 65_536


def keep(scope: Scope, key: Any, value: Any) -> Any:
    """Keeps a value under a key, until the server stops; None as the value forgets it."""
    name, kept = text(key), scope.surroundings.kept
    if value is None:
        kept.pop(name, None)
        return None
    if (name not in kept and len(kept) >= KEPT_MAX) or len(name) + weigh(value) > _KEPT_WEIGHT_MAX:
        raise too_large("What rules keep")
    kept[name] = value
    return value


def kept(scope: Scope, key: Any, otherwise: Any = None) -> Any:
    """What is kept under a key, else the default."""
    return scope.surroundings.kept.get(text(key), otherwise)


def forget(scope: Scope, key: Any) -> None:
    """Keeps nothing under a key any more."""
    scope.surroundings.kept.pop(text(key), None)


def variable(scope: Scope, name: Any) -> str:
    """A variable of the environment; only those made for rules, whose names begin with a prefix."""
    return scope.surroundings.environment.get(ENVIRONMENT_PREFIX + text(name), "")


def new_uuid(scope: Scope) -> uuid.UUID:
    """A random UUID."""
    return uuid.UUID(int=scope.surroundings.chance.getrandbits(128), version=4)


FUNCTIONS = {
    "getenv": takes(variable, 1, with_scope=True),
    "random": takes(lambda scope: scope.surroundings.chance.random(), 0, with_scope=True),
    "uuid_v4": takes(lambda scope: str(new_uuid(scope)), 0, with_scope=True),
    "uuid_v4_no_hyphen": takes(lambda scope: new_uuid(scope).hex, 0, with_scope=True),
    "proc_dict_get": takes(kept, 1, with_scope=True),
    "proc_dict_put": takes(keep, 2, with_scope=True),
    "proc_dict_del": takes(forget, 1, with_scope=True),
    "kv_store_get": takes(kept, 1, 2, with_scope=True),
    "kv_store_put": takes(keep, 2, with_scope=True),
    "kv_store_del": takes(forget, 1, with_scope=True),
}
