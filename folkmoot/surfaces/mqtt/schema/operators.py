"""Dashboard users: the accounts that operate the broker (contract §2.1)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

OperatorRole = Literal["administrator", "viewer"]


class OperatorUser(Struct):
    username: str
    description: str
    role: str
    backend: str = "local"


class NewOperatorUser(Struct):
    username: Annotated[str, Meta(pattern=r"^[_a-zA-Z0-9]+$(?!\n)", max_length=100)]
    password: str
    role: OperatorRole = "administrator"
    description: str = ""


class OperatorUserChange(Struct):
    """What is absent stays."""

    role: OperatorRole | None = None
    description: str | None = None


class PasswordChange(Struct):
    old_pwd: str
    new_pwd: str
