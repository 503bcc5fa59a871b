"""What people set about themselves: preferences, the address, a password they have forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta

from folkmoot.domain.accounts.model import Account, address_key
from folkmoot.domain.accounts.queries import find_account_of_address, get_account
from folkmoot.errors import Conflict, Invalid, NotFound, RateLimited
from folkmoot.ids import digest, new_secret
from folkmoot.store import Transaction
from folkmoot.text import mail

#: lemmy §4.7
RESET_LASTS = timedelta(hours=24)
_RESET_LENGTH = 30
# So many mails with links may be asked for, and so many links count.
_RESETS_MAX = 5
_RESETS_PER = timedelta(hours=1)
_LONGEST = {"theme": 20, "lang": 20, "avatar": 2000, "matrix_user_id": 255}
_SETTINGS = (
    *("avatar", "matrix_user_id", "show_nsfw", "theme", "default_sort_type", "default_listing_type", "lang"),
    *("show_avatars", "send_notifications_to_email"),
)


def edit_preferences(tx: Transaction, account_id: int, changes: dict[str, object]) -> None:
    """Change settings by the names of `Preferences`; an empty avatar or Matrix id is none.

    Raises Invalid for one that is too long, Conflict with field `matrix_user_id` for one in use.
    """
    for name, most in _LONGEST.items():
        value = changes.get(name)
        if isinstance(value, str) and (len(value) > most or not value.isprintable()):
            raise Invalid("account.setting", f"This has at most {most} printable characters.", name)
    values = {name: changes[name] for name in _SETTINGS if name in changes}
    for name in ("avatar", "matrix_user_id"):
        if values.get(name) == "":
            values[name] = None
    if not values:
        return
    wanted = values.get("matrix_user_id")
    taken = "SELECT account_id FROM preferences WHERE matrix_user_id = :wanted AND account_id <> :id"
    if wanted is not None and tx.value(taken, wanted=wanted, id=account_id) is not None:
        raise Conflict("account.matrix_taken", "That Matrix id belongs to an account already.", "matrix_user_id")
    words = ", ".join(f"{name} = :{name}" for name in values)
    tx.run(f"UPDATE preferences SET {words} WHERE account_id = :id", id=account_id, **values)


def change_address(tx: Transaction, account_id: int, address: str | None) -> None:
    """Make an address the account's own, or with None leave it without one; what nobody has verified is forgotten.

    Raises Invalid for what is no address, Conflict with field `address` for somebody else's.
    """
    if address is not None:
        mail.render_address(mail.Address("", address))
        owner = find_account_of_address(tx, address)
        if owner is not None and owner.id != account_id:
            raise Conflict("account.address_taken", "That address belongs to an account already.", "address")
    key = "" if address is None else address_key(address)
    tx.run(
        "DELETE FROM addresses WHERE account_id = :id AND is_primary AND verified_at IS NULL AND address_key <> :key",
        id=account_id,
        key=key,
    )
    tx.run("UPDATE addresses SET is_primary = :no WHERE account_id = :id AND is_primary", no=False, id=account_id)
    if address is not None:
        tx.run(
            "INSERT INTO addresses (account_id, address, address_key, is_primary) VALUES (:id, :address, :key, :yes)"
            " ON CONFLICT (address_key) DO UPDATE SET is_primary = excluded.is_primary",
            id=account_id,
            address=address.strip(),
            key=key,
            yes=True,
        )


def withdraw(tx: Transaction, account_id: int) -> None:
    """Forget what an account showed of a person; its name stays. `forget_addresses` comes when nothing needs them any more."""
    tx.run("UPDATE accounts SET display_name = '' WHERE id = :id", id=account_id)
    edit_preferences(tx, account_id, {"avatar": "", "matrix_user_id": "", "send_notifications_to_email": False})
    tx.run("UPDATE addresses SET is_primary = :no WHERE account_id = :id AND is_primary", no=False, id=account_id)
    tx.run("DELETE FROM password_resets WHERE account_id = :id", id=account_id)


def forget_addresses(tx: Transaction, account_id: int) -> None:
    """Forget the addresses that an account withdrew, proved ones too; one given since then stays."""
    tx.run("DELETE FROM addresses WHERE account_id = :id AND NOT is_primary", id=account_id)


def request_reset(tx: Transaction, address: str, now: datetime) -> tuple[Account, str]:
    """The account an address belongs to, and a token that sets its password once, for a day; mail it there.

    Raises NotFound, RateLimited.
    """
    account = find_account_of_address(tx, address)
    if account is None or account.name is None:
        raise NotFound("account.unknown", "There is no account with that address.")
    young = tx.rows(
        "SELECT 1 FROM password_resets WHERE account_id = :id AND created_at > :young",
        id=account.id,
        young=now - _RESETS_PER,
    )
    if len(young) >= _RESETS_MAX:
        seconds = _RESETS_PER.total_seconds()
        raise RateLimited(
            "rate.limited", f"Too many requests. {_RESETS_MAX} per {seconds:g} seconds", retry_after_seconds=seconds
        )
    token = new_secret(_RESET_LENGTH)
    tx.run("DELETE FROM password_resets WHERE created_at < :old", old=now - RESET_LASTS)
    # Of many requests the newest count.
    tx.run(
        "DELETE FROM password_resets WHERE account_id = :id AND token_hash NOT IN (SELECT token_hash FROM"
        " (SELECT token_hash FROM password_resets WHERE account_id = :id ORDER BY created_at DESC LIMIT :most) AS newest)",
        id=account.id,
        most=_RESETS_MAX - 1,
    )
    tx.run(
        "INSERT INTO password_resets (token_hash, account_id, created_at) VALUES (:hash, :id, :now)",
        hash=digest(token),
        id=account.id,
        now=now,
    )
    return account, token


def redeem_reset(tx: Transaction, token: str, now: datetime) -> Account:
    """The account a mailed token stands for; it and all others of that account are used up. Raises Invalid."""
    found = tx.value(
        "SELECT account_id FROM password_resets WHERE token_hash = :hash AND created_at >= :old",
        hash=digest(token),
        old=now - RESET_LASTS,
    )
    if found is None:
        raise Invalid("account.reset_unknown", "This link is not valid any more; ask for a new one.", "token")
    tx.run("DELETE FROM password_resets WHERE account_id = :id", id=found)
    return get_account(tx, found)
