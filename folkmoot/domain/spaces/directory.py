"""Spaces as the community's own pages show them: what each is called under each of its faces, and how much there is."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from folkmoot.store import Transaction, expand


class SpaceEntry(msgspec.Struct, frozen=True):
    """A space with the names of its faces; None where it lacks one."""

    space_id: int
    name: str
    title: str
    description: str | None
    forum_name: str | None
    list_owner: str | None
    list_name: str | None
    newsletter_name: str | None
    newsletter_type: str | None
    messages: int
    followers: int
    mail_subscribers: int

    @property
    def list_path(self) -> str | None:
        """`~owner/name`, or None without a list face."""
        return f"~{self.list_owner}/{self.list_name}" if self.list_name is not None else None


class CommunityTotals(msgspec.Struct, frozen=True):
    """How much there is in the whole community."""

    people: int
    spaces: int
    messages: int
    subscriptions: int


_ENTRY = (
    "SELECT s.id, s.name, s.title, s.description, f.name, o.label, l.name, n.name, n.type, c.posts + c.comments,"
    " c.followers, c.mail_subscribers"
    " FROM spaces s JOIN space_counts c ON c.space_id = s.id"
    " LEFT JOIN forum_faces f ON f.space_id = s.id"
    " LEFT JOIN list_faces l ON l.space_id = s.id LEFT JOIN accounts o ON o.id = l.owner_id"
    " LEFT JOIN newsletter_faces n ON n.space_id = s.id"
)
# The same as `rights` gives to nobody in particular, and leaving out what does not want to be listed.
_OPEN_TO_ALL = (
    " WHERE NOT s.removed AND NOT s.deleted AND CASE"
    " WHEN l.space_id IS NOT NULL THEN l.visibility = 'PUBLIC' AND (l.nonsubscriber & 1) = 1"
    " WHEN f.space_id IS NOT NULL THEN NOT f.nsfw"
    " ELSE n.type = 'public' AND n.status = 'active' END"
)


def list_directory(tx: Transaction, most: int) -> list[SpaceEntry]:
    """The spaces anybody may look into, those with the most readers first."""
    return tx.all(
        SpaceEntry,
        f"{_ENTRY}{_OPEN_TO_ALL} ORDER BY c.followers + c.mail_subscribers DESC, s.id LIMIT :most",
        most=most,
    )


def list_entries(tx: Transaction, space_ids: Sequence[int]) -> dict[int, SpaceEntry]:
    """These spaces by id, whoever may look into them; for a short list of ids."""
    inside, parameters = expand("id", sorted(set(space_ids)))
    return {each.space_id: each for each in tx.all(SpaceEntry, f"{_ENTRY} WHERE s.id IN {inside}", **parameters)}


def count_community(tx: Transaction) -> CommunityTotals:
    """How many people (with a name to sign in with), spaces, messages and subscriptions there are."""
    found = tx.one(
        CommunityTotals,
        "SELECT (SELECT count(*) FROM accounts WHERE name_key IS NOT NULL AND NOT is_program), count(*),"
        " coalesce(sum(c.posts + c.comments), 0),"
        " coalesce(sum(c.followers + c.mail_subscribers), 0)"
        " + (SELECT coalesce(sum(members), 0) FROM newsletter_counts WHERE status <> 'unsubscribed')"
        " FROM spaces s JOIN space_counts c ON c.space_id = s.id WHERE NOT s.removed AND NOT s.deleted",
    )
    assert found is not None
    return found
