"""The newsletter face: making and changing the newsletter's lists, and the SQL that lists them.

Who may do so is said by the permissions of the newsletter's credentials, which the surface reads; every function here
takes that as decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec

from folkmoot.domain.accounts import Actor, require_unbanned
from folkmoot.domain.spaces.actions import create_space, discard_space
from folkmoot.domain.spaces.model import (
    Newsletter,
    NewsletterChange,
    NewsletterFace,
    NewsletterFilter,
    check_newsletter,
    check_newsletter_words,
    newsletter_tags,
)
from folkmoot.domain.spaces.queries import get_newsletter_face, get_space
from folkmoot.errors import Invalid, NotFound
from folkmoot.events import SpaceEdited
from folkmoot.ids import new_uuid
from folkmoot.store import Transaction, containing, expand

_FACE = "n.space_id, n.uuid, n.name, n.type, n.optin, n.status, n.description, n.created_at, n.updated_at"
# What a listing may be ordered by; the same words are the order's names outside.
_ORDERS = {
    "name": "n.name_key",
    "status": "n.status",
    "created_at": "n.created_at",
    "updated_at": "n.updated_at",
    "subscriber_count": "(SELECT coalesce(sum(c.members), 0) FROM newsletter_counts c WHERE c.space_id = n.space_id)",
    "id": "n.space_id",
}
_MOST_WORDS = 50
# Well below the number of parameters either database takes in one statement.
_AT_ONCE = 500
_WORD = re.compile(r"\w+")


def create_newsletter(tx: Transaction, actor: Actor, wanted: NewsletterChange, now: datetime) -> Newsletter:
    """Make a space with the newsletter face, owned by the actor.

    Raises Invalid for a missing name or a bad value, Unauthenticated, Forbidden for a banned actor.
    """
    check_newsletter(wanted)
    if wanted.name is None:
        raise Invalid("newsletter.name", "A list needs a name.", "name")
    space = create_space(tx, actor, wanted.name, _title(wanted.name), wanted.description or None, now)
    given = {field: value for field, value in msgspec.structs.asdict(wanted).items() if value is not None}
    add_newsletter_face(tx, space.id, now=now, **given)
    return get_newsletter(tx, space.id)


def add_newsletter_face(
    tx: Transaction,
    space_id: int,
    name: str,
    now: datetime,
    *,
    type: str = "private",
    optin: str = "single",
    status: str = "active",
    description: str = "",
    tags: Sequence[str] = (),
) -> None:
    """Let the newsletter send to a space's members. Raises Invalid for a bad value."""
    check_newsletter(
        NewsletterChange(name=name, type=type, optin=optin, status=status, description=description, tags=tuple(tags))
    )
    tx.run(
        "INSERT INTO newsletter_faces"
        " (space_id, uuid, name, name_key, type, optin, status, description, created_at, updated_at)"
        " VALUES (:id, :uuid, :name, :key, :type, :optin, :status, :description, :now, :now)",
        id=space_id,
        uuid=new_uuid(),
        name=name,
        key=name.casefold(),
        type=type,
        optin=optin,
        status=status,
        description=description,
        now=now,
    )
    _set_tags(tx, space_id, tags)
    tx.record(SpaceEdited(space_id))


def edit_newsletter(
    tx: Transaction, actor: Actor, space_id: int, change: NewsletterChange, now: datetime
) -> Newsletter:
    """Change what is given of a newsletter's list. Raises NotFound, Invalid, Forbidden for a banned actor.

    The space's own title goes with the name as long as the two were the same.
    """
    require_unbanned(actor)
    check_newsletter(change)
    old = _present(get_newsletter_face(tx, space_id))
    new = {
        field: value for field, value in msgspec.structs.asdict(change).items() if value is not None and field != "tags"
    }
    values: dict[str, Any] = {**{field: getattr(old, field) for field in _CHANGEABLE}, **new}
    tx.run(
        "UPDATE newsletter_faces SET name = :name, name_key = :key, type = :type, optin = :optin, status = :status,"
        " description = :description, updated_at = :now WHERE space_id = :id",
        key=values["name"].casefold(),
        now=now,
        id=space_id,
        **values,
    )
    tx.run(
        "UPDATE spaces SET title = :title, updated_at = :now WHERE id = :id AND title = :old AND title <> :title",
        title=_title(values["name"]),
        old=_title(old.name),
        now=now,
        id=space_id,
    )
    if change.tags is not None:
        tx.run("DELETE FROM newsletter_tags WHERE space_id = :id", id=space_id)
        _set_tags(tx, space_id, change.tags)
    tx.record(SpaceEdited(space_id))
    return get_newsletter(tx, space_id)


_CHANGEABLE = ("name", "type", "optin", "status", "description")


def remove_newsletter_face(tx: Transaction, space_id: int) -> None:
    """Take a space away from the newsletter, and the space itself when it has no other face but its topic.

    Its memberships are the caller's to end. Nothing happens to a space without this face.
    """
    if get_newsletter_face(tx, space_id) is None:
        return
    others = tx.rows(
        "SELECT space_id FROM forum_faces WHERE space_id = :id UNION ALL SELECT space_id FROM list_faces WHERE space_id = :id",
        id=space_id,
    )
    if not others:
        discard_space(tx, get_space(tx, space_id))
        return
    for table in ("newsletter_tags", "newsletter_counts", "newsletter_faces"):
        tx.run(f"DELETE FROM {table} WHERE space_id = :id", id=space_id)
    tx.record(SpaceEdited(space_id))


def _set_tags(tx: Transaction, space_id: int, tags: Sequence[str]) -> None:
    tx.run_many(
        "INSERT INTO newsletter_tags (space_id, tag, position) VALUES (:id, :tag, :position)",
        [{"id": space_id, "tag": tag, "position": position} for position, tag in enumerate(newsletter_tags(tags))],
    )


def _title(name: str) -> str:
    return " ".join(name.split())


# --- reading --------------------------------------------------------------------------------------------------------


def get_newsletter(tx: Transaction, space_id: int) -> Newsletter:
    """A newsletter's list with its tags and counts; raises NotFound."""
    return _complete(tx, [_present(get_newsletter_face(tx, space_id))])[0]


def list_newsletters(tx: Transaction, chosen: NewsletterFilter) -> list[Newsletter]:
    """The newsletter's lists that a filter lets through, with tags and counts. Raises Invalid for unknown words."""
    return _complete(tx, list_newsletter_faces(tx, chosen))


def list_newsletter_faces(tx: Transaction, chosen: NewsletterFilter) -> list[NewsletterFace]:
    """As `list_newsletters`, without tags and counts."""
    where, parameters = _conditions(chosen)
    direction = "DESC" if chosen.descending else "ASC"
    limit = ""
    if chosen.most is not None:
        limit = " LIMIT :most OFFSET :skip"
        parameters |= {"most": chosen.most, "skip": chosen.skip}
    return tx.all(
        NewsletterFace,
        f"SELECT {_FACE} FROM newsletter_faces n{where}"
        f" ORDER BY {_ORDERS[chosen.order_by]} {direction}, n.space_id {direction}{limit}",
        **parameters,
    )


def list_newsletter_tags(tx: Transaction, space_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The tags of these lists, in the order they were given."""
    found: dict[int, list[str]] = {}
    for chunk, parameters in _chunks(space_ids):
        sql = f"SELECT space_id, tag FROM newsletter_tags WHERE space_id IN {chunk} ORDER BY space_id, position"
        for space_id, tag in tx.rows(sql, **parameters):
            found.setdefault(space_id, []).append(tag)
    return {space_id: tuple(tags) for space_id, tags in found.items()}


def count_newsletters(tx: Transaction, chosen: NewsletterFilter) -> int:
    """How many lists a filter lets through, whatever its page."""
    where, parameters = _conditions(chosen)
    return int(tx.value(f"SELECT count(*) FROM newsletter_faces n{where}", **parameters))


def list_public_newsletters(tx: Transaction) -> list[NewsletterFace]:
    """The lists anybody may join: public, active, of a space that is open; the oldest first."""
    return tx.all(
        NewsletterFace,
        f"SELECT {_FACE} FROM newsletter_faces n JOIN spaces s ON s.id = n.space_id"
        " WHERE n.type = 'public' AND n.status = 'active' AND NOT s.removed AND NOT s.deleted ORDER BY n.space_id",
    )


def match_newsletters(tx: Transaction, text: str, permitted: frozenset[int] | None) -> list[int]:
    """The ids of permitted lists whose names hold every word of a text as a whole word; none for a text without words.

    Raises Invalid for more than 50.
    """
    wanted = search_words(" ".join(_WORD.findall(text)))
    if not wanted:
        return []
    faces = list_newsletter_faces(tx, NewsletterFilter(words=wanted, permitted=permitted, order_by="id"))
    return [face.space_id for face in faces if set(wanted) <= set(_WORD.findall(face.name.casefold()))]


def search_words(text: str) -> tuple[str, ...]:
    """What a search looks for, each once, whatever its case. Raises Invalid for more than 50."""
    words = tuple(dict.fromkeys(text.casefold().split()))
    if len(words) > _MOST_WORDS:
        raise Invalid("search.words", f"A search has at most {_MOST_WORDS} words.", "query")
    return words


def _conditions(chosen: NewsletterFilter) -> tuple[str, dict[str, Any]]:
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    lists = (("status", chosen.statuses), ("type", chosen.types), ("optin", chosen.optins))
    for column, values in lists:
        if values:
            check_newsletter_words(column, values)
            inside, more = expand(column, values)
            conditions.append(f"n.{column} IN {inside}")
            parameters |= more
    if chosen.permitted is not None:
        inside, more = expand("permitted", sorted(chosen.permitted))
        conditions.append(f"n.space_id IN {inside}")
        parameters |= more
    for position, word in enumerate(chosen.words):
        conditions.append(f"n.name_key LIKE :word_{position} ESCAPE '!'")
        parameters[f"word_{position}"] = containing([word.casefold()])
    for position, tag in enumerate(chosen.tags):
        name = f"tag_{position}"
        conditions.append(f"EXISTS (SELECT 1 FROM newsletter_tags g WHERE g.space_id = n.space_id AND g.tag = :{name})")
        parameters[name] = tag
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), parameters


def _complete(tx: Transaction, faces: Sequence[NewsletterFace]) -> list[Newsletter]:
    ids = [face.space_id for face in faces]
    tags = list_newsletter_tags(tx, ids)
    members: dict[int, dict[str, int]] = {}
    for chunk, parameters in _chunks(ids):
        sql = f"SELECT space_id, status, members FROM newsletter_counts WHERE space_id IN {chunk} AND members > 0"
        for space_id, status, count in tx.rows(sql, **parameters):
            members.setdefault(space_id, {})[status] = count
    return [Newsletter(face, tags.get(face.space_id, ()), members.get(face.space_id, {})) for face in faces]


def _chunks(ids: Sequence[int]) -> Iterator[tuple[str, dict[str, Any]]]:
    for start in range(0, len(ids), _AT_ONCE):
        yield expand("id", ids[start : start + _AT_ONCE])


def _present(face: NewsletterFace | None) -> NewsletterFace:
    if face is None:
        raise NotFound("newsletter.unknown", "There is no such list.")
    return face
