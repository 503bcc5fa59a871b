"""Login and API keys (contract §2.1)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Role = Literal["administrator", "viewer", "publisher"]


class Login(Struct):
    username: str
    password: str


class License(Struct):
    edition: str = "opensource"


class LoggedIn(Struct):
    token: str
    version: str
    license: License
    role: str


class Logout(Struct):
    username: str


class NewKey(Struct):
    name: Annotated[str, Meta(pattern=r"^[A-Za-z]+[A-Za-z0-9_-]*$(?!\n)", max_length=256)]
    expired_at: int | str = "infinity"
    desc: str = ""
    enable: bool = True
    role: Role = "administrator"


class KeyChange(Struct):
    """What is absent of `desc` and `enable` stays; of the others it goes back to the default."""

    expired_at: int | str = "infinity"
    desc: str | UnsetType = UNSET
    enable: bool | UnsetType = UNSET
    role: Role = "administrator"


class Key(Struct):
    name: str
    api_key: str
    created_at: str
    expired_at: str
    expired: bool
    enable: bool
    desc: str
    role: str
    api_secret: str | UnsetType = UNSET
    """Shown once, in the answer to the request that made the key."""
