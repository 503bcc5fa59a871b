"""What is left in the database of somebody who has left: the account, its votes, and nothing that was said (lemmy §4.1)."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from email.message import EmailMessage

from folkmoot.app import leaving
from folkmoot.delivery import fanout
from folkmoot.domain import accounts, conversations, inbox, spaces, subscriptions
from folkmoot.domain.conversations import Letterhead
from folkmoot.store import Engine, Transaction, log
from folkmoot.store.sqlite import SqliteEngine
from folkmoot.text import mail
from tests.surfaces.forum.hall import Hall, run_in_hall

# In all that is looked for; longer than what comes by chance. Of the full text a trigram is looked for.
WORD, _TRIGRAM = "zqxword", "zqx"
ADDRESS = "zqxwordann@example.org"
SETTINGS = {"show_nsfw": True, "theme": "light", "default_sort_type": 1, "default_listing_type": 0}


def everything(tx: Transaction) -> list[tuple[str, str, str]]:
    """Every value that names what is looked for: table, column, value."""
    tables = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if tx.dialect == "sqlite"
        else "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
    )
    found: list[tuple[str, str, str]] = []
    for table in tx.column(tables):
        for row in tx.rows(f"SELECT * FROM {table}"):
            for number, value in enumerate(row):
                text = bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value)
                if (_TRIGRAM if "search" in table else WORD) in text.lower():
                    found.append((table, str(number), text[:150]))
    return found


async def say_everything(hall: Hall) -> None:
    """Let ann say something through every door, and others answer."""
    house, now = hall.house, hall.clock()
    letterhead = Letterhead("localhost", "http://localhost")

    def prepare(tx: Transaction) -> None:
        main = spaces.get_forum_space(tx, "main")
        spaces.add_list_face(tx, main.id, main.owner_id, "main", "PUBLIC")
        ann, bob = accounts.get_account_named(tx, "ann"), accounts.get_account_named(tx, "bob")
        tx.run("UPDATE accounts SET display_name = 'Zqxword Nickname' WHERE id = :id", id=ann.id)
        accounts.change_address(tx, ann.id, "zqxwordold@example.org")
        accounts.verify_address(tx, "zqxwordold@example.org", now)
        accounts.change_address(tx, ann.id, ADDRESS)
        accounts.verify_address(tx, ADDRESS, now)
        accounts.change_address(tx, bob.id, "bob@example.org")
        subscriptions.start(tx, bob.id, main.id, "mail", now)
        subscriptions.start(tx, ann.id, main.id, "mail", now)
        subscriptions.request(tx, main.id, ADDRESS, "unsubscribe", now)

    await house.db.write(prepare)
    await hall.send(
        "/save_user_settings",
        "ann",
        "PUT",
        **SETTINGS,
        avatar="https://zqxword/a.png",
        matrix_user_id="@zqxword:example.org",
    )
    await hall.send("/user/password_reset", email=ADDRESS)
    post = await hall.post("ann", "zqxwordtitle", body="zqxwordbody", url="https://zqxwordlink.example.org/")
    await hall.comment("bob", post, "what bob thinks")
    other = await hall.post("bob", "Bob's", body="for @ann")
    await hall.comment("ann", other, "zqxwordcomment for @bob")
    bob = (await hall.get("/user", sort="New", username="bob"))["user"]["id"]
    await hall.send("/private_message", "ann", content="zqxwordprivate", recipient_id=bob)

    def arrive(tx: Transaction) -> None:
        main, ann = spaces.get_forum_space(tx, "main"), accounts.get_account_named(tx, "ann")
        answered = tx.value("SELECT mail_id FROM mails WHERE message_id = :id", id=other)
        for mail_id, reply in (("<one@example.org>", None), ("<two@example.org>", answered)):
            letter = EmailMessage()
            letter["From"], letter["Subject"], letter["Message-ID"] = (
                f"Zqxword Nickname <{ADDRESS}>",
                "zqxwordmail",
                mail_id,
            )
            letter["To"] = "~admin/main@localhost"
            if reply:
                letter["In-Reply-To"] = reply
            letter.set_content("zqxwordmail text")
            data = letter.as_bytes()
            assert conversations.receive(tx, ann, main, conversations.read_arrival(mail.parse(data), data, now))

    await house.db.write(arrive)

    def fan_out(tx: Transaction) -> None:
        batch = log.after(tx, 0, 1000)
        while batch:
            batch = batch[fanout.mail_out(tx, letterhead, batch) :]

    await house.db.write(fan_out)
    await house.db.write(conversations.index_some, 1000)


def test_nothing_that_was_said_is_left(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        await say_everything(hall)
        before = await hall.house.db.read(everything)
        assert {table for table, *_ in before} >= {
            *(
                "accounts",
                "addresses",
                "confirmations",
                "mails",
                "messages",
                "originals",
                "outgoing",
                "outgoing_bodies",
            ),
            *("participants", "preferences", "private_messages", "threads"),
        }
        await hall.send("/user/delete_account", "ann", password="pw")
        await leaving.take_back(hall.house)
        left = await hall.house.db.read(everything)
        assert left == []

    run_in_hall(engine, act)
    if isinstance(engine, SqliteEngine):
        # What was deleted is not in a free page either, once the log has been taken in.
        with closing(sqlite3.connect(engine.path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert WORD.encode() not in engine.path.read_bytes().lower()


def test_it_goes_in_pieces_between_which_others_write(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        db = hall.house.db
        thread = await hall.post("ann", "zqxwordtitle")

        def fill(tx: Transaction) -> None:
            now = hall.clock()
            ann, bob = (
                accounts.actor_of_account(tx, accounts.get_account_named(tx, name).id, now) for name in ("ann", "bob")
            )
            for number in range(45):
                for actor in (bob, ann):
                    text = f"{actor.name}'s {number}"
                    conversations.reply(tx, actor, thread, text, now, origin="forum", mail_domain="localhost")
            for _ in range(230):
                inbox.send(tx, ann, bob.account_id or 0, "psst", now)

        await db.write(fill)

        def words(tx: Transaction) -> dict[int, tuple[str, str]]:
            return {row[0]: (row[1], row[2]) for row in tx.rows("SELECT id, subject, body FROM messages")}

        def private(tx: Transaction) -> int:
            return int(tx.value("SELECT count(*) FROM private_messages WHERE NOT deleted"))

        await hall.send("/user/delete_account", "ann", password="pw")
        erasure = await db.read(conversations.find_erasure)
        assert erasure is not None and await db.read(private) == 130
        before, more, pieces = await db.read(words), True, 0
        while more:
            more = await db.write(conversations.erase_some, erasure.account_id, hall.clock())
            after = await db.read(words)
            assert sum(after[each] != before[each] for each in after) <= 20
            before, pieces = after, pieces + 1
            # What somebody says meanwhile stays, be it who leaves.
            if pieces == 2:
                later = await hall.post("ann", "I am back")
                before = await db.read(words)
        assert {body for _, body in before.values()} == {
            *("*Permananently Deleted*", ""), *(f"bob's {number}" for number in range(45))
        }  # fmt: skip
        assert pieces >= 5 and "zqxword" not in str(before) and before[later][0] == "I am back"
        # A stop in between loses nothing: it begins again where it was.
        await leaving.take_back(hall.house)
        assert await db.read(private) == 0 and await db.read(conversations.find_erasure) is None
        assert (await hall.get("/post", id=later))["post"]["name"] == "I am back"
        assert (await hall.get("/post", id=thread))["post"]["number_of_comments"] == 90

    run_in_hall(engine, act)
