"""What the community lets MQTT clients do, in memory, so that the broker's hot path never waits for the database.

`spaces/<name>/…` obeys the permissions of the space: what an account may not browse does not reach it, whatever filter it
subscribed to. Nobody publishes there but the community itself; `spaces/<name>/post` is taken as a post. Every other topic
is the operator's to allow.
"""

from __future__ import annotations

from datetime import datetime

from folkmoot.domain.accounts import ANONYMOUS, actor_of_account
from folkmoot.domain.broker import Identity, Wish
from folkmoot.domain.spaces import Rights, list_spaces, rights
from folkmoot.errors import FolkmootError
from folkmoot.store import Transaction

ROOT = "spaces/"


def messages_topic(space_name: str) -> str:
    """Where everything said in a space is announced."""
    return f"{ROOT}{space_name}/messages"


def posted_space(topic: str) -> str | None:
    """The name of the space a publish to this topic is a post in, or None."""
    levels = topic.split("/")
    return levels[1] if len(levels) == 3 and levels[0] == "spaces" and levels[2] == "post" and levels[1] else None


def open_spaces(tx: Transaction, now: datetime) -> frozenset[str]:
    """The names of the spaces that anybody may read."""
    return frozenset(s.name for s in list_spaces(tx) if rights(tx, ANONYMOUS, s, now) & Rights.BROWSE)


def readable_spaces(tx: Transaction, account_id: int, now: datetime) -> frozenset[str]:
    """The names of the spaces an account may read; none for one that is unknown or suspended."""
    try:
        actor = actor_of_account(tx, account_id, now)
    except FolkmootError:
        return frozenset()
    return frozenset(s.name for s in list_spaces(tx) if rights(tx, actor, s, now) & Rights.BROWSE)


class CommunityLaw:
    """The part of the broker's gate that no operator changes; whoever owns it keeps `open` and `readable` as the database
    says."""

    def __init__(self) -> None:
        self.open: frozenset[str] = frozenset()
        self.readable: dict[int, frozenset[str]] = {}

    def forbids(self, wish: Wish) -> bool:
        """Everybody subscribes to everything: what may be received is asked for each topic, and a refusal would tell which
        spaces exist. Nobody publishes below `spaces/`, where posts alone are taken (and judged when they are)."""
        return wish.action == "publish" and wish.topic.startswith(ROOT) and not self.takes(wish.topic)

    def may_receive(self, identity: Identity, topic: str) -> bool:
        """What is said in a space reaches those who may browse it."""
        if not topic.startswith(ROOT):
            return True
        name = topic[len(ROOT) :].partition("/")[0]
        if name in self.open:
            return True
        return identity.account_id is not None and name in self.readable.get(identity.account_id, frozenset())

    def takes(self, topic: str) -> bool:
        """`spaces/<name>/post` is a post."""
        return topic.startswith(ROOT) and posted_space(topic) is not None
