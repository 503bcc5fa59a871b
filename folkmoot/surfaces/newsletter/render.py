"""Domain values as this surface writes them; pure."""

from __future__ import annotations

from datetime import UTC, datetime

from folkmoot.domain.spaces import Newsletter, NewsletterFace
from folkmoot.surfaces.newsletter.schema import ListOut, PublicList

# The order in which the reference names them.
_STATUSES = ("unconfirmed", "confirmed", "unsubscribed")


def timestamp(at: datetime) -> str:
    """RFC 3339 in UTC, always with microseconds: `2019-01-01T09:00:00.000000Z`."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def newsletter(shown: Newsletter) -> ListOut:
    """A list with its counts."""
    statuses = {status: shown.members[status] for status in _STATUSES if status in shown.members}
    return _list(shown.face, shown.tags, sum(statuses.values()), statuses)


def minimal_newsletter(face: NewsletterFace, tags: tuple[str, ...]) -> ListOut:
    """A list in a minimal listing: nothing is counted."""
    return _list(face, tags, 0, None)


def _list(face: NewsletterFace, tags: tuple[str, ...], count: int, statuses: dict[str, int] | None) -> ListOut:
    return ListOut(
        id=face.space_id,
        created_at=timestamp(face.created_at),
        updated_at=timestamp(face.updated_at),
        uuid=face.uuid,
        name=face.name,
        type=face.type,
        optin=face.optin,
        status=face.status,
        tags=tags,
        description=face.description,
        subscriber_count=count,
        subscriber_statuses=statuses,
    )


def public_list(face: NewsletterFace) -> PublicList:
    """A list as strangers see it."""
    return PublicList(face.uuid, face.name)
