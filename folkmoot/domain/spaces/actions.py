"""What can be done to spaces: make them, give them faces, edit and delete them."""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts import Actor, get_account, require_account, require_admin, require_unbanned
from folkmoot.domain.spaces.listed import relist_space
from folkmoot.domain.spaces.model import (
    DEFAULT_PERMIT_MIME,
    DEFAULT_REJECT_MIME,
    Rights,
    Site,
    Space,
    check_description,
    check_forum_name,
    check_list_name,
    require_right,
    topic_name,
)
from folkmoot.domain.spaces.queries import find_site, get_space, rights
from folkmoot.errors import Conflict, Forbidden
from folkmoot.events import SiteGiven, SpaceCreated, SpaceDeleted, SpaceEdited
from folkmoot.store import Transaction


def create_site(
    tx: Transaction,
    actor: Actor,
    name: str,
    description: str | None,
    now: datetime,
    *,
    enable_downvotes: bool = True,
    open_registration: bool = True,
    enable_nsfw: bool = True,
) -> Site:
    """Set the site up, once. Raises Forbidden unless an administrator asks, Conflict when there is one."""
    creator_id = require_admin(actor)
    if find_site(tx) is not None:
        raise Conflict("site.exists", "The site is set up already.")
    tx.run(
        "INSERT INTO site (id, name, description, creator_id, created_at, enable_downvotes, open_registration, enable_nsfw)"
        " VALUES (1, :name, :description, :creator, :now, :downvotes, :registration, :nsfw)",
        name=name,
        description=description,
        creator=creator_id,
        now=now,
        downvotes=enable_downvotes,
        registration=open_registration,
        nsfw=enable_nsfw,
    )
    tx.record(SiteGiven(creator_id))
    site = find_site(tx)
    assert site is not None
    return site


def create_space(tx: Transaction, actor: Actor, name: str, title: str, description: str | None, now: datetime) -> Space:
    """Make a space owned and moderated by the actor; give it its faces next.

    The space's own name is `name` where that is free as a topic, else one made of the owner's and a number.
    """
    owner_id = require_unbanned(actor)
    check_description(description)
    space_id: int = tx.value(
        "INSERT INTO spaces (name, title, description, owner_id, created_at)"
        " VALUES (:name, :title, :description, :owner, :now) RETURNING id",
        name=_free_name(tx, name, get_account(tx, owner_id).label),
        title=title,
        description=description,
        owner=owner_id,
        now=now,
    )
    tx.run("INSERT INTO space_counts (space_id) VALUES (:id)", id=space_id)
    add_moderator(tx, space_id, owner_id, now)
    tx.record(SpaceCreated(space_id))
    return get_space(tx, space_id)


def _free_name(tx: Transaction, wanted: str, owner: str) -> str:
    plain = topic_name(wanted) or "space"
    for name in (plain, f"{topic_name(owner)}.{plain}"):
        if tx.value("SELECT id FROM spaces WHERE name = :name", name=name) is None:
            return name
    number: int = tx.value("SELECT coalesce(max(id), 0) + 1 FROM spaces")
    return f"{plain}.{number}"


def add_forum_face(tx: Transaction, space_id: int, name: str, category_id: int, nsfw: bool) -> None:
    """Let the forum show a space. Raises Invalid for a bad name, Conflict for one in use."""
    check_forum_name(name)
    if tx.value("SELECT space_id FROM forum_faces WHERE name = :name", name=name) is not None:
        raise Conflict("space.forum_name_taken", f"There is a community named {name} already.", "name")
    tx.run(
        "INSERT INTO forum_faces (space_id, name, category_id, nsfw) VALUES (:id, :name, :category, :nsfw)",
        id=space_id,
        name=name,
        category=category_id,
        nsfw=nsfw,
    )
    relist_space(tx, space_id)
    tx.record(SpaceEdited(space_id))


def add_list_face(tx: Transaction, space_id: int, owner_id: int, name: str, visibility: str = "PUBLIC") -> None:
    """Give a space a mail address `~owner/name`. Raises Invalid for a bad name, Conflict for one the owner uses."""
    check_list_name(name)
    taken = "SELECT space_id FROM list_faces WHERE owner_id = :owner AND name_key = :key"
    if tx.value(taken, owner=owner_id, key=name.casefold()) is not None:
        raise Conflict("space.list_name_taken", f"There is a list named {name} already.", "name")
    tx.run(
        "INSERT INTO list_faces (space_id, owner_id, name, name_key, visibility, permit_mime, reject_mime)"
        " VALUES (:id, :owner, :name, :key, :visibility, :permit, :reject)",
        id=space_id,
        owner=owner_id,
        name=name,
        key=name.casefold(),
        visibility=visibility,
        permit=DEFAULT_PERMIT_MIME,
        reject=DEFAULT_REJECT_MIME,
    )
    relist_space(tx, space_id)
    tx.record(SpaceEdited(space_id))


def edit_description(tx: Transaction, actor: Actor, space_id: int, description: str | None, now: datetime) -> Space:
    """Change a space's description. Raises Forbidden unless the owner or an administrator asks."""
    space = get_space(tx, space_id)
    _require_owner(tx, actor, space, now)
    tx.run(
        "UPDATE spaces SET description = :text, updated_at = :now WHERE id = :id",
        text=description,
        now=now,
        id=space_id,
    )
    tx.record(SpaceEdited(space_id))
    return get_space(tx, space_id)


def edit_list_audiences(
    tx: Transaction,
    actor: Actor,
    space_id: int,
    nonsubscriber: Rights,
    subscriber: Rights,
    account: Rights,
    now: datetime,
) -> None:
    """Say what each audience of a list may do (sourcehut-lists §2.9).

    Whatever those who do not subscribe may do, subscribers and accounts may too.
    """
    _require_owner(tx, actor, get_space(tx, space_id), now)
    tx.run(
        "UPDATE list_faces SET nonsubscriber = :nonsubscriber, subscriber = :subscriber, account = :account"
        " WHERE space_id = :id",
        nonsubscriber=int(nonsubscriber),
        subscriber=int(subscriber | nonsubscriber),
        account=int(account | nonsubscriber),
        id=space_id,
    )
    relist_space(tx, space_id)
    tx.record(SpaceEdited(space_id))


def delete_space(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> None:
    """Delete a space with everything in it. Raises Forbidden unless the owner or an administrator asks."""
    space = get_space(tx, space_id)
    _require_owner(tx, actor, space, now)
    discard_space(tx, space)


def discard_space(tx: Transaction, space: Space) -> None:
    """Delete a space with everything in it, whoever asks; permission is the caller's to ask."""
    tx.run("DELETE FROM spaces WHERE id = :id", id=space.id)
    tx.record(SpaceDeleted(space.id, space.name))


def add_moderator(tx: Transaction, space_id: int, account_id: int, now: datetime) -> None:
    """Make an account a moderator, whoever asks. Raises Conflict for one who is already."""
    tx.run(
        "INSERT INTO moderators (space_id, account_id, created_at) VALUES (:space, :account, :now)",
        space=space_id,
        account=account_id,
        now=now,
    )


def _require_owner(tx: Transaction, actor: Actor, space: Space, now: datetime) -> None:
    if require_account(actor) == space.owner_id or actor.is_admin:
        return
    require_right(rights(tx, actor, space, now), Rights.BROWSE)
    raise Forbidden("space.not_owner", "Only the owner may do this.")
