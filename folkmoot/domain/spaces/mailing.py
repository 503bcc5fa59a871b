"""Spaces as mailing lists: everything the listing of lists shows, in one query. Spaces that are gone are no lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.domain.accounts import Actor
from folkmoot.domain.spaces.actions import add_list_face, create_space
from folkmoot.domain.spaces.model import Rights
from folkmoot.domain.spaces.queries import get_space, rights
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, expand


class MailingList(msgspec.Struct, frozen=True):
    """A space with its list face; its address is `~owner_name/name`. The audiences' rights are bits of `Rights`."""

    id: int
    name: str
    owner_id: int
    owner_name: str
    title: str
    description: str | None
    visibility: str
    nonsubscriber: int
    subscriber: int
    account: int
    permit_mime: str
    reject_mime: str
    created_at: datetime
    updated_at: datetime | None

    @property
    def path(self) -> str:
        """`~owner/name`."""
        return f"~{self.owner_name}/{self.name}"


_LIST = (
    "SELECT s.id, l.name, l.owner_id, o.label, s.title, s.description, l.visibility, l.nonsubscriber, l.subscriber,"
    " l.account, l.permit_mime, l.reject_mime, s.created_at, s.updated_at"
)
_FROM = (
    " FROM list_faces l JOIN spaces s ON s.id = l.space_id JOIN accounts o ON o.id = l.owner_id"
    " WHERE NOT s.removed AND NOT s.deleted"
)
# sourcehut-lists §2.8: what a profile shows to others.
_FOUND_BY = (
    " AND ((l.visibility = 'PUBLIC' AND l.account + l.nonsubscriber > 0)"
    " OR l.space_id IN (SELECT space_id FROM moderators WHERE account_id = :viewer))"
)


def create_mailing_list(
    tx: Transaction, actor: Actor, name: str, description: str | None, now: datetime
) -> MailingList:
    """Make a space with a list face, owned by the actor. Whether the owner subscribes is the caller's to say.

    Raises Invalid or Conflict with field `name`, Invalid with field `description`, Unauthenticated, Forbidden when banned.
    """
    space = create_space(tx, actor, name, name, description, now)
    add_list_face(tx, space.id, space.owner_id, name)
    return get_mailing_list(tx, space.id)


def get_mailing_list(tx: Transaction, space_id: int) -> MailingList:
    """The list of a space; raises NotFound when the space is gone or has no list face."""
    found = tx.one(MailingList, f"{_LIST}{_FROM} AND s.id = :id", id=space_id)
    if found is None:
        raise NotFound("space.unknown", "There is no such list.")
    return found


def find_mailing_list(tx: Transaction, owner: str, name: str) -> MailingList | None:
    """The list `~owner/name`, in any case, or None."""
    return tx.one(
        MailingList,
        f"{_LIST}{_FROM} AND o.name_key = :owner AND l.name_key = :name",
        owner=owner.casefold(),
        name=name.casefold(),
    )


def get_visible_mailing_list(
    tx: Transaction, actor: Actor, owner: str, name: str, now: datetime
) -> tuple[MailingList, Rights]:
    """The list `~owner/name` and what the actor may do there.

    Raises NotFound when there is none, or it is private and the actor has no rights in it (sourcehut-lists §2.8).
    """
    found = find_mailing_list(tx, owner, name)
    held = rights(tx, actor, get_space(tx, found.id), now) if found is not None else Rights.NONE
    if found is None or (found.visibility == "PRIVATE" and not held):
        raise NotFound("space.unknown", "There is no such list.")
    return found, held


def list_mailing_lists(tx: Transaction, space_ids: Sequence[int]) -> dict[int, MailingList]:
    """The lists of these spaces, by the space's id."""
    ids, parameters = expand("id", sorted(set(space_ids)))
    found = tx.all(MailingList, f"{_LIST}{_FROM} AND s.id IN {ids}", **parameters)
    return {each.id: each for each in found}


def list_mailing_lists_of(
    tx: Transaction, owner_id: int, viewer: Actor, most: int, first_id: int | None = None
) -> list[MailingList]:
    """An account's lists that a viewer may find, the newest first, from `first_id` downwards."""
    conditions, parameters = _of_owner(owner_id, viewer)
    if first_id is not None:
        conditions += " AND s.id <= :first"
        parameters["first"] = first_id
    return tx.all(MailingList, f"{_LIST}{_FROM}{conditions} ORDER BY s.id DESC LIMIT :most", most=most, **parameters)


def count_mailing_lists_of(tx: Transaction, owner_id: int, viewer: Actor) -> int:
    """How many lists of an account a viewer may find."""
    conditions, parameters = _of_owner(owner_id, viewer)
    return int(tx.value(f"SELECT count(*){_FROM}{conditions}", **parameters))


def _of_owner(owner_id: int, viewer: Actor) -> tuple[str, dict[str, int]]:
    parameters = {"owner": owner_id}
    if viewer.account_id == owner_id or viewer.is_admin:
        return " AND l.owner_id = :owner", parameters
    return f" AND l.owner_id = :owner{_FOUND_BY}", {**parameters, "viewer": viewer.account_id or 0}


def list_public_mailing_lists(tx: Transaction, most: int) -> list[MailingList]:
    """Lists that anybody may read, the one with the newest message first."""
    return tx.all(
        MailingList,
        f"{_LIST}{_FROM} AND l.visibility = 'PUBLIC' AND l.nonsubscriber IN (1, 3, 5, 7)"
        " ORDER BY (SELECT max(t.updated_at) FROM threads t WHERE t.space_id = s.id) IS NULL,"
        " (SELECT max(t.updated_at) FROM threads t WHERE t.space_id = s.id) DESC, s.id LIMIT :most",
        most=most,
    )
