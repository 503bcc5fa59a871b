"""The SQL that reads spaces, and the one function that says who may do what in them."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from folkmoot.domain.accounts import Account, Actor, require_account, require_unbanned
from folkmoot.domain.spaces.model import ForumFace, ListFace, NewsletterFace, Rights, Site, Space
from folkmoot.errors import Forbidden, NotFound
from folkmoot.store import Transaction

_SPACE = "s.id, s.name, s.title, s.description, s.owner_id, s.created_at, s.updated_at, s.removed, s.deleted"
_FORUM = "f.space_id, f.name, f.category_id, f.nsfw"
_LIST = (
    "l.space_id, l.owner_id, l.name, l.visibility, l.nonsubscriber, l.subscriber, l.account,"
    " l.permit_mime, l.reject_mime, o.label"
)
_NEWSLETTER = "n.space_id, n.uuid, n.name, n.type, n.optin, n.status, n.description, n.created_at, n.updated_at"


def find_space(tx: Transaction, space_id: int) -> Space | None:
    """The space with this id, or None."""
    return tx.one(Space, f"SELECT {_SPACE} FROM spaces s WHERE s.id = :id", id=space_id)


def get_space(tx: Transaction, space_id: int) -> Space:
    """The space with this id; raises NotFound."""
    return _present(find_space(tx, space_id))


def get_space_named(tx: Transaction, name: str) -> Space:
    """The space whose topics are `spaces/<name>/…`; raises NotFound."""
    return _present(tx.one(Space, f"SELECT {_SPACE} FROM spaces s WHERE s.name = :name", name=name))


def list_spaces(tx: Transaction) -> list[Space]:
    """All spaces, in the order they were made."""
    return tx.all(Space, f"SELECT {_SPACE} FROM spaces s ORDER BY s.id")


def find_forum_space(tx: Transaction, name: str) -> Space | None:
    """The space whose forum face has this name, or None."""
    return tx.one(
        Space, f"SELECT {_SPACE} FROM forum_faces f JOIN spaces s ON s.id = f.space_id WHERE f.name = :name", name=name
    )


def get_forum_space(tx: Transaction, name: str) -> Space:
    """The space whose forum face has this name; raises NotFound."""
    return _present(find_forum_space(tx, name))


def get_forum_face(tx: Transaction, space_id: int) -> ForumFace | None:
    """A space's forum face, or None when it has none."""
    return tx.one(ForumFace, f"SELECT {_FORUM} FROM forum_faces f WHERE f.space_id = :id", id=space_id)


def get_list_face(tx: Transaction, space_id: int) -> ListFace | None:
    """A space's list face, or None when it has none."""
    return tx.one(
        ListFace,
        f"SELECT {_LIST} FROM list_faces l JOIN accounts o ON o.id = l.owner_id WHERE l.space_id = :id",
        id=space_id,
    )


def get_newsletter_face(tx: Transaction, space_id: int) -> NewsletterFace | None:
    """A space's newsletter face, or None when it has none."""
    return tx.one(NewsletterFace, f"SELECT {_NEWSLETTER} FROM newsletter_faces n WHERE n.space_id = :id", id=space_id)


def find_site(tx: Transaction) -> Site | None:
    """The site, or None before it was set up."""
    return tx.one(
        Site,
        "SELECT id, name, description, creator_id, created_at, updated_at, enable_downvotes, open_registration,"
        " enable_nsfw FROM site WHERE id = 1",
    )


def is_banned_from(tx: Transaction, space_id: int, account_id: int, now: datetime) -> bool:
    """Is an account banned from writing in this one space?"""
    rows = tx.rows(
        "SELECT banned_until FROM space_bans WHERE space_id = :space AND account_id = :account"
        " AND (banned_until IS NULL OR banned_until > :now)",
        space=space_id,
        account=account_id,
        now=now,
    )
    return bool(rows)


def require_unbanned_from(tx: Transaction, actor: Actor, space_id: int, now: datetime) -> int:
    """The id of an asking account that may write in a space; raises Unauthenticated, Forbidden when it is banned.

    The space's ban is named before the site's (lemmy §3.5).
    """
    if is_banned_from(tx, space_id, require_account(actor), now):
        raise Forbidden("space.banned", "You are banned from this community.")
    return require_unbanned(actor)


def is_moderator(tx: Transaction, space_id: int, account_id: int) -> bool:
    """Is an account appointed as a moderator of a space?"""
    sql = "SELECT 1 FROM moderators WHERE space_id = :space AND account_id = :account"
    return tx.value(sql, space=space_id, account=account_id) is not None


# --- permission -----------------------------------------------------------------------------------------------------


def rights(tx: Transaction, actor: Actor, space: Space, now: datetime) -> Rights:
    """What an actor may do in a space; the one place where this is decided, for every surface.

    The owner and administrators may do everything, moderators too; others what the list face grants their
    audience (sourcehut-lists §2.9), or without one: anybody reads, who is signed in writes. A newsletter without any of
    the other faces is written by its owner alone and read by others only when it is public. Bans take away writing and
    leave reading; so does the closing of the space.
    """
    standing = _standing(tx, actor, space, now)
    held = _granted(tx, actor, standing, space)
    if not space.is_open:
        held &= Rights.BROWSE | Rights.MODERATE
    writing = Rights.REPLY | Rights.POST
    if actor.account_id is not None and (actor.is_banned or standing.is_banned):
        held &= ~writing
    return held


def rights_of_address(tx: Transaction, account: Account, space: Space, now: datetime) -> Rights:
    """What the writer of a mail may do in a space; nothing for a suspended account.

    An account without a login counts as nobody, or as a subscriber when its address subscribes (sourcehut-lists §5.4).
    """
    if account.suspended_at is not None:
        return Rights.NONE
    return rights(tx, Actor(account.id, account.label, account.is_admin, account.is_banned(now)), space, now)


class _Standing(NamedTuple):
    """What an account is in a space."""

    has_login: bool
    moderates: bool
    subscribes: bool
    is_banned: bool


_STRANGER = _Standing(False, False, False, False)


def _standing(tx: Transaction, actor: Actor, space: Space, now: datetime) -> _Standing:
    """What an actor is in a space, in one query: every surface asks it for nearly everything."""
    if actor.account_id is None:
        return _STRANGER
    found = tx.one(
        _Standing,
        "SELECT a.name_key IS NOT NULL,"
        " EXISTS (SELECT 1 FROM moderators m WHERE m.space_id = :space AND m.account_id = a.id),"
        " EXISTS (SELECT 1 FROM subscriptions b"
        " WHERE b.account_id = a.id AND b.space_id = :space AND b.channel = 'mail'),"
        " EXISTS (SELECT 1 FROM space_bans x WHERE x.space_id = :space AND x.account_id = a.id"
        " AND (x.banned_until IS NULL OR x.banned_until > :now))"
        " FROM accounts a WHERE a.id = :account",
        space=space.id,
        account=actor.account_id,
        now=now,
    )
    return found or _STRANGER


def _granted(tx: Transaction, actor: Actor, standing: _Standing, space: Space) -> Rights:
    if actor.account_id is not None and (actor.account_id == space.owner_id or actor.is_admin or standing.moderates):
        return Rights.ALL
    face = get_list_face(tx, space.id)
    if face is not None:
        return _granted_by_list(actor, standing, face)
    if get_forum_face(tx, space.id) is not None:
        return Rights.BROWSE if actor.account_id is None else Rights.NORMAL
    newsletter = get_newsletter_face(tx, space.id)
    if newsletter is not None:
        return Rights.BROWSE if newsletter.type == "public" else Rights.NONE
    return Rights.NONE


def _granted_by_list(actor: Actor, standing: _Standing, face: ListFace) -> Rights:
    if face.visibility == "PRIVATE":
        return Rights.NONE
    if actor.account_id is None:
        return Rights(face.nonsubscriber)
    audience = face.account if standing.has_login else face.nonsubscriber
    if standing.subscribes:
        # A bare address that subscribes: its audience is the subscribers' alone.
        audience = face.subscriber | (face.account if standing.has_login else 0)
    return Rights(audience)


def _present(space: Space | None) -> Space:
    if space is None:
        raise NotFound("space.unknown", "There is no such space.")
    return space
