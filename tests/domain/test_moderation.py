"""What moderators do, and the record of it, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest

from folkmoot.domain import accounts, conversations, moderation, spaces
from folkmoot.domain.accounts import Actor
from folkmoot.domain.moderation import Acts
from folkmoot.domain.spaces import Rights
from folkmoot.errors import Conflict, Forbidden
from folkmoot.store import Database, Transaction

from .test_conversation import NOW, Town


def again(tx: Transaction, actor: Actor, seconds: int = 0) -> Actor:
    """The same person, asked a while later."""
    return accounts.actor_of_account(tx, actor.account_id or 0, NOW + timedelta(seconds=seconds))


def test_every_act_is_recorded_once_with_names(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        owner, ann = town.owner, town.ann.account_id or 0
        post = town.post(tx, town.ann)
        comment = conversations.reply(tx, town.bob, post.id, "answer", NOW, origin="forum", mail_domain="example.net")
        until = NOW + timedelta(hours=1)
        moderation.remove_message(tx, owner, post.id, True, NOW, "off topic")
        moderation.lock_thread(tx, owner, post.id, True, NOW)
        moderation.stick_thread(tx, owner, post.id, True, NOW)
        moderation.remove_message(tx, owner, comment.id, True, NOW, "rude")
        moderation.ban_from_space(tx, owner, town.space.id, ann, True, NOW, "spam", until)
        moderation.ban(tx, owner, ann, True, NOW, "more spam", until)
        moderation.appoint(tx, owner, town.space.id, town.bob.account_id or 0, True, NOW)
        moderation.appoint_admin(tx, owner, town.bob.account_id or 0, True, NOW)
        moderation.remove_space(tx, owner, town.space.id, True, NOW, "closed", until)
        found = {act: moderation.list_acts(tx, act, 0, 10) for act in Acts}
        assert {act: len(entries) for act, entries in found.items()} == dict.fromkeys(Acts, 1)
        removed = found[Acts.POST_REMOVED][0]
        assert (removed.moderator_name, removed.reason, removed.thread_title, removed.space_name) == (
            *("owner", "off topic"),
            *("Hello", "town"),
        )
        rude = found[Acts.COMMENT_REMOVED][0]
        assert (rude.message_author_id, rude.message_author_name, rude.message_body) == (
            town.bob.account_id, "bob", "answer",
        )  # fmt: skip
        assert found[Acts.SPACE_BANNED][0].expires_at == until
        assert found[Acts.SITE_BANNED][0].account_name == "ann"
        assert moderation.list_acts(tx, Acts.POST_LOCKED, 0, 10, moderator_id=ann) == []
        assert len(moderation.list_acts(tx, Acts.POST_LOCKED, 0, 10, space_id=town.space.id)) == 1
        assert moderation.list_acts(tx, Acts.POST_LOCKED, 1, 10) == []

    database.write_now(play)


def test_bans_end_by_themselves(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        ann = town.ann.account_id or 0
        until = NOW + timedelta(seconds=60)
        moderation.ban_from_space(tx, town.owner, town.space.id, ann, True, NOW, None, until)
        moderation.ban(tx, town.owner, ann, True, NOW, None, until)
        for seconds, may in ((59, False), (60, True)):
            at = NOW + timedelta(seconds=seconds)
            held = spaces.rights(tx, again(tx, town.ann, seconds), town.space, at)
            assert bool(held & Rights.POST) is may
        # The next ban of the space is no second one.
        later = NOW + timedelta(seconds=61)
        moderation.ban_from_space(tx, town.owner, town.space.id, ann, True, later)
        with pytest.raises(Conflict):
            moderation.ban_from_space(tx, town.owner, town.space.id, ann, True, later)
        moderation.ban_from_space(tx, town.owner, town.space.id, ann, False, later)
        assert not spaces.is_banned_from(tx, town.space.id, ann, later)

    database.write_now(play)


def test_who_may_not(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        owner, bob = town.owner.account_id or 0, town.bob.account_id or 0
        post = town.post(tx, town.owner)
        for attempt in (
            lambda: moderation.remove_message(tx, town.ann, post.id, True, NOW),
            lambda: moderation.lock_thread(tx, town.ann, post.id, True, NOW),
            lambda: moderation.ban(tx, town.ann, bob, True, NOW),
            lambda: moderation.ban_from_space(tx, town.ann, town.space.id, bob, True, NOW),
            lambda: moderation.ban_from_space(tx, town.owner, town.space.id, owner, True, NOW),
            lambda: moderation.appoint(tx, town.ann, town.space.id, bob, True, NOW),
            lambda: moderation.appoint_admin(tx, town.ann, bob, True, NOW),
            lambda: moderation.remove_space(tx, town.ann, town.space.id, True, NOW),
            lambda: moderation.give_space(tx, town.ann, town.space.id, bob, NOW),
        ):
            with pytest.raises(Forbidden):
                attempt()
        assert all(moderation.list_acts(tx, act, 0, 10) == [] for act in Acts)

    database.write_now(play)


def test_a_moderator_moderates_but_does_not_remove_the_owner(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        ann, bob = town.ann.account_id or 0, town.bob.account_id or 0
        moderation.give_space(tx, town.owner, town.space.id, ann, NOW)
        assert [each.account_id for each in spaces.list_moderator_standings(tx, town.space.id)] == [
            ann,
            town.owner.account_id,
        ]
        moderation.appoint(tx, town.ann, town.space.id, bob, True, NOW)
        with pytest.raises(Conflict):
            moderation.appoint(tx, town.ann, town.space.id, bob, True, NOW)
        with pytest.raises(Forbidden):
            moderation.appoint(tx, town.bob, town.space.id, ann, False, NOW)
        moderation.appoint(tx, town.bob, town.space.id, bob, False, NOW)
        assert not spaces.is_moderator(tx, town.space.id, bob)

    database.write_now(play)


def test_the_site_and_its_administrators(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        owner, bob = town.owner.account_id or 0, town.bob.account_id or 0
        with pytest.raises(Conflict):
            accounts.set_admin(tx, town.owner, owner, False)
        spaces.create_site(tx, town.owner, "moot", None, NOW)
        moderation.appoint_admin(tx, town.owner, bob, True, NOW)
        with pytest.raises(Forbidden):
            moderation.appoint_admin(tx, again(tx, town.bob), owner, False, NOW)
        assert moderation.give_site(tx, town.owner, bob, NOW).creator_id == bob
        with pytest.raises(Forbidden):
            moderation.give_site(tx, town.owner, owner, NOW)
        edited = spaces.edit_site(tx, town.owner, NOW, name="thing", enable_downvotes=False)
        assert (edited.name, edited.enable_downvotes, edited.open_registration) == ("thing", False, True)

    database.write_now(play)


def test_a_closed_space_takes_nothing_and_is_listed_nowhere(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        moderation.remove_space(tx, town.owner, town.space.id, True, NOW)
        assert tx.value("SELECT listed FROM threads WHERE id = :id", id=post.id) == 0
        with pytest.raises(Forbidden):
            town.post(tx, town.ann)
        moderation.remove_space(tx, town.owner, town.space.id, False, NOW)
        assert tx.value("SELECT listed FROM threads WHERE id = :id", id=post.id) == 1
        with pytest.raises(Forbidden):
            spaces.set_space_deleted(tx, town.ann, town.space.id, True, NOW)
        assert spaces.set_space_deleted(tx, town.owner, town.space.id, True, NOW).deleted

    database.write_now(play)
