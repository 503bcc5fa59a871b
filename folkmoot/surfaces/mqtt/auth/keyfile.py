"""API keys from a file, read at every start (contract §1.4): lines `key:secret` or `key:secret:role`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import structlog

from folkmoot.domain import accounts
from folkmoot.errors import Conflict, NotFound
from folkmoot.house import House
from folkmoot.store import Transaction
from folkmoot.surfaces.mqtt.auth.operators import KEYS

_ROLES = ("administrator", "viewer", "publisher")
_FILE_MAX_BYTES = 1024 * 1024

_log = structlog.get_logger("mqtt.authentication")


class FileKey(NamedTuple):
    """One line."""

    line: int
    key: str
    secret: str
    role: str

    @property
    def name(self) -> str:
        """What the key is called."""
        return "from_bootstrap_file_" + hashlib.sha512(self.key.encode()).hexdigest()[:16]


async def load_keys(house: House) -> None:
    """Keep the keys of the configured file, if there is one, in the place of those of the same name."""
    if not house.config.mqtt.api_key_file:
        return
    path = Path(house.config.data.dir) / house.config.mqtt.api_key_file
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_MAX_BYTES).decode()
    except (OSError, UnicodeDecodeError):
        _log.error("the file of API keys cannot be read", path=str(path))
        return
    await house.db.write(_keep, list(parse_keys(text)), house.now())


def parse_keys(text: str) -> Iterator[FileKey]:
    """The keys in a file; lines that are none are reported by their numbers."""
    for line, said in enumerate(text.splitlines(), 1):
        if not said.strip() or said.lstrip().startswith("#"):
            continue
        key, _, rest = said.strip().partition(":")
        secret, _, role = rest.partition(":")
        role = role or _ROLES[0]
        if not key or not secret or role not in _ROLES or "\0" in said:
            _log.error("a line of the file of API keys is none", line=line)
            continue
        yield FileKey(line, key, secret, role)


def _keep(tx: Transaction, keys: list[FileKey], now: datetime) -> None:
    owners = accounts.list_admins(tx)
    if not owners:
        _log.error("the API keys of the file wait for the first administrator, and the start after that")
        return
    for each in keys:
        for token in accounts.list_tokens(tx, KEYS):
            if token.name == each.name or token.key == each.key:
                accounts.revoke_token(tx, token.id)
        try:
            with tx.savepoint():
                accounts.create_token(
                    tx, owners[0].id, KEYS, each.secret, now, name=each.name, key=each.key, scopes=each.role
                )
        except (Conflict, NotFound):
            _log.error("a key of the file has the secret of another one", line=each.line)
