"""Answers, mentions, saved messages and private messages, on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from folkmoot.domain import accounts, conversations, inbox, moderation, spaces
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import Message, Order
from folkmoot.domain.spaces import Rights
from folkmoot.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from folkmoot.events import PrivateMessageSent
from folkmoot.store import Database, Transaction, log

from .test_conversation import NOW, Town


def answer(tx: Transaction, actor: Actor, parent: Message, body: str, seconds: int = 0) -> Message:
    at = NOW + timedelta(seconds=seconds)
    return conversations.reply(tx, actor, parent.id, body, at, origin="forum", mail_domain="example.net")


def received(tx: Transaction, actor: Actor, order: Order = Order.NEW, **options: Any) -> list[int]:
    options.setdefault("unread_only", False)
    return [each.message_id for each in inbox.list_received(tx, actor, order, None, 0, 10, NOW, **options)]


def mentioned(tx: Transaction, actor: Actor, unread_only: bool = False) -> list[int]:
    found = inbox.list_mentions(tx, actor, Order.NEW, None, 0, 10, NOW, unread_only=unread_only)
    return [each.message_id for each in found]


def test_an_answer_is_for_who_was_answered(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        own = answer(tx, town.ann, post, "to myself")
        first = answer(tx, town.bob, post, "to the post", 1)
        second = answer(tx, town.ann, first, "to the comment", 2)
        mail = town.mail(tx, "carol@example.org", "<m@x>", answers=None)
        assert mail is not None
        assert received(tx, town.ann) == [first.id]
        assert received(tx, town.bob) == [second.id]
        assert own.id not in received(tx, town.ann)
        inbox.mark_answer(tx, town.ann, first.id, True)
        assert received(tx, town.ann, unread_only=True) == []
        assert conversations.get_answer(tx, first.id, None, NOW).is_read
        with pytest.raises(Forbidden):
            inbox.mark_answer(tx, town.bob, first.id, False)
        moderation.remove_message(tx, town.owner, second.id, True, NOW)
        assert received(tx, town.bob) == []

    database.write_now(play)


def test_a_mail_that_answers_a_post_is_in_the_inbox_too(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        mail_id = tx.value("SELECT mail_id FROM mails WHERE message_id = :id", id=post.id)
        said = town.mail(tx, "bob@example.org", "<reply@x>", answers=mail_id)
        assert said is not None
        assert received(tx, town.ann) == [said.id]

    database.write_now(play)


def test_the_best_answer_comes_first_when_asked(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        good = answer(tx, town.bob, post, "good", 1)
        late = answer(tx, town.bob, post, "late", 2)
        tx.run("UPDATE scores SET upvotes = 9 WHERE message_id = :id", id=good.id)
        assert received(tx, town.ann, Order.TOP) == [good.id, late.id]
        assert received(tx, town.ann, Order.HOT) == [late.id, good.id]

    database.write_now(play)


def test_mentions_have_a_hot_order_of_their_own(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        hour = 3600
        # 10000 * log10(score + 3) / (hours + 2) ** 1.8 is 833, 170, 68, and 0 for the others, which come by birth.
        named = {
            (hours, score): answer(tx, town.ann, post, "for @bob", -hours * hour).id
            for hours, score in ((1500, 1), (1000, 2000), (999, 1), (250, 1), (24, 1_000_000), (10, 1), (1, 1))
        }
        for (_, score), comment in named.items():
            tx.run("UPDATE scores SET upvotes = :score WHERE message_id = :id", score=score, id=comment)
        hot = [named[each] for each in ((1, 1), (24, 1_000_000), (10, 1), (250, 1), (999, 1), (1000, 2000), (1500, 1))]
        for skip, most in ((0, 10), (0, 2), (2, 3), (3, 10), (6, 1), (7, 5)):
            found = inbox.list_mentions(tx, town.bob, Order.HOT, None, skip, most, NOW, unread_only=False)
            assert [each.message_id for each in found] == hot[skip : skip + most], (skip, most)

    database.write_now(play)


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ("/u/bob look", ["bob"]),
        ("see [@bob](/u/bob) and @owner", ["bob", "owner"]),
        ("@bob, @bob", ["bob"]),
        ("mail bob@owner.org", []),
        ("@nobody_here", []),
        ("@Bob", []),
        ("@ann writes to herself", []),
        ("x/u/bob", ["bob"]),
    ],
)
def test_who_is_named(database: Database, body: str, names: list[str]) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        comment = answer(tx, town.ann, post, body)
        people = {"bob": town.bob, "owner": town.owner, "ann": town.ann}
        assert sorted(name for name, actor in people.items() if mentioned(tx, actor) == [comment.id]) == sorted(names)

    database.write_now(play)


def test_a_mention_is_made_once_and_has_a_mark_of_its_own(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        comment = answer(tx, town.ann, post, "hi @bob")
        conversations.edit(tx, town.ann, comment.id, NOW, body="hi @bob and @owner")
        conversations.edit(tx, town.ann, comment.id, NOW, body="hi")
        assert mentioned(tx, town.bob) == mentioned(tx, town.owner) == [comment.id]
        (mention,) = inbox.list_mentions(tx, town.bob, Order.NEW, None, 0, 10, NOW, unread_only=True)
        with pytest.raises(Forbidden):
            inbox.mark_mention(tx, town.owner, mention.id, True)
        assert inbox.mark_mention(tx, town.bob, mention.id, True).is_read
        assert mentioned(tx, town.bob, unread_only=True) == []
        assert mentioned(tx, town.owner, unread_only=True) == [comment.id]
        with pytest.raises(NotFound):
            inbox.mark_mention(tx, town.bob, 99, True)

    database.write_now(play)


def test_recipients_are_those_named_and_then_who_was_answered(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        comment = answer(tx, town.bob, post, "@owner @ann @bob")
        assert conversations.list_recipients(tx, comment) == [town.ann.account_id, town.owner.account_id]
        plain = answer(tx, town.bob, post, "plain")
        assert conversations.list_recipients(tx, plain) == [town.ann.account_id]

    database.write_now(play)


def test_the_inbox_forgets_where_one_may_not_look_any_more(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        comment = answer(tx, town.bob, post, "for @ann")
        assert received(tx, town.ann) == mentioned(tx, town.ann) == [comment.id]
        nothing = Rights.NONE
        spaces.edit_list_audiences(tx, town.owner, town.space.id, nothing, nothing, nothing, NOW)
        assert received(tx, town.ann) == mentioned(tx, town.ann) == []

    database.write_now(play)


def test_saving(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        comment = answer(tx, town.bob, post, "x")
        viewer = town.bob.account_id or 0
        inbox.save(tx, town.bob, post.id, NOW)
        inbox.save(tx, town.bob, comment.id, NOW + timedelta(seconds=1))
        assert inbox.list_saved_ids(tx, viewer) == [comment.id, post.id]
        assert conversations.get_thread_entry(tx, post.id, viewer, NOW).is_saved
        assert conversations.get_answer(tx, comment.id, viewer, NOW).is_saved
        assert not conversations.get_thread_entry(tx, post.id, town.ann.account_id, NOW).is_saved
        with pytest.raises(Conflict):
            inbox.save(tx, town.bob, post.id, NOW)
        inbox.unsave(tx, town.bob, post.id)
        inbox.unsave(tx, town.bob, post.id)
        assert inbox.list_saved_ids(tx, viewer) == [comment.id]
        with pytest.raises(NotFound):
            inbox.save(tx, town.bob, 99, NOW)

    database.write_now(play)


def test_private_messages(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        ann, bob = town.ann.account_id or 0, town.bob.account_id or 0
        first = inbox.send(tx, town.ann, bob, "hello", NOW)
        second = inbox.send(tx, town.bob, ann, "hi", NOW + timedelta(seconds=1))
        assert (first.author_label, first.recipient_label, first.is_read) == ("ann", "bob", False)
        assert [each.id for each in inbox.list_private_messages(tx, ann, 0, 10, False)] == [second.id, first.id]
        assert [each.id for each in inbox.list_private_messages(tx, ann, 0, 10, True)] == [second.id]
        assert inbox.list_private_messages(tx, town.owner.account_id or 0, 0, 10, False) == []
        for actor, change in (
            (town.bob, {"body": "x"}),
            (town.bob, {"deleted": True}),
            (town.ann, {"read": True}),
        ):
            with pytest.raises(Forbidden):
                inbox.edit_private_message(tx, actor, first.id, NOW, **change)
        with pytest.raises(NotFound):
            inbox.edit_private_message(tx, town.owner, first.id, NOW, body="x")
        # Who got it and says that he read it changes nothing else.
        read = inbox.edit_private_message(tx, town.bob, first.id, NOW, read=True, body="changed", deleted=True)
        assert (read.is_read, read.body, read.deleted, read.updated_at) == (True, "hello", False, None)
        edited = inbox.edit_private_message(tx, town.ann, first.id, NOW, body="bye")
        assert (edited.body, edited.updated_at) == ("bye", NOW)
        inbox.edit_private_message(tx, town.ann, first.id, NOW, deleted=True)
        assert [each.id for each in inbox.list_private_messages(tx, bob, 0, 10, False)] == [second.id]
        with pytest.raises(Invalid):
            inbox.send(tx, town.ann, bob, "x" * 10_001, NOW)
        with pytest.raises(NotFound):
            inbox.send(tx, town.ann, 99, "x", NOW)
        moderation.ban(tx, town.owner, ann, True, NOW)
        with pytest.raises(Forbidden):
            inbox.send(tx, accounts.actor_of_account(tx, ann, NOW), bob, "x", NOW)
        with pytest.raises(Unauthenticated):
            inbox.send(tx, accounts.ANONYMOUS, bob, "x", NOW)

    database.write_now(play)
    events = [each.event for each in database.read_now(log.after, 0, 1000)]
    assert sum(isinstance(each, PrivateMessageSent) for each in events) == 2


def test_mark_all(database: Database) -> None:
    def play(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        answer(tx, town.bob, post, "for @ann")
        inbox.send(tx, town.bob, town.ann.account_id or 0, "hi", NOW)
        inbox.mark_all(tx, town.ann)
        assert received(tx, town.ann, unread_only=True) == mentioned(tx, town.ann, unread_only=True) == []
        assert inbox.list_private_messages(tx, town.ann.account_id or 0, 0, 10, True) == []

    database.write_now(play)
