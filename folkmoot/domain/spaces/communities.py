"""Spaces as the forum lists them, with their counts and what they are to a viewer."""

from __future__ import annotations

from datetime import datetime

import msgspec

from folkmoot.domain.accounts import Actor
from folkmoot.domain.spaces.listed import RESTRICTED
from folkmoot.domain.spaces.model import Rights, require_right
from folkmoot.domain.spaces.queries import get_space, rights
from folkmoot.errors import NotFound
from folkmoot.store import Transaction, expand


class Community(msgspec.Struct, frozen=True):
    """A space with its forum face, for one viewer."""

    id: int
    name: str
    title: str
    description: str | None
    category_id: int
    owner_id: int
    removed: bool
    created_at: datetime
    updated_at: datetime | None
    deleted: bool
    nsfw: bool
    owner_label: str
    owner_avatar: str | None
    followers: int
    posts: int
    comments: int
    is_restricted: bool
    is_followed: bool


class Standing(msgspec.Struct, frozen=True):
    """An account's row in a community: a moderator's, a follower's."""

    id: int
    space_id: int
    account_id: int
    created_at: datetime
    account_label: str
    account_avatar: str | None
    space_name: str


class Totals(msgspec.Struct, frozen=True):
    """How much there is on the whole site."""

    accounts: int
    posts: int
    comments: int
    communities: int


_COMMUNITY = (
    "SELECT s.id, f.name, s.title, s.description, f.category_id, s.owner_id, s.removed, s.created_at, s.updated_at,"
    f" s.deleted, f.nsfw, a.label, p.avatar, n.followers, n.posts, n.comments, {RESTRICTED}, w.id IS NOT NULL"
    " FROM forum_faces f JOIN spaces s ON s.id = f.space_id JOIN accounts a ON a.id = s.owner_id"
    " JOIN preferences p ON p.account_id = a.id JOIN space_counts n ON n.space_id = s.id"
    " LEFT JOIN list_faces l ON l.space_id = s.id"
    " LEFT JOIN subscriptions w ON w.space_id = s.id AND w.channel = 'forum' AND w.account_id = :viewer"
)
_STANDING = (
    "SELECT r.id, r.space_id, r.account_id, r.created_at, a.label, p.avatar, f.name FROM {rows} r"
    " JOIN accounts a ON a.id = r.account_id JOIN preferences p ON p.account_id = r.account_id"
    " JOIN forum_faces f ON f.space_id = r.space_id"
)


def show_community(tx: Transaction, space_id: int) -> Community:
    """A space as the forum shows it to nobody in particular. Raises NotFound; who may see it is the caller's to ask."""
    found = tx.one(Community, f"{_COMMUNITY} WHERE s.id = :id", id=space_id, viewer=0)
    if found is None:
        raise NotFound("space.unknown", "There is no such space.")
    return found


def get_community(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> Community:
    """A space as the forum shows it, removed or not. Raises NotFound for those who may not browse it."""
    found = tx.one(Community, f"{_COMMUNITY} WHERE s.id = :id", id=space_id, viewer=_viewer(actor))
    if found is None:
        raise NotFound("space.unknown", "There is no such space.")
    require_right(rights(tx, actor, get_space(tx, space_id), now), Rights.BROWSE)
    return found


def list_communities(tx: Transaction, actor: Actor, show_nsfw: bool, now: datetime) -> list[Community]:
    """All communities that the actor may browse and that are not gone, in no particular order."""
    nsfw = "" if show_nsfw else " AND NOT f.nsfw"
    found = tx.all(Community, f"{_COMMUNITY} WHERE NOT s.removed AND NOT s.deleted{nsfw}", viewer=_viewer(actor))
    return [each for each in found if not each.is_restricted or _may_browse(tx, actor, each.id, now)]


def list_moderator_standings(tx: Transaction, space_id: int) -> list[Standing]:
    """A community's moderators, the first appointed first."""
    sql = _STANDING.format(rows="moderators")
    return tx.all(Standing, f"{sql} WHERE r.space_id = :id ORDER BY r.id", id=space_id)


def list_followed_by(tx: Transaction, actor: Actor, account_id: int, now: datetime) -> list[Standing]:
    """The communities an account follows and the actor may browse, in the order it began to."""
    sql = f"{_STANDING.format(rows='subscriptions')} WHERE r.account_id = :id AND r.channel = 'forum' ORDER BY r.id"
    return _browsable(tx, actor, tx.all(Standing, sql, id=account_id), now)


def list_moderated_by(tx: Transaction, actor: Actor, account_id: int, now: datetime) -> list[Standing]:
    """The communities an account moderates and the actor may browse, in the order it was appointed."""
    sql = f"{_STANDING.format(rows='moderators')} WHERE r.account_id = :id ORDER BY r.id"
    return _browsable(tx, actor, tx.all(Standing, sql, id=account_id), now)


def _browsable(tx: Transaction, actor: Actor, standings: list[Standing], now: datetime) -> list[Standing]:
    words, values = expand("space", [each.space_id for each in standings])
    sql = f"SELECT l.space_id FROM list_faces l WHERE l.space_id IN {words} AND {RESTRICTED}"
    restricted = set(tx.column(sql, **values)) if standings else set()
    return [each for each in standings if each.space_id not in restricted or _may_browse(tx, actor, each.space_id, now)]


def count_site(tx: Transaction) -> Totals:
    """What the forum counts of itself: people who can sign in, and the communities that everybody may browse."""
    found = tx.one(
        Totals,
        "SELECT (SELECT count(*) FROM accounts WHERE name_key IS NOT NULL AND NOT is_program), coalesce(sum(n.posts), 0),"
        " coalesce(sum(n.comments), 0), count(*) FROM forum_faces f JOIN space_counts n ON n.space_id = f.space_id"
        f" LEFT JOIN list_faces l ON l.space_id = f.space_id WHERE NOT {RESTRICTED}",
    )
    assert found is not None
    return found


def _viewer(actor: Actor) -> int:
    # No account has this id.
    return actor.account_id if actor.account_id is not None else 0


def _may_browse(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> bool:
    return bool(rights(tx, actor, get_space(tx, space_id), now) & Rights.BROWSE)
