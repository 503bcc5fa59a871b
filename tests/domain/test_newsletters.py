"""Lists of the newsletter: made, changed, listed, taken away; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.domain import accounts, spaces, subscriptions
from folkmoot.domain.accounts import Actor
from folkmoot.domain.spaces import NewsletterChange, NewsletterFilter
from folkmoot.errors import Forbidden, Invalid, NotFound
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def program(tx: Transaction) -> Actor:
    account_id = accounts.register(tx, "api_user", None, NOW, is_program=True)
    return accounts.actor_of_account(tx, account_id, NOW)


def make(tx: Transaction, actor: Actor, name: str, at: datetime = NOW, **more: object) -> int:
    change = NewsletterChange(name=name, **more)  # type: ignore[arg-type]
    return spaces.create_newsletter(tx, actor, change, at).face.space_id


def names(tx: Transaction, **chosen: object) -> list[str]:
    found = spaces.list_newsletters(tx, NewsletterFilter(**chosen))  # type: ignore[arg-type]
    return [each.face.name for each in found]


def test_a_list_is_a_space_with_defaults(database: Database) -> None:
    def act(tx: Transaction) -> None:
        made = spaces.create_newsletter(
            tx, program(tx), NewsletterChange(name="Weekly  News", tags=(" big  news", "", "a", "a")), NOW
        )
        face = made.face
        assert (face.type, face.optin, face.status, face.description) == ("private", "single", "active", "")
        assert made.tags == ("big-news", "a") and made.members == {}
        space = spaces.get_space(tx, face.space_id)
        assert (space.title, space.name) == ("Weekly News", "weekly-news")

    database.write_now(act)


@pytest.mark.parametrize(
    "wanted",
    [
        NewsletterChange(),
        NewsletterChange(name="  "),
        NewsletterChange(name="x" * 2001),
        NewsletterChange(name="n", type="secret"),
        NewsletterChange(name="n", optin="triple"),
        NewsletterChange(name="n", status="asleep"),
        NewsletterChange(name="n", tags=("t" * 101,)),
        NewsletterChange(name="n", description="d" * 10_001),
    ],
)
def test_bad_values_are_refused(database: Database, wanted: NewsletterChange) -> None:
    with pytest.raises(Invalid):
        database.write_now(lambda tx: spaces.create_newsletter(tx, program(tx), wanted, NOW))


def test_only_what_is_given_changes(database: Database) -> None:
    later = NOW + timedelta(hours=1)

    def act(tx: Transaction) -> None:
        actor = program(tx)
        space_id = make(tx, actor, "First", description="about", tags=("a", "b"))
        changed = spaces.edit_newsletter(tx, actor, space_id, NewsletterChange(name="Second", optin="double"), later)
        face = changed.face
        assert (face.name, face.optin, face.type, face.description) == ("Second", "double", "private", "about")
        assert changed.tags == ("a", "b")
        assert (face.created_at, face.updated_at) == (NOW, later)
        assert spaces.get_space(tx, space_id).title == "Second"
        assert spaces.edit_newsletter(tx, actor, space_id, NewsletterChange(tags=()), later).tags == ()
        with pytest.raises(NotFound):
            spaces.edit_newsletter(tx, actor, space_id + 1, NewsletterChange(name="x"), later)

    database.write_now(act)


def test_a_banned_program_changes_nothing(database: Database) -> None:
    def act(tx: Transaction) -> None:
        actor = program(tx)
        space_id = make(tx, actor, "First")
        banned = Actor(actor.account_id, actor.name, is_banned=True)
        with pytest.raises(Forbidden):
            make(tx, banned, "Second")
        with pytest.raises(Forbidden):
            spaces.edit_newsletter(tx, banned, space_id, NewsletterChange(name="x"), NOW)
        with pytest.raises(Forbidden):
            subscriptions.close_newsletters(tx, banned, [space_id])

    database.write_now(act)


def test_filters_narrow_and_orders_order(database: Database) -> None:
    def act(tx: Transaction) -> None:
        actor = program(tx)
        town = make(tx, actor, "Town news", at=NOW, tags=("a", "b"), type="public")
        make(tx, actor, "100% town_hall", at=NOW + timedelta(1), tags=("a",), optin="double")
        make(tx, actor, "ärger", at=NOW + timedelta(2), status="archived")
        for number in range(3):
            member = accounts.sender(tx, f"p{number}@example.org", "", NOW)
            subscriptions.start_membership(tx, member.id, town, "unconfirmed" if number else "confirmed", NOW)
        assert names(tx) == ["ärger", "100% town_hall", "Town news"]
        assert names(tx, order_by="created_at", descending=False)[0] == "Town news"
        assert names(tx, order_by="subscriber_count")[0] == "Town news"
        assert names(tx, order_by="name", descending=False)[0] == "100% town_hall"
        assert names(tx, words=("TOWN",)) == ["100% town_hall", "Town news"]
        assert names(tx, words=("ÄRG",)) == ["ärger"]
        assert names(tx, words=("0%",)) == ["100% town_hall"]
        assert names(tx, words=("n_h",)) == ["100% town_hall"]
        assert names(tx, words=("n_w",)) == []
        assert names(tx, words=("\\",)) == []
        assert names(tx, tags=("a",)) == ["100% town_hall", "Town news"]
        assert names(tx, tags=("a", "b")) == ["Town news"]
        assert names(tx, statuses=("active",), optins=("double",)) == ["100% town_hall"]
        assert names(tx, types=("public", "temporary")) == ["Town news"]
        assert names(tx, permitted=frozenset({town})) == ["Town news"]
        assert names(tx, permitted=frozenset()) == []
        assert names(tx, most=1, skip=1) == ["100% town_hall"]
        assert spaces.count_newsletters(tx, NewsletterFilter(tags=("a",), most=1, skip=5)) == 2
        assert spaces.get_newsletter(tx, town).members == {"confirmed": 1, "unconfirmed": 2}
        assert [face.name for face in spaces.list_public_newsletters(tx)] == ["Town news"]

    database.write_now(act)


def test_a_search_for_deletion_matches_whole_words(database: Database) -> None:
    def act(tx: Transaction) -> None:
        actor = program(tx)
        town = make(tx, actor, "Town, weekly")
        make(tx, actor, "Townsfolk weekly")
        assert spaces.match_newsletters(tx, "TOWN weekly", None) == [town]
        assert spaces.match_newsletters(tx, "town", frozenset()) == []
        assert spaces.match_newsletters(tx, " !! ", None) == []
        with pytest.raises(Invalid):
            spaces.match_newsletters(tx, " ".join(str(n) for n in range(51)), None)

    database.write_now(act)


def test_taking_a_list_away_leaves_a_space_with_another_face(database: Database) -> None:
    def act(tx: Transaction) -> None:
        actor = program(tx)
        alone, shared = make(tx, actor, "Alone"), make(tx, actor, "Shared", tags=("t",))
        spaces.add_forum_face(tx, shared, "shared", 1, False)
        reader = accounts.sender(tx, "reader@example.org", "", NOW)
        for space_id in (alone, shared):
            subscriptions.start_membership(tx, reader.id, space_id, "confirmed", NOW)
        subscriptions.start(tx, reader.id, shared, "forum", NOW)
        subscriptions.close_newsletters(tx, actor, [alone, shared, 999])
        assert spaces.find_space(tx, alone) is None
        assert spaces.find_space(tx, shared) is not None and spaces.get_newsletter_face(tx, shared) is None
        assert [each.channel for each in subscriptions.list_of_account(tx, reader.id)] == ["forum"]
        assert accounts.find_account(tx, reader.id) is not None
        # The face can come back, without what it had.
        spaces.add_newsletter_face(tx, shared, "Shared", NOW)
        again = spaces.get_newsletter(tx, shared)
        assert (again.tags, again.members) == ((), {})

    database.write_now(act)


def test_lists_are_taken_away_by_name_within_what_is_permitted(database: Database) -> None:
    def act(tx: Transaction) -> None:
        actor = program(tx)
        red, blue, other = (make(tx, actor, name) for name in ("Red news", "Blue news", "Other"))
        subscriptions.close_newsletters_named(tx, actor, "news", frozenset({red}))
        assert names(tx, order_by="id", descending=False) == ["Blue news", "Other"]
        subscriptions.close_newsletters_named(tx, actor, None, frozenset({blue}))
        assert names(tx) == ["Other"]
        subscriptions.close_newsletters_named(tx, actor, None, None)
        assert names(tx) == [] and spaces.find_space(tx, other) is None

    database.write_now(act)
