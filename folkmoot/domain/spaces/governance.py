"""How the site and its spaces are run: settings, removal, bans, who moderates and who owns.

Bare changes with their rights; `moderation` adds the record of who did it and why.
"""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts import Actor, get_account, require_account, require_admin, require_unbanned
from folkmoot.domain.spaces.actions import add_moderator
from folkmoot.domain.spaces.listed import relist_space
from folkmoot.domain.spaces.model import (
    Rights,
    Site,
    Space,
    check_community,
    check_description,
    check_forum_name,
    require_right,
)
from folkmoot.domain.spaces.queries import find_site, get_forum_face, get_space, is_moderator, rights
from folkmoot.errors import Conflict, Forbidden, NotFound
from folkmoot.events import ModeratorsChanged, SiteEdited, SiteGiven, SpaceBanned, SpaceEdited, SpaceGiven
from folkmoot.store import Transaction


def edit_site(
    tx: Transaction,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    description: str | None = None,
    enable_downvotes: bool | None = None,
    open_registration: bool | None = None,
    enable_nsfw: bool | None = None,
) -> Site:
    """Change the site; None leaves a setting as it is. Raises Forbidden unless an administrator asks, NotFound without one."""
    account_id = require_admin(actor)
    site = get_site(tx)
    tx.run(
        "UPDATE site SET name = :name, description = :description, enable_downvotes = :downvotes,"
        " open_registration = :registration, enable_nsfw = :nsfw, updated_at = :now WHERE id = 1",
        name=name,
        description=site.description if description is None else description,
        downvotes=site.enable_downvotes if enable_downvotes is None else enable_downvotes,
        registration=site.open_registration if open_registration is None else open_registration,
        nsfw=site.enable_nsfw if enable_nsfw is None else enable_nsfw,
        now=now,
    )
    tx.record(SiteEdited(account_id))
    return get_site(tx)


def give_site(tx: Transaction, account_id: int) -> Site:
    """Make an account the site's creator; who may ask is the caller's to know. Raises NotFound."""
    get_account(tx, account_id)
    get_site(tx)
    tx.run("UPDATE site SET creator_id = :id WHERE id = 1", id=account_id)
    tx.record(SiteGiven(account_id))
    return get_site(tx)


def get_site(tx: Transaction) -> Site:
    """The site; raises NotFound before it was set up."""
    site = find_site(tx)
    if site is None:
        raise NotFound("site.unknown", "The site is not set up yet.")
    return site


def edit_community(
    tx: Transaction,
    actor: Actor,
    space_id: int,
    now: datetime,
    *,
    name: str,
    title: str,
    category_id: int,
    description: str | None = None,
    nsfw: bool | None = None,
) -> Space:
    """Change a space as the forum shows it; None leaves a part as it is.

    Raises Forbidden unless a moderator, the owner or an administrator asks, Invalid for bad words, Conflict for a name in use.
    """
    space = get_space(tx, space_id)
    require_right(rights(tx, actor, space, now), Rights.MODERATE)
    require_unbanned(actor)
    face = get_forum_face(tx, space_id)
    if face is None:
        raise NotFound("space.unknown", "There is no such community.")
    check_forum_name(name)
    check_community(title, category_id)
    check_description(description)
    taken = tx.value("SELECT space_id FROM forum_faces WHERE name = :name", name=name)
    if taken is not None and taken != space_id:
        raise Conflict("space.forum_name_taken", f"There is a community named {name} already.", "name")
    tx.run(
        "UPDATE spaces SET title = :title, description = :description, updated_at = :now WHERE id = :id",
        title=title,
        description=space.description if description is None else description,
        now=now,
        id=space_id,
    )
    tx.run(
        "UPDATE forum_faces SET name = :name, category_id = :category, nsfw = :nsfw WHERE space_id = :id",
        name=name,
        category=category_id,
        nsfw=face.nsfw if nsfw is None else nsfw,
        id=space_id,
    )
    relist_space(tx, space_id)
    tx.record(SpaceEdited(space_id))
    return get_space(tx, space_id)


def set_space_removed(tx: Transaction, actor: Actor, space_id: int, removed: bool, now: datetime) -> Space:
    """Close a space as a moderator, or open it again. Raises Forbidden without the right to moderate."""
    require_right(rights(tx, actor, get_space(tx, space_id), now), Rights.MODERATE)
    return _close(tx, space_id, "removed", removed, now)


def set_space_deleted(tx: Transaction, actor: Actor, space_id: int, deleted: bool, now: datetime) -> Space:
    """Close one's own space, or open it again; what is in it stays. Raises Forbidden unless its owner asks."""
    space = get_space(tx, space_id)
    if require_account(actor) != space.owner_id:
        require_right(rights(tx, actor, space, now), Rights.BROWSE)
        raise Forbidden("space.not_owner", "Only the owner may do this.")
    return _close(tx, space_id, "deleted", deleted, now)


def _close(tx: Transaction, space_id: int, column: str, closed: bool, now: datetime) -> Space:
    tx.run(
        f"UPDATE spaces SET {column} = :closed, updated_at = :now WHERE id = :id", closed=closed, now=now, id=space_id
    )
    relist_space(tx, space_id)
    tx.record(SpaceEdited(space_id))
    return get_space(tx, space_id)


def ban_from_space(
    tx: Transaction, actor: Actor, space_id: int, account_id: int, banned: bool, now: datetime, until: datetime | None
) -> None:
    """Ban an account from writing in one space, or lift the ban; it ends by itself at `until`.

    Raises Forbidden without the right to moderate, and for a ban of the owner or an administrator; Conflict for one who is
    banned already; NotFound.
    """
    space = get_space(tx, space_id)
    require_right(rights(tx, actor, space, now), Rights.MODERATE)
    account = get_account(tx, account_id)
    if banned and (account.is_admin or account.id == space.owner_id):
        raise Forbidden("space.ban_refused", "The owner and administrators cannot be banned.")
    tx.run(
        "DELETE FROM space_bans WHERE space_id = :space AND account_id = :account AND (:lift OR banned_until <= :now)",
        space=space_id,
        account=account_id,
        lift=not banned,
        now=now,
    )
    if banned:
        found = "SELECT 1 FROM space_bans WHERE space_id = :space AND account_id = :account"
        if tx.value(found, space=space_id, account=account_id) is not None:
            raise Conflict("space.banned_already", "This account is banned already.")
        tx.run(
            "INSERT INTO space_bans (space_id, account_id, banned_at, banned_until)"
            " VALUES (:space, :account, :now, :until)",
            space=space_id,
            account=account_id,
            now=now,
            until=until,
        )
    tx.record(SpaceBanned(space_id, account_id, banned))


def appoint(tx: Transaction, actor: Actor, space_id: int, account_id: int, added: bool, now: datetime) -> None:
    """Make an account a moderator of a space, or end that.

    Raises Forbidden without the right to moderate, and when others would remove the owner; Conflict for one who is a
    moderator already; NotFound.
    """
    space = get_space(tx, space_id)
    require_right(rights(tx, actor, space, now), Rights.MODERATE)
    get_account(tx, account_id)
    if added:
        if is_moderator(tx, space_id, account_id):
            raise Conflict("space.moderator_already", "This account moderates here already.")
        add_moderator(tx, space_id, account_id, now)
    elif account_id == space.owner_id and actor.account_id != account_id:
        raise Forbidden("space.owner_stays", "The owner cannot be removed by others.")
    else:
        tx.run(
            "DELETE FROM moderators WHERE space_id = :space AND account_id = :account",
            space=space_id,
            account=account_id,
        )
    tx.record(ModeratorsChanged(space_id, account_id, added))


def give_space(tx: Transaction, actor: Actor, space_id: int, account_id: int, now: datetime) -> Space:
    """Make an account the owner of a space and its first moderator; the others keep their order.

    Raises Forbidden unless the owner or an administrator asks, NotFound.
    """
    space = get_space(tx, space_id)
    if require_account(actor) != space.owner_id and not actor.is_admin:
        require_right(rights(tx, actor, space, now), Rights.BROWSE)
        raise Forbidden("space.not_owner", "Only the owner or an administrator may do this.")
    get_account(tx, account_id)
    since = dict(tx.rows("SELECT account_id, created_at FROM moderators WHERE space_id = :id ORDER BY id", id=space_id))
    if next(iter(since), None) != account_id:
        _put_first(tx, space_id, account_id, since, now)
    tx.run(
        "UPDATE spaces SET owner_id = :account, updated_at = :now WHERE id = :id",
        account=account_id,
        now=now,
        id=space_id,
    )
    tx.record(SpaceGiven(space_id, account_id))
    return get_space(tx, space_id)


def _put_first(tx: Transaction, space_id: int, account_id: int, since: dict[int, int], now: datetime) -> None:
    tx.run("DELETE FROM moderators WHERE space_id = :id", id=space_id)
    add_moderator(tx, space_id, account_id, now)
    tx.run_many(
        "INSERT INTO moderators (space_id, account_id, created_at) VALUES (:space, :account, :since)",
        [{"space": space_id, "account": each, "since": since[each]} for each in since if each != account_id],
    )
