"""Lists and their archives in the domain: who finds which list, totals, orders, exports; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from folkmoot.domain import accounts, conversations, spaces
from folkmoot.domain.accounts import ANONYMOUS, Actor
from folkmoot.domain.conversations import ArchivedMessage, Letterhead
from folkmoot.domain.spaces import MailingList, Rights
from folkmoot.errors import NotFound
from folkmoot.store import Database, SqliteEngine, Transaction, migrate

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PAPER = Letterhead("example.net", "https://example.net")


def person(tx: Transaction, name: str) -> Actor:
    return accounts.actor_of_account(tx, accounts.register(tx, name, None, NOW, address=f"{name}@example.org"), NOW)


def post(tx: Transaction, actor: Actor, face: MailingList, title: str, minutes: int = 0) -> int:
    at = NOW + timedelta(minutes=minutes)
    return conversations.post(tx, actor, face.id, title, "text", at, origin="forum", mail_domain="example.net").id


def answer(tx: Transaction, actor: Actor, parent_id: int, minutes: int = 0) -> int:
    at = NOW + timedelta(minutes=minutes)
    return conversations.reply(tx, actor, parent_id, "yes", at, origin="forum", mail_domain="example.net").id


def test_who_finds_which_list(database: Database) -> None:
    def act(tx: Transaction) -> None:
        ann, bob, eve = person(tx, "ann"), person(tx, "bob"), person(tx, "eve")
        made = {
            name: spaces.create_mailing_list(tx, ann, name, None, NOW)
            for name in ("open", "mute", "unlisted", "private", "removed")
        }
        none = Rights.NONE
        spaces.edit_list_audiences(tx, ann, made["mute"].id, none, none, none, NOW)
        for name in ("unlisted", "private"):
            tx.run("UPDATE list_faces SET visibility = :word WHERE space_id = :id", word=name.upper(), id=made[name].id)
        tx.run("UPDATE spaces SET removed = :yes WHERE id = :id", yes=True, id=made["removed"].id)
        assert eve.account_id is not None and ann.account_id is not None
        spaces.add_moderator(tx, made["private"].id, eve.account_id, NOW)

        def found_by(viewer: Actor) -> list[str]:
            assert ann.account_id is not None
            found = [each.name for each in spaces.list_mailing_lists_of(tx, ann.account_id, viewer, 10)]
            assert spaces.count_mailing_lists_of(tx, ann.account_id, viewer) == len(found)
            return found

        assert found_by(ann) == ["private", "unlisted", "mute", "open"]
        assert found_by(bob) == found_by(ANONYMOUS) == ["open"]
        assert found_by(eve) == ["private", "open"]
        assert [each.name for each in spaces.list_public_mailing_lists(tx, 10)] == ["open"]
        assert spaces.find_mailing_list(tx, "ANN", "Open") == spaces.get_mailing_list(tx, made["open"].id)
        assert spaces.find_mailing_list(tx, "ann", "removed") is None
        with pytest.raises(NotFound):
            spaces.get_visible_mailing_list(tx, bob, "ann", "private", NOW)
        assert spaces.get_visible_mailing_list(tx, bob, "ann", "mute", NOW)[1] == Rights.NONE
        assert spaces.get_visible_mailing_list(tx, eve, "ann", "private", NOW)[1] == Rights.ALL

    database.write_now(act)


def test_totals_follow_what_is_hidden(database: Database) -> None:
    def act(tx: Transaction) -> None:
        ann = person(tx, "ann")
        face = spaces.create_mailing_list(tx, ann, "engines", None, NOW)
        roots = [post(tx, ann, face, f"Post {number}") for number in range(3)]
        answers = [answer(tx, ann, roots[0]), answer(tx, ann, roots[1])]

        def totals() -> tuple[int, int, int]:
            assert ann.account_id is not None
            shown = conversations.list_archived(tx, face.id, 50)
            assert conversations.count_archived_of(tx, ann.account_id, None) == len(shown)
            assert conversations.list_archived_ids(tx, face.id) == sorted(each.id for each in shown)
            return (
                len(shown),
                conversations.count_archived(tx, face.id),
                conversations.count_archived_roots(tx, face.id),
            )

        assert totals() == (5, 5, 3)
        conversations.set_deleted(tx, ann, answers[0], True, NOW)
        assert totals() == (4, 4, 3)
        conversations.set_removed(tx, ann, roots[1], True, NOW)
        assert totals() == (2, 2, 2)
        conversations.set_removed(tx, ann, answers[1], True, NOW)
        assert totals() == (2, 2, 2)
        conversations.set_removed(tx, ann, roots[1], False, NOW)
        assert totals() == (3, 3, 3)
        with pytest.raises(NotFound):
            conversations.get_archived(tx, answers[1])

    database.write_now(act)


def test_orders_of_threads_and_answers(database: Database) -> None:
    def act(tx: Transaction) -> None:
        ann = person(tx, "ann")
        face = spaces.create_mailing_list(tx, ann, "engines", None, NOW)
        first, second = post(tx, ann, face, "First"), post(tx, ann, face, "Second", 1)
        late = answer(tx, ann, first, 9)
        early = answer(tx, ann, first, 2)
        deep = answer(tx, ann, early, 10)
        assert [each.id for each in conversations.list_archived_roots(tx, face.id, 10)] == [first, second]
        assert [each.id for each in conversations.list_archived_roots(tx, face.id, 1, 1)] == [second]
        thread = conversations.list_archived_thread(tx, first)
        assert [each.id for each in thread] == [first, early, late, deep]
        assert [each.id for each in conversations.order_by_answer(thread)] == [first, early, deep, late]
        assert (thread[0].replies, thread[0].participants, thread[1].replies, thread[1].participants) == (3, 1, 0, 1)
        # What answers a hidden message hangs on the root.
        conversations.set_removed(tx, ann, early, True, NOW)
        thread = conversations.list_archived_thread(tx, first)
        assert [each.id for each in conversations.order_by_answer(thread)] == [first, late, deep]
        with pytest.raises(NotFound):
            conversations.list_archived_thread(tx, late)

    database.write_now(act)


def test_answers_in_a_circle_are_each_shown_once() -> None:
    def message(number: int, parent_id: int | None) -> ArchivedMessage:
        return ArchivedMessage(
            number, 1, 1, parent_id, 1, None, "", NOW, f"<{number}>", "", "", False, False, 0, 0, NOW
        )

    thread = [message(1, None), message(2, 3), message(3, 2), message(4, 1)]
    assert [each.id for each in conversations.order_by_answer(thread)] == [1, 4, 2, 3]


def test_a_message_has_bytes_whatever_door_it_came_through(database: Database) -> None:
    def act(tx: Transaction) -> None:
        ann = person(tx, "ann")
        face = spaces.create_mailing_list(tx, ann, "engines", None, NOW)
        born_here = post(tx, ann, face, "Hello")
        made = conversations.read_mail(tx, PAPER, born_here)
        assert made == conversations.read_mail(tx, PAPER, born_here)
        assert b"From: ann via engines <~ann/engines@example.net>\r\n" in made and b"ann@example.org" not in made

    database.write_now(act)


def test_long_pages_are_found_by_key(database: Database) -> None:
    def act(tx: Transaction) -> None:
        ann = person(tx, "ann")
        face = spaces.create_mailing_list(tx, ann, "engines", None, NOW)
        ids = [post(tx, ann, face, f"Post {number}") for number in range(5)]
        assert [each.id for each in conversations.list_archived(tx, face.id, 2)] == [ids[4], ids[3]]
        assert [each.id for each in conversations.list_archived(tx, face.id, 2, ids[2])] == [ids[2], ids[1]]
        assert conversations.list_archived_ids(tx, face.id, NOW + timedelta(minutes=1)) == []

    database.write_now(act)


def test_totals_do_not_read_what_is_shown(tmp_path: Path) -> None:
    engine = SqliteEngine(tmp_path / "community.db")
    migrate(engine, "community")
    database = Database(engine)
    database.open()

    def act(tx: Transaction) -> int:
        owner = person(tx, "owner")
        space = spaces.create_space(tx, owner, "town", "Town", None, NOW)
        spaces.add_list_face(tx, space.id, owner.account_id or 0, "town")
        for number in range(300):
            top = conversations.post(tx, owner, space.id, f"t{number}", "", NOW, origin="forum", mail_domain="d")
        conversations.set_deleted(tx, owner, top.id, True, NOW)
        return space.id

    try:
        space_id = database.write_now(act)
    finally:
        database.close()
    connection = engine.connect(read_only=True)
    tx, steps = engine.transaction(connection), [0]

    def count() -> None:
        steps[0] += 1

    connection.set_progress_handler(count, 1)
    assert conversations.count_archived(tx, space_id) == conversations.count_archived_roots(tx, space_id) == 299
    assert steps[0] < 300
    connection.close()
