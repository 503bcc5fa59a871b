"""What can be done to accounts. Permission is asked of the caller's actor where one account acts on another."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts.model import (
    LONGEST_MEMBER_NAME,
    LONGEST_NAME,
    RESERVED_NAMES,
    Account,
    Actor,
    address_key,
    is_valid_name,
    require_admin,
)
from folkmoot.domain.accounts.queries import find_account_of_address, find_secret, get_account
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.events import (
    AccountBanned,
    AccountCreated,
    AccountSuspended,
    AdministratorsChanged,
    PasswordChanged,
    TokenRevoked,
)
from folkmoot.ids import digest, new_secret
from folkmoot.store import Transaction
from folkmoot.text import mail


def register(
    tx: Transaction,
    name: str,
    password_hash: str | None,
    now: datetime,
    *,
    address: str | None = None,
    is_admin: bool = False,
    is_program: bool = False,
    is_operator: bool = False,
    display_name: str = "",
) -> int:
    """Make an account that can sign in; its id.

    An address that so far belonged to an account without a name is not taken over here: it has to be claimed by somebody
    who reads its mail. Raises Invalid for a bad name or address, Conflict with field `name` or `address` when taken, also
    for a name that is kept for operators.
    """
    # emqx contract §1.4
    longest = LONGEST_NAME if is_operator else LONGEST_MEMBER_NAME
    if not is_valid_name(name, longest):
        raise Invalid("account.name", f"A name has 1 to {longest} letters, digits, and _ . - within.", "name")
    if address:
        mail.render_address(mail.Address("", address))
    is_kept = name.casefold() in RESERVED_NAMES and not (is_operator or is_admin)
    if is_kept or tx.value("SELECT id FROM accounts WHERE name_key = :key", key=name.casefold()) is not None:
        raise Conflict("account.name_taken", f"There is an account named {name} already.", "name")
    if address and tx.value("SELECT id FROM addresses WHERE address_key = :key", key=address_key(address)) is not None:
        raise Conflict("account.address_taken", "That address belongs to an account already.", "address")
    account_id = _create(tx, name, name, display_name, now, is_admin=is_admin, is_program=is_program)
    if password_hash is not None:
        tx.run(
            "INSERT INTO passwords (account_id, hash, changed_at) VALUES (:id, :hash, :now)",
            id=account_id,
            hash=password_hash,
            now=now,
        )
    if address:
        _add_address(tx, account_id, address)
    return account_id


def sender(tx: Transaction, address: str, display_name: str, now: datetime) -> Account:
    """The account a mail address belongs to, made (without a login) when the address is new."""
    account = find_account_of_address(tx, address)
    if account is None:
        account_id = _create(tx, None, address.partition("@")[0] or address, display_name, now)
        _add_address(tx, account_id, address)
        account = get_account(tx, account_id)
    return account


def verify_address(tx: Transaction, address: str, now: datetime) -> None:
    """Note that the holder of an account's address has shown to read its mail."""
    tx.run("UPDATE addresses SET verified_at = :now WHERE address_key = :key", now=now, key=address_key(address))


def change_password(tx: Transaction, account_id: int, password_hash: str, now: datetime) -> None:
    """Set a new password; every session and live connection of the account ends, tokens made for programs stay."""
    tx.run(
        "INSERT INTO passwords (account_id, hash, changed_at) VALUES (:id, :hash, :now)"
        " ON CONFLICT (account_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at",
        id=account_id,
        hash=password_hash,
        now=now,
    )
    tx.run("DELETE FROM tokens WHERE account_id = :id AND surface IN ('forum', 'mqtt_login')", id=account_id)
    tx.record(PasswordChanged(account_id))


def rehash(tx: Transaction, account_id: int, old_hash: str, new_hash: str) -> None:
    """Store the same password under a better hash, unless it was changed meanwhile."""
    tx.run(
        "UPDATE passwords SET hash = :new WHERE account_id = :id AND hash = :old",
        id=account_id,
        new=new_hash,
        old=old_hash,
    )


def suspend(tx: Transaction, name: str, now: datetime) -> Account:
    """Shut an account out of every surface: its tokens and live connections end. Raises NotFound."""
    account_id = tx.value("SELECT id FROM accounts WHERE name_key = :key", key=name.casefold())
    if account_id is None:
        raise NotFound("account.unknown", f"There is no account named {name}.")
    tx.run("UPDATE accounts SET suspended_at = :now WHERE id = :id", now=now, id=account_id)
    tx.record(AccountSuspended(account_id))
    return get_account(tx, account_id)


def ban(
    tx: Transaction, actor: Actor, account_id: int, banned: bool, now: datetime, until: datetime | None = None
) -> Account:
    """Ban an account from writing anywhere, or lift the ban; reading stays possible.

    Raises Unauthenticated, Forbidden unless the actor is an administrator, NotFound.
    """
    require_admin(actor)
    get_account(tx, account_id)
    tx.run(
        "UPDATE accounts SET banned_at = :at, banned_until = :until WHERE id = :id",
        at=now if banned else None,
        until=until if banned else None,
        id=account_id,
    )
    tx.record(AccountBanned(account_id, banned))
    return get_account(tx, account_id)


def set_admin(tx: Transaction, actor: Actor, account_id: int, is_admin: bool, *, with_site: bool = False) -> Account:
    """Make an account an administrator, or end that. Raises Unauthenticated, Forbidden unless an administrator asks, NotFound.

    The last administrator stays one: Conflict.
    """
    require_admin(actor)
    account = get_account(tx, account_id)
    if account.is_admin and not is_admin and tx.value("SELECT count(*) FROM accounts WHERE is_admin") == 1:
        raise Conflict("account.last_admin", "Somebody has to be the administrator.")
    tx.run("UPDATE accounts SET is_admin = :admin WHERE id = :id", admin=is_admin, id=account_id)
    tx.record(AdministratorsChanged(account_id, is_admin, with_site))
    return get_account(tx, account_id)


def create_token(
    tx: Transaction,
    account_id: int,
    surface: str,
    secret: str,
    now: datetime,
    *,
    name: str = "",
    key: str = "",
    scopes: str = "",
    description: str = "",
    is_enabled: bool = True,
    expires_at: datetime | None = None,
) -> int:
    """Keep a new credential of an account at a surface by its hash; the id. Raises Conflict for a secret in use."""
    token_id: int = tx.value(
        "INSERT INTO tokens (account_id, surface, name, key, secret_hash, scopes, description, is_enabled, created_at,"
        " expires_at)"
        " VALUES (:account, :surface, :name, :key, :hash, :scopes, :description, :enabled, :now, :expires) RETURNING id",
        account=account_id,
        surface=surface,
        name=name,
        key=key,
        hash=digest(secret),
        scopes=scopes,
        description=description,
        enabled=is_enabled,
        now=now,
        expires=expires_at,
    )
    return token_id


def edit_token(
    tx: Transaction, token_id: int, *, description: str, is_enabled: bool, scopes: str, expires_at: datetime | None
) -> None:
    """Change what may change of a token; switching it off ends its live connections. Raises NotFound."""
    token = _get_token(tx, token_id)
    tx.run(
        "UPDATE tokens SET description = :description, is_enabled = :enabled, scopes = :scopes, expires_at = :expires"
        " WHERE id = :id",
        description=description,
        enabled=is_enabled,
        scopes=scopes,
        expires=expires_at,
        id=token_id,
    )
    if not is_enabled:
        tx.record(TokenRevoked(token_id, token[0], token[1]))


def renew_token(tx: Transaction, token_id: int, expires_at: datetime) -> None:
    """Move a token's end, for sessions that last as long as they are used."""
    tx.run("UPDATE tokens SET expires_at = :expires WHERE id = :id", expires=expires_at, id=token_id)


def revoke_token(tx: Transaction, token_id: int) -> None:
    """End a token and what lives by it. Raises NotFound."""
    account_id, surface = _get_token(tx, token_id)
    tx.run("DELETE FROM tokens WHERE id = :id", id=token_id)
    tx.record(TokenRevoked(token_id, account_id, surface))


def _get_token(tx: Transaction, token_id: int) -> tuple[int, str]:
    rows = tx.rows("SELECT account_id, surface FROM tokens WHERE id = :id", id=token_id)
    if not rows:
        raise NotFound("token.unknown", "There is no such token.")
    return rows[0][0], rows[0][1]


def keep_newest_tokens(tx: Transaction, account_id: int, surface: str, most: int) -> None:
    """Forget an account's oldest tokens of a surface when it has more than `most`; for sessions that never end."""
    tx.run(
        "DELETE FROM tokens WHERE account_id = :account AND surface = :surface AND id <="
        " (SELECT id FROM tokens WHERE account_id = :account AND surface = :surface ORDER BY id DESC LIMIT 1 OFFSET :most)",
        account=account_id,
        surface=surface,
        most=most,
    )


def keep_secret(tx: Transaction, name: str) -> str:
    """The server's own secret of this name, made at first use."""
    value = find_secret(tx, name)
    if value is None:
        value = new_secret(64)
        set_secret(tx, name, value)
    return value


def set_secret(tx: Transaction, name: str, value: str) -> None:
    """Keep a secret of the server in place of any before."""
    tx.run(
        "INSERT INTO secrets (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        name=name,
        value=value,
    )


def _create(
    tx: Transaction,
    name: str | None,
    label: str,
    display_name: str,
    now: datetime,
    *,
    is_admin: bool = False,
    is_program: bool = False,
) -> int:
    account_id: int = tx.value(
        "INSERT INTO accounts (name, name_key, label, display_name, is_admin, is_program, created_at)"
        " VALUES (:name, :key, :label, :display, :admin, :program, :now) RETURNING id",
        name=name,
        key=name.casefold() if name is not None else None,
        label=label,
        display=display_name,
        admin=is_admin,
        program=is_program,
        now=now,
    )
    tx.run("INSERT INTO account_counts (account_id) VALUES (:id)", id=account_id)
    tx.run("INSERT INTO preferences (account_id) VALUES (:id)", id=account_id)
    tx.record(AccountCreated(account_id))
    return account_id


def _add_address(tx: Transaction, account_id: int, address: str) -> None:
    has_one = tx.value("SELECT id FROM addresses WHERE account_id = :id LIMIT 1", id=account_id) is not None
    tx.run(
        "INSERT INTO addresses (account_id, address, address_key, is_primary) VALUES (:account, :address, :key, :primary)",
        account=account_id,
        address=address.strip(),
        key=address_key(address),
        primary=not has_one,
    )
