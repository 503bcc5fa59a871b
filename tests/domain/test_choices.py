"""One page's worth of choices: every channel of every space, on and off; and the spaces' directory. On both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.domain import accounts, spaces, subscriptions
from folkmoot.domain.accounts import Actor
from folkmoot.errors import Forbidden, NotFound
from folkmoot.events import SubscriptionEnded, SubscriptionStarted
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Town:
    """A square with all faces, a private newsletter, a hidden list, and somebody who reads."""

    def __init__(self, tx: Transaction) -> None:
        owner_id = accounts.register(tx, "owner", None, NOW, address="owner@example.org")
        self.owner: Actor = accounts.actor_of_account(tx, owner_id, NOW)
        self.square = spaces.create_space(tx, self.owner, "square", "Square", None, NOW).id
        spaces.add_forum_face(tx, self.square, "square", 1, False)
        spaces.add_list_face(tx, self.square, owner_id, "square")
        spaces.add_newsletter_face(tx, self.square, "Square", NOW, type="public", optin="double")
        self.inner = spaces.create_space(tx, self.owner, "inner", "Inner circle", None, NOW).id
        spaces.add_newsletter_face(tx, self.inner, "Inner circle", NOW)
        self.hidden = spaces.create_space(tx, self.owner, "hidden", "Hidden", None, NOW).id
        spaces.add_list_face(tx, self.hidden, owner_id, "hidden", "PRIVATE")
        self.reader = accounts.sender(tx, "reader@example.org", "Reader", NOW).id

    def shown(self, tx: Transaction) -> dict[tuple[str, str], tuple[bool, bool]]:
        choices = subscriptions.list_choices(tx, self.reader, NOW)
        return {(each.space.name, each.channel): (each.is_on, each.may_start) for each in choices}


def test_somebody_new_is_offered_what_is_open_to_all(database: Database) -> None:
    def act(tx: Transaction) -> None:
        assert Town(tx).shown(tx) == {
            ("square", "forum"): (False, True),
            ("square", "mail"): (False, True),
            ("square", "newsletter"): (False, True),
        }
        with pytest.raises(NotFound):
            subscriptions.list_choices(tx, 999, NOW)

    database.write_now(act)


def test_channels_are_switched_on_and_off(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        channels = [(town.square, channel) for channel in ("forum", "mail", "newsletter")]
        changed = subscriptions.choose(tx, town.reader, dict.fromkeys(channels, True), NOW)
        assert changed == [(*each, True) for each in channels]
        assert all(is_on for is_on, _ in town.shown(tx).values())
        assert spaces.get_newsletter(tx, town.square).members == {"confirmed": 1}
        assert subscriptions.choose(tx, town.reader, dict.fromkeys(channels, True), NOW) == []
        tx.events.clear()
        subscriptions.choose(tx, town.reader, dict.fromkeys(channels, False), NOW)
        assert tx.events == [SubscriptionEnded(town.reader, *each) for each in channels]
        assert not any(is_on for is_on, _ in town.shown(tx).values())
        assert spaces.get_newsletter(tx, town.square).members == {"unsubscribed": 1}
        tx.events.clear()
        subscriptions.choose(tx, town.reader, {channels[2]: True}, NOW)
        assert isinstance(tx.events[0], SubscriptionStarted)
        assert spaces.get_newsletter(tx, town.square).members == {"confirmed": 1}
        entry = spaces.list_entries(tx, [town.square])[town.square]
        assert (entry.followers, entry.mail_subscribers) == (0, 0)

    database.write_now(act)


def test_what_is_closed_can_be_left_and_not_joined(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        subscriptions.start_membership(tx, town.reader, town.inner, "confirmed", NOW)
        subscriptions.start(tx, town.reader, town.hidden, "mail", NOW)
        shown = town.shown(tx)
        assert shown["inner", "newsletter"] == (True, False) and shown["hidden", "mail"] == (True, False)
        wanted = {(town.inner, "newsletter"): False, (town.hidden, "mail"): False}
        assert len(subscriptions.choose(tx, town.reader, wanted, NOW)) == 2
        assert town.shown(tx)["inner", "newsletter"] == (False, False)
        with pytest.raises(Forbidden):
            subscriptions.choose(tx, town.reader, {(town.inner, "newsletter"): True}, NOW)
        # What is not offered is not there.
        assert subscriptions.choose(tx, town.reader, {(town.hidden, "mail"): True}, NOW) == []

    database.write_now(act)


def test_a_suspended_account_can_only_leave(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        account_id = accounts.register(tx, "gone", None, NOW, address="gone@example.org")
        subscriptions.start(tx, account_id, town.square, "mail", NOW)
        accounts.suspend(tx, "gone", NOW)
        choices = subscriptions.list_choices(tx, account_id, NOW)
        assert [(each.channel, each.is_on, each.may_start) for each in choices] == [("mail", True, False)]
        assert subscriptions.choose(tx, account_id, {(town.square, "mail"): False}, NOW)

    database.write_now(act)


def test_unsubscribing_twice_does_no_harm(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        subscriptions.start(tx, town.reader, town.square, "mail", NOW)
        subscriptions.start_membership(tx, town.reader, town.square, "unconfirmed", NOW)
        for channel in ("mail", "newsletter"):
            assert subscriptions.unsubscribe(tx, town.reader, town.square, channel, NOW)
            assert not subscriptions.unsubscribe(tx, town.reader, town.square, channel, NOW)
        assert not subscriptions.unsubscribe(tx, town.reader, town.inner, "newsletter", NOW)
        assert spaces.get_newsletter(tx, town.square).members == {"unsubscribed": 1}

    database.write_now(act)


def test_everything_can_be_ended_at_once(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        subscriptions.start(tx, town.reader, town.square, "mail", NOW)
        subscriptions.start(tx, town.reader, town.square, "forum", NOW)
        subscriptions.start_membership(tx, town.reader, town.inner, "confirmed", NOW)
        assert subscriptions.unsubscribe_all(tx, town.reader, NOW) == 3
        assert subscriptions.unsubscribe_all(tx, town.reader, NOW) == 0

    database.write_now(act)


def test_everything_can_be_ended_in_pieces(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        subscriptions.start(tx, town.reader, town.square, "mail", NOW)
        subscriptions.start_membership(tx, town.reader, town.square, "confirmed", NOW)
        subscriptions.start_membership(tx, town.reader, town.inner, "confirmed", NOW)
        # What is begun meanwhile stays.
        later = subscriptions.start(tx, town.reader, town.square, "forum", NOW + timedelta(seconds=1))
        assert subscriptions.unsubscribe_some(tx, town.reader, NOW, NOW, most=2)
        assert not subscriptions.unsubscribe_some(tx, town.reader, NOW, NOW, most=2)
        held = subscriptions.list_of_account(tx, town.reader)
        assert [each.id for each in held if each.channel != "newsletter"] == [later.id]
        assert spaces.get_newsletter(tx, town.square).members == {"unsubscribed": 1}

    database.write_now(act)


def test_the_directory_shows_what_anybody_may_see(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        quiet = spaces.create_space(tx, town.owner, "quiet", "Quiet", None, NOW)
        spaces.add_forum_face(tx, quiet.id, "quiet", 1, True)
        found = spaces.list_directory(tx, 10)
        assert [(each.name, each.list_path, each.forum_name) for each in found] == [
            ("square", "~owner/square", "square")
        ]
        subscriptions.start(tx, town.reader, town.square, "mail", NOW)
        subscriptions.start_membership(tx, town.reader, town.square, "confirmed", NOW)
        totals = spaces.count_community(tx)
        assert (totals.people, totals.spaces, totals.messages, totals.subscriptions) == (1, 4, 0, 2)

    database.write_now(act)
