"""One conversation through all doors of the domain, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.domain import accounts, conversations, spaces, subscriptions, votes
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import Arrival, Message
from folkmoot.domain.spaces import Rights, Space
from folkmoot.errors import Forbidden, Invalid, NotFound
from folkmoot.events import MessagePosted
from folkmoot.store import Database, Transaction, log

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Town:
    """A space with forum and list face, its owner, and two who live there."""

    def __init__(self, tx: Transaction) -> None:
        self.owner = self._person(tx, "owner", is_admin=True)
        self.ann = self._person(tx, "ann")
        self.bob = self._person(tx, "bob")
        self.space: Space = spaces.create_space(tx, self.owner, "town", "Town", None, NOW)
        spaces.add_forum_face(tx, self.space.id, "town", 1, False)
        spaces.add_list_face(tx, self.space.id, self.space.owner_id, "town")

    def _person(self, tx: Transaction, name: str, is_admin: bool = False) -> Actor:
        account_id = accounts.register(tx, name, None, NOW, address=f"{name}@example.org", is_admin=is_admin)
        return accounts.actor_of_account(tx, account_id, NOW)

    def post(self, tx: Transaction, actor: Actor, title: str = "Hello", at: datetime = NOW) -> Message:
        return conversations.post(
            tx, actor, self.space.id, title, "body", at, origin="forum", mail_domain="example.net"
        )

    def mail(
        self, tx: Transaction, sender: str, mail_id: str, answers: str | None = None, references: tuple[str, ...] = ()
    ) -> Message | None:
        account = accounts.sender(tx, sender, "", NOW)
        arrival = Arrival(
            mail_id,
            answers,
            references,
            f"mail {mail_id}",
            "text",
            sender,
            "",
            NOW,
            NOW,
            False,
            False,
            b"raw " + mail_id.encode(),
        )
        return conversations.receive(tx, account, self.space, arrival)


def test_a_post_an_answer_by_mail_and_a_comment_are_one_thread(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        view = conversations.get_view(tx, post.id)
        assert view.mail_id.endswith("@example.net>") and not view.has_original
        answer = town.mail(tx, "carol@elsewhere.org", "<1@elsewhere>", view.mail_id)
        assert answer is not None and answer.thread_id == post.id and answer.parent_id == post.id
        comment = conversations.reply(tx, town.bob, answer.id, "and I", NOW, origin="forum", mail_domain="example.net")
        assert comment.subject == "Re: Hello"
        assert conversations.get_view(tx, comment.id).in_reply_to == "<1@elsewhere>"
        assert conversations.find_original(tx, answer.id) == b"raw <1@elsewhere>"
        thread = conversations.get_thread(tx, post.id)
        assert (thread.replies, thread.participants, thread.score) == (2, 3, 1)
        assert [v.id for v in conversations.list_thread_views(tx, post.id)] == [post.id, answer.id, comment.id]
        assert conversations.get_view(tx, answer.id).author_label == "carol"

    database.write_now(act)
    posted = [r.event for r in database.read_now(log.after, 0) if isinstance(r.event, MessagePosted)]
    assert [event.origin for event in posted] == ["forum", "mail", "forum"]


def test_a_duplicate_mail_is_dropped(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        assert town.mail(tx, "a@b.org", "<x@y>") is not None
        assert town.mail(tx, "a@b.org", "<x@y>") is None

    database.write_now(act)


def test_a_parent_that_comes_late_gathers_its_children(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        child = town.mail(tx, "a@b.org", "<child@x>", "<parent@x>")
        grandchild = town.mail(tx, "c@b.org", "<grandchild@x>", "<child@x>")
        inferred = town.mail(tx, "d@b.org", "<inferred@x>", "<parent@x>", references=("<child@x>",))
        assert child and grandchild and inferred
        assert inferred.parent_id == child.id
        parent = town.mail(tx, "e@b.org", "<parent@x>")
        assert parent is not None
        children = [conversations.get_message(tx, m.id) for m in (child, grandchild, inferred)]
        assert [m.thread_id for m in children] == [parent.id] * 3
        assert [m.parent_id for m in children] == [parent.id, child.id, parent.id]
        thread = conversations.get_thread(tx, parent.id)
        assert (thread.replies, thread.participants) == (3, 4)
        assert conversations.find_thread(tx, child.id) is None

    database.write_now(act)


def test_a_branch_that_stood_by_inference_moves_to_its_late_parent(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        root = town.mail(tx, "a@b.org", "<root@x>")
        branch = town.mail(tx, "b@b.org", "<branch@x>", "<late@x>", references=("<root@x>",))
        leaf = town.mail(tx, "c@b.org", "<leaf@x>", "<branch@x>")
        stays = town.mail(tx, "A@B.org", "<stays@x>", "<root@x>")
        assert root and branch and leaf and stays
        assert (branch.parent_id, branch.thread_id) == (root.id, root.id)
        late = town.mail(tx, "d@b.org", "<late@x>")
        assert late
        moved = [conversations.get_message(tx, m.id) for m in (branch, leaf)]
        assert [(m.parent_id, m.thread_id) for m in moved] == [(late.id, late.id), (branch.id, late.id)]
        threads = [conversations.get_thread(tx, m.id) for m in (root, late)]
        assert [(t.replies, t.participants) for t in threads] == [(1, 1), (2, 3)]

    database.write_now(act)


class Undo(Exception):
    """Takes an example back."""


_IDS = st.sampled_from([f"<{letter}@x>" for letter in "abcdef"])
_LINKS = st.tuples(_IDS, st.none() | _IDS, st.lists(_IDS, max_size=3).map(tuple))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_LINKS, unique_by=lambda links: links[0], max_size=6))
def test_however_mails_refer_to_each_other_threads_are_whole_and_counted(
    database: Database, mails: list[tuple[str, str | None, tuple[str, ...]]]
) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        made = [town.mail(tx, f"{own[1]}@b.org", own, reply, references) for own, reply, references in mails]
        found = {m.id: conversations.get_message(tx, m.id) for m in made if m}
        for message in found.values():
            top = message
            for _ in found:
                top = found[top.parent_id] if top.parent_id is not None else top
            assert top.parent_id is None and message.thread_id == top.id
        for root in (message for message in found.values() if message.parent_id is None):
            members = [message for message in found.values() if message.thread_id == root.id]
            thread = conversations.get_thread(tx, root.id)
            assert (thread.replies, thread.participants) == (len(members) - 1, len(members))
        raise Undo

    with pytest.raises(Undo):
        database.write_now(act)


def test_mails_that_answer_each_other_do_not_make_a_ring(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        first = town.mail(tx, "a@b.org", "<1@x>", "<2@x>")
        second = town.mail(tx, "a@b.org", "<2@x>", "<1@x>")
        own = town.mail(tx, "a@b.org", "<3@x>", "<3@x>")
        assert first and second and own
        assert conversations.get_message(tx, first.id).parent_id is None
        assert conversations.get_message(tx, second.id).thread_id == first.id
        assert conversations.get_message(tx, own.id).parent_id is None

    database.write_now(act)


def test_a_locked_thread_refuses_answers_from_every_door(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        with pytest.raises(Forbidden, match="moderate"):
            conversations.set_locked(tx, town.bob, post.id, True, NOW)
        conversations.set_locked(tx, town.owner, post.id, True, NOW)
        with pytest.raises(Forbidden) as by_forum:
            conversations.reply(tx, town.owner, post.id, "x", NOW, origin="forum", mail_domain="d")
        with pytest.raises(Forbidden) as by_mail:
            town.mail(tx, "bob@example.org", "<r@x>", conversations.get_view(tx, post.id).mail_id)
        assert by_forum.value.code == by_mail.value.code == "thread.locked"

    database.write_now(act)


def test_a_site_ban_takes_writing_and_leaves_reading(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        with pytest.raises(Forbidden):
            accounts.ban(tx, town.ann, town.bob.account_id or 0, True, NOW)
        accounts.ban(tx, town.owner, town.bob.account_id or 0, True, NOW, until=NOW + timedelta(hours=1))
        bob = accounts.actor_of_account(tx, town.bob.account_id or 0, NOW)
        for write in (
            lambda: town.post(tx, bob),
            lambda: conversations.reply(tx, bob, post.id, "x", NOW, origin="forum", mail_domain="d"),
            lambda: town.mail(tx, "bob@example.org", "<b@x>"),
            lambda: votes.cast(tx, bob, post.id, 1, NOW),
        ):
            with pytest.raises(Forbidden) as refusal:
                write()
            assert refusal.value.code == "account.banned"
        assert spaces.rights(tx, bob, town.space, NOW) == Rights.BROWSE
        # The ban ends by itself.
        later = accounts.actor_of_account(tx, town.bob.account_id or 0, NOW + timedelta(hours=2))
        assert town.post(tx, later, at=NOW + timedelta(hours=2)).id

    database.write_now(act)


def test_the_rights_of_a_list_follow_its_audiences(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        anyone = accounts.ANONYMOUS
        spaces.edit_list_audiences(
            tx, town.owner, town.space.id, Rights.BROWSE, Rights.BROWSE | Rights.REPLY | Rights.POST, Rights.REPLY, NOW
        )
        assert spaces.rights(tx, anyone, town.space, NOW) == Rights.BROWSE
        assert spaces.rights(tx, town.bob, town.space, NOW) == Rights.BROWSE | Rights.REPLY
        subscriptions.start(tx, town.bob.account_id or 0, town.space.id, "mail", NOW)
        assert spaces.rights(tx, town.bob, town.space, NOW) == Rights.NORMAL
        assert spaces.rights(tx, town.owner, town.space, NOW) == Rights.ALL
        stranger = accounts.sender(tx, "s@elsewhere.org", "", NOW)
        assert spaces.rights_of_address(tx, stranger, town.space, NOW) == Rights.BROWSE
        with pytest.raises(Forbidden):
            town.mail(tx, "s@elsewhere.org", "<s@x>")
        tx.run("UPDATE list_faces SET visibility = 'PRIVATE'")
        assert spaces.rights(tx, town.bob, town.space, NOW) == Rights.NONE
        with pytest.raises(NotFound):
            town.post(tx, town.bob)

    database.write_now(act)


def test_removed_and_deleted_messages_leave_and_come_back(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        with pytest.raises(Forbidden):
            conversations.set_deleted(tx, town.bob, post.id, True, NOW)
        conversations.set_deleted(tx, town.ann, post.id, True, NOW)
        conversations.set_removed(tx, town.owner, post.id, True, NOW)
        assert not conversations.get_thread(tx, post.id).shown
        with pytest.raises(Invalid):
            conversations.reply(tx, town.bob, post.id, "x", NOW, origin="forum", mail_domain="d")
        conversations.set_removed(tx, town.owner, post.id, False, NOW)
        assert not conversations.get_thread(tx, post.id).shown
        conversations.set_deleted(tx, town.ann, post.id, False, NOW)
        assert conversations.get_thread(tx, post.id).shown

    database.write_now(act)


def test_scores_are_kept_as_votes_come(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        for value, expected in ((1, 2), (1, 2), (-1, 0), (0, 1)):
            votes.cast(tx, town.bob, post.id, value, NOW)
            assert conversations.get_thread(tx, post.id).score == expected
        assert tx.rows("SELECT upvotes, downvotes FROM scores WHERE message_id = :id", id=post.id) == [(1, 0)]
        with pytest.raises(Invalid):
            votes.cast(tx, town.bob, post.id, 2, NOW)

    database.write_now(act)


def test_only_its_author_edits_a_message(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        post = town.post(tx, town.ann)
        with pytest.raises(Forbidden):
            conversations.edit(tx, town.owner, post.id, NOW, body="mine now")
        edited = conversations.edit(tx, town.ann, post.id, NOW, title="New", url="https://example.org/")
        assert (edited.subject, edited.body, edited.updated_at) == ("New", "body", NOW)
        assert conversations.get_thread(tx, post.id).url == "https://example.org/"
        assert conversations.get_thread(tx, conversations.edit(tx, town.ann, post.id, NOW, url="").id).url == ""

    database.write_now(act)


def test_an_old_thread_does_not_come_up_again(database: Database) -> None:
    def act(tx: Transaction) -> None:
        town = Town(tx)
        old, new = town.post(tx, town.ann), town.post(tx, town.ann, at=NOW + timedelta(days=20))
        later = NOW + timedelta(days=40)
        for post in (old, new):
            conversations.reply(tx, town.bob, post.id, "x", later, origin="forum", mail_domain="d")
        assert conversations.get_thread(tx, old.id).active_at == NOW
        assert conversations.get_thread(tx, new.id).active_at == later
        assert conversations.get_thread(tx, old.id).updated_at == later

    database.write_now(act)
