"""The SQL that reads accounts."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts.model import Account, Actor, Address, Credential, Token, address_key
from folkmoot.errors import Forbidden, NotFound, Unauthenticated
from folkmoot.ids import digest
from folkmoot.store import Transaction, constructor

_ACCOUNT = (
    "a.id, a.name, a.label, a.display_name, a.is_admin, a.is_program, a.created_at,"
    " a.banned_at, a.banned_until, a.suspended_at"
)
_TOKEN = (
    "t.id, t.account_id, t.surface, t.name, t.key, t.scopes, t.description, t.is_enabled, t.created_at, t.expires_at"
)


def find_account(tx: Transaction, account_id: int) -> Account | None:
    """The account with this id, or None."""
    return tx.one(Account, f"SELECT {_ACCOUNT} FROM accounts a WHERE a.id = :id", id=account_id)


def get_account(tx: Transaction, account_id: int) -> Account:
    """The account with this id; raises NotFound."""
    account = find_account(tx, account_id)
    if account is None:
        raise NotFound("account.unknown", "There is no such account.")
    return account


def get_account_named(tx: Transaction, name: str) -> Account:
    """The account with this name, whatever its case; raises NotFound."""
    account = tx.one(Account, f"SELECT {_ACCOUNT} FROM accounts a WHERE a.name_key = :key", key=name.casefold())
    if account is None:
        raise NotFound("account.unknown", f"There is no account named {name}.")
    return account


def get_account_shown_as(tx: Transaction, label: str) -> Account:
    """The account with this name or, without a login, the only one that others see under this label; raises NotFound."""
    try:
        return get_account_named(tx, label)
    except NotFound:
        begin = address_key(label)
        found = tx.all(
            Account,
            f"SELECT DISTINCT {_ACCOUNT} FROM addresses d JOIN accounts a ON a.id = d.account_id"
            # Whatever begins with it and an @; the sign after that is an A.
            " WHERE d.address_key >= :begin AND d.address_key < :end AND a.name IS NULL AND a.label = :label LIMIT 2",
            begin=f"{begin}@",
            end=f"{begin}A",
            label=label,
        )
        if len(found) != 1:
            raise
        return found[0]


def find_account_of_address(tx: Transaction, address: str) -> Account | None:
    """The account a mail address belongs to, or None."""
    return tx.one(
        Account,
        f"SELECT {_ACCOUNT} FROM addresses d JOIN accounts a ON a.id = d.account_id WHERE d.address_key = :key",
        key=address_key(address),
    )


def find_credential(tx: Transaction, login: str) -> tuple[Account, str | None] | None:
    """The account that signs in with this name or address, and its password hash; None when there is no such account.

    The name counts exactly as written; what looks like an address is looked up as one (lemmy §3.3). Who has only written
    mails has no account to sign in with.
    """
    if "@" in login:
        account = find_account_of_address(tx, login)
    else:
        account = tx.one(
            Account,
            f"SELECT {_ACCOUNT} FROM accounts a WHERE a.name_key = :key AND a.name = :name",
            key=login.casefold(),
            name=login,
        )
    if account is None or account.name is None:
        return None
    credential = tx.one(Credential, "SELECT account_id, hash FROM passwords WHERE account_id = :id", id=account.id)
    return account, credential.hash if credential else None


def actor_of_account(tx: Transaction, account_id: int, now: datetime, address: str = "") -> Actor:
    """The actor of an account that has proved who it is; raises Unauthenticated, or Forbidden when suspended."""
    account = find_account(tx, account_id)
    if account is None:
        raise Unauthenticated("account.unknown", "There is no such account.")
    return _actor(account, now, address)


def actor_of_token(tx: Transaction, surface: str, secret: str, now: datetime, address: str = "") -> Actor:
    """The actor behind a secret at one surface.

    Raises Unauthenticated when it is unknown, revoked, switched off or has expired, Forbidden when its account is suspended.
    """
    # One query, for nearly every request of every surface asks it.
    rows = tx.rows(
        f"SELECT {_ACCOUNT}, t.id, t.name, t.scopes FROM tokens t JOIN accounts a ON a.id = t.account_id"
        " WHERE t.surface = :surface AND t.secret_hash = :hash AND t.is_enabled"
        " AND (t.expires_at IS NULL OR t.expires_at > :now)",
        surface=surface,
        hash=digest(secret),
        now=now,
    )
    if not rows:
        raise Unauthenticated("token.unknown", "This credential is not, or no longer, valid.")
    token_id, token_name, scopes = rows[0][-3:]
    return _actor(constructor(Account)(rows[0]), now, address, token_id, token_name, frozenset(scopes.split()))


def _actor(
    account: Account,
    now: datetime,
    address: str,
    token_id: int | None = None,
    token_name: str = "",
    scopes: frozenset[str] = frozenset(),
) -> Actor:
    if account.suspended_at is not None:
        raise Forbidden("account.suspended", "This account is suspended.")
    return Actor(
        account_id=account.id,
        name=account.label,
        is_admin=account.is_admin,
        is_banned=account.is_banned(now),
        token_id=token_id,
        token_name=token_name,
        scopes=scopes,
        address=address,
    )


def find_token(tx: Transaction, surface: str, secret: str) -> Token | None:
    """The token of a surface with this secret, live or not."""
    return tx.one(
        Token,
        f"SELECT {_TOKEN} FROM tokens t WHERE t.surface = :surface AND t.secret_hash = :hash",
        surface=surface,
        hash=digest(secret),
    )


def list_tokens(tx: Transaction, surface: str, account_id: int | None = None) -> list[Token]:
    """All tokens of a surface, or one account's, in the order they were made."""
    if account_id is None:
        return tx.all(Token, f"SELECT {_TOKEN} FROM tokens t WHERE t.surface = :surface ORDER BY t.id", surface=surface)
    return tx.all(
        Token,
        f"SELECT {_TOKEN} FROM tokens t WHERE t.surface = :surface AND t.account_id = :account ORDER BY t.id",
        surface=surface,
        account=account_id,
    )


def list_addresses(tx: Transaction, account_id: int) -> list[Address]:
    """An account's addresses, the primary one first."""
    return tx.all(
        Address,
        "SELECT id, account_id, address, verified_at, is_primary FROM addresses WHERE account_id = :id"
        " ORDER BY is_primary DESC, id",
        id=account_id,
    )


def primary_address(tx: Transaction, account_id: int) -> str | None:
    """Where an account's mail goes, or None."""
    address: str | None = tx.value(
        "SELECT address FROM addresses WHERE account_id = :id ORDER BY is_primary DESC, id LIMIT 1", id=account_id
    )
    return address


def list_admins(tx: Transaction) -> list[Account]:
    """All administrators, in the order they came."""
    return tx.all(Account, f"SELECT {_ACCOUNT} FROM accounts a WHERE a.is_admin ORDER BY a.id")


def count_accounts(tx: Transaction) -> int:
    """How many accounts have a name to sign in with."""
    return int(tx.value("SELECT count(*) FROM accounts WHERE name_key IS NOT NULL"))


def find_secret(tx: Transaction, name: str) -> str | None:
    """A secret of the server itself (a signing key), or None if it has not been made yet."""
    value: str | None = tx.value("SELECT value FROM secrets WHERE name = :name", name=name)
    return value
