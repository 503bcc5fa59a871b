"""What the community lets MQTT clients do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from folkmoot.domain import accounts, spaces
from folkmoot.domain.authorization import (
    CommunityLaw,
    messages_topic,
    open_spaces,
    posted_space,
    readable_spaces,
)
from folkmoot.domain.broker import Identity, Wish
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOBODY, ADA, ADMIN = Identity(), Identity(1, "ada"), Identity(2, "admin")


def law() -> CommunityLaw:
    made = CommunityLaw()
    made.open = frozenset({"square"})
    made.readable = {1: frozenset({"square", "closed"}), 2: frozenset({"square", "closed", "other"})}
    return made


@pytest.mark.parametrize(
    ("topic", "allowed", "taken"),
    [
        ("spaces/square/messages", False, False),
        ("spaces/square/post", True, True),
        ("spaces/square/post/more", False, False),
        ("spaces//post", False, False),
        ("spaces/post", False, False),
        ("town/weather", True, False),
        ("spacesuit", True, False),
    ],
)
def test_where_clients_may_publish(topic: str, allowed: bool, taken: bool) -> None:
    assert law().forbids(Wish("publish", topic)) is not allowed
    assert law().takes(topic) is taken


def test_what_is_said_in_a_space_reaches_those_who_may_read_it() -> None:
    made = law()
    expected = {"square": (True, True, True), "closed": (False, True, True), "other": (False, False, True)}
    for name, answers in expected.items():
        topic = messages_topic(name)
        assert tuple(made.may_receive(who, topic) for who in (NOBODY, ADA, ADMIN)) == answers
    assert made.may_receive(NOBODY, "town/weather")
    assert not made.forbids(Wish("subscribe", "spaces/closed/#")), "a refusal would tell that it exists"


def test_the_name_of_the_space_in_a_topic() -> None:
    assert posted_space("spaces/town_square/post") == "town_square"
    assert posted_space("spaces/town_square/messages") is None


def test_the_names_come_from_the_spaces_permissions(database: Database) -> None:
    def act(tx: Transaction) -> None:
        owner = accounts.actor_of_account(tx, accounts.register(tx, "owner", None, NOW), NOW)
        other = accounts.register(tx, "other", None, NOW)
        for name in ("public", "private"):
            space = spaces.create_space(tx, owner, name, name, None, NOW)
            spaces.add_list_face(tx, space.id, space.owner_id, name, "PRIVATE" if name == "private" else "PUBLIC")
        bare = spaces.create_space(tx, owner, "letter", "Letter", None, NOW)
        spaces.add_newsletter_face(tx, bare.id, "Letter", NOW, type="private")
        assert open_spaces(tx, NOW) == {"public"}
        assert readable_spaces(tx, other, NOW) == {"public"}
        assert readable_spaces(tx, owner.account_id or 0, NOW) == {"public", "private", "letter"}
        accounts.suspend(tx, "owner", NOW)
        assert readable_spaces(tx, owner.account_id or 0, NOW) == frozenset()

    database.write_now(act)
