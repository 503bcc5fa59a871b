"""Identifiers and secrets that are made up rather than counted."""

from __future__ import annotations

import hashlib
import secrets
import string
import uuid

_ALPHANUMERIC = string.ascii_letters + string.digits


def new_secret(length: int = 48) -> str:
    """A random secret of `length` letters and digits."""
    return "".join(secrets.choice(_ALPHANUMERIC) for _ in range(length))


def new_hex(length: int = 32) -> str:
    """A random secret of `length` lowercase hexadecimal digits; `length` is even."""
    return secrets.token_hex(length // 2)


def new_uuid() -> str:
    """A random UUID, version 4, lowercase."""
    return str(uuid.uuid4())


def digest(secret: str) -> str:
    """What is stored of a random secret: its SHA-512, in hexadecimal.

    Only for secrets with enough randomness of their own; passwords go through argon2id.
    """
    return hashlib.sha512(secret.encode()).hexdigest()
