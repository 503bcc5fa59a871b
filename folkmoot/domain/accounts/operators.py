"""Who operates the broker: the administrators, and accounts that may only look. A role beside the account, never the account.

Taking the role away takes nothing else: what an account has said stays. Only an account that was made as an operator, and so is
nobody's in the community, is shut out with it, until it is made again.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from folkmoot.domain.accounts.actions import change_password, register, revoke_token, set_admin, suspend
from folkmoot.domain.accounts.model import Actor, require_admin
from folkmoot.domain.accounts.queries import list_tokens
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.store import Transaction

ADMINISTRATOR, VIEWER = "administrator", "viewer"
#: The surface of the tokens operators sign in with.
LOGINS = "mqtt_login"

_FIRST = "SELECT min(id) FROM accounts WHERE is_admin"
# emqx contract §1.4: what the first is until somebody says otherwise.
_OPERATOR = (
    "SELECT a.id, a.name, CASE WHEN a.is_admin THEN 'administrator' ELSE coalesce(o.role, '') END,"
    f" coalesce(o.description, CASE WHEN a.id = ({_FIRST}) THEN 'administrator' ELSE '' END),"
    " coalesce(o.is_made_here, :no)"
    " FROM accounts a LEFT JOIN operators o ON o.account_id = a.id WHERE a.name IS NOT NULL"
)
_IS_ONE = "(a.is_admin OR o.role = 'viewer') AND a.suspended_at IS NULL"


class Operator(msgspec.Struct, frozen=True):
    """An account with its role."""

    account_id: int
    name: str
    role: str
    description: str
    is_made_here: bool


def list_operators(tx: Transaction) -> list[Operator]:
    """All of them, in the order they came."""
    return tx.all(Operator, f"{_OPERATOR} AND {_IS_ONE} ORDER BY a.id", no=False)


def get_operator(tx: Transaction, name: str) -> Operator:
    """The operator of exactly this name. Raises NotFound."""
    found = tx.one(Operator, f"{_OPERATOR} AND {_IS_ONE} AND a.name = :name", name=name, no=False)
    if found is None:
        raise NotFound("operator.unknown", "User not found")
    return found


def find_role(tx: Transaction, account_id: int) -> str | None:
    """What an account may do as an operator; None when it is none."""
    found = tx.one(Operator, f"{_OPERATOR} AND {_IS_ONE} AND a.id = :id", id=account_id, no=False)
    return None if found is None else found.role


def create_operator(
    tx: Transaction, actor: Actor, name: str, password_hash: str, role: str, description: str, now: datetime
) -> Operator:
    """Make an account that is an operator, or make one again that was. Raises Conflict, Invalid, Forbidden."""
    require_admin(actor)
    before = tx.one(Operator, f"{_OPERATOR} AND a.name = :name", name=name, no=False)
    if before is None:
        account_id = register(tx, name, password_hash, now, is_operator=True)
    elif before.is_made_here and not before.role:
        account_id = before.account_id
        tx.run("UPDATE accounts SET suspended_at = :never WHERE id = :id", never=None, id=account_id)
        change_password(tx, account_id, password_hash, now)
    else:
        raise Conflict("operator.exists", "username_already_existed", "username")
    if role == ADMINISTRATOR:
        set_admin(tx, actor, account_id, True)
    _keep(tx, account_id, role, description, is_made_here=True)
    return get_operator(tx, name)


def change_operator(tx: Transaction, actor: Actor, name: str, role: str | None, description: str | None) -> Operator:
    """Another role, another description, or both; a new role ends the logins. Raises NotFound, Forbidden."""
    require_admin(actor)
    before = get_operator(tx, name)
    role = role or before.role
    if role != before.role:
        set_admin(tx, actor, before.account_id, role == ADMINISTRATOR)
        _end_logins(tx, before.account_id)
    said = before.description if description is None else description
    _keep(tx, before.account_id, role, said, is_made_here=before.is_made_here)
    return get_operator(tx, name)


def delete_operator(tx: Transaction, actor: Actor, name: str, now: datetime) -> None:
    """Take the role away; see above. The first administrator stays, and nobody does it to himself.

    Raises NotFound, Forbidden, and Invalid for those two.
    """
    require_admin(actor)
    gone = get_operator(tx, name)
    first = tx.value(_FIRST)
    if gone.account_id in (actor.account_id, first):
        raise Invalid("operator.kept", "Cannot delete yourself or the first administrator")
    if gone.role == ADMINISTRATOR:
        set_admin(tx, actor, gone.account_id, False)
    _end_logins(tx, gone.account_id)
    _keep(tx, gone.account_id, "", gone.description, is_made_here=gone.is_made_here)
    if gone.is_made_here:
        suspend(tx, name, now)


def _end_logins(tx: Transaction, account_id: int) -> None:
    for token in list_tokens(tx, LOGINS, account_id):
        revoke_token(tx, token.id)


def _keep(tx: Transaction, account_id: int, role: str, description: str, *, is_made_here: bool) -> None:
    tx.run(
        "INSERT INTO operators (account_id, role, description, is_made_here) VALUES (:id, :role, :description, :made)"
        " ON CONFLICT (account_id) DO UPDATE SET role = excluded.role, description = excluded.description",
        id=account_id,
        role=role,
        description=description,
        made=is_made_here,
    )
