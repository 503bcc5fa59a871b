"""The demo's community: small, believable, with known credentials (`admin` / `public`); only ever on loopback.

Seeded into an empty database in one transaction. Nothing of it is mailed or published: the demo starts quiet.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from folkmoot.delivery import fanout
from folkmoot.domain import accounts, conversations, spaces, subscriptions, votes
from folkmoot.domain.accounts import Actor
from folkmoot.domain.conversations import Arrival, Message
from folkmoot.domain.spaces import Space
from folkmoot.errors import Conflict
from folkmoot.store import Transaction, log
from folkmoot.surfaces.mqtt import push
from folkmoot.text import mail
from folkmoot.text.patch import is_patch

PASSWORD = "public"
API_USER, API_TOKEN = "api_user", "token"

# (topic, payload) kept for whoever subscribes later.
RETAINED = (
    ("town/weather", '{"sky": "clear", "celsius": 14.5}'),
    ("town/hall/door", "open"),
    ("town/clock/status", '{"state": "ticking"}'),
)

_PEOPLE = ("ada", "bram", "cleo", "dmitri")
_MARK = "demo"

_THREADS = (
    (
        "ada",
        "Welcome to the town square",
        "One conversation, many doors: this thread is a **post** in the forum, a **mail** on the list\n"
        "and a **message** on the topic `spaces/town_square/messages`.\n\nSay hello from whichever you like.",
        (
            ("bram", "Hello from the forum!"),
            ("cleo", "I answered from my mail program, and here it is."),
            ("ada", "That is the idea. Welcome, both."),
        ),
        ("bram", "cleo", "dmitri"),
    ),
    (
        "bram",
        "Which evening suits the next meeting?",
        "Tuesday or Thursday? The hall is free on both.",
        (("cleo", "Thursday, please."), ("dmitri", "Either is fine.")),
        ("cleo",),
    ),
    (
        "cleo",
        "The clock tower publishes over MQTT now",
        "Subscribe to `town/clock/#` and you will hear it tick. The code is on the `town_clock` list.",
        (("dmitri", "Nice! I sent two patches."),),
        ("ada", "bram", "dmitri"),
    ),
)

_PATCHES = (
    (
        "[PATCH town_clock 0/2] Keep the clock honest",
        "The clock drifts when nobody looks. These two patches make it look at itself.\n\n"
        "Dmitri (2):\n  clock: read the time once\n  clock: strike only on the hour\n",
    ),
    (
        "[PATCH town_clock 1/2] clock: read the time once",
        "Reading it twice could show two different minutes.\n\nSigned-off-by: Dmitri <dmitri@example.org>\n---\n"
        " clock.py | 3 +--\n 1 file changed, 1 insertion(+), 2 deletions(-)\n\n"
        "diff --git a/clock.py b/clock.py\nindex 0c1f2a3..1d4e5f6 100644\n--- a/clock.py\n+++ b/clock.py\n"
        "@@ -1,5 +1,4 @@\n import time\n \n def show():\n-    hour = time.localtime().tm_hour\n"
        "-    minute = time.localtime().tm_min\n+    hour, minute = time.localtime()[3:5]\n"
        '     print(f"{hour:02}:{minute:02}")\n-- \n2.39.5\n',
    ),
    (
        "[PATCH town_clock 2/2] clock: strike only on the hour",
        "The neighbours asked.\n\nSigned-off-by: Dmitri <dmitri@example.org>\n---\n"
        " strike.py | 2 +-\n 1 file changed, 1 insertion(+), 1 deletion(-)\n\n"
        "diff --git a/strike.py b/strike.py\nindex 7a8b9c0..2b3c4d5 100644\n--- a/strike.py\n+++ b/strike.py\n"
        "@@ -1,2 +1,2 @@\n def should_strike(minute):\n-    return minute % 15 == 0\n+    return minute == 0\n-- \n2.39.5\n",
    ),
)


def seed(tx: Transaction, password_hash: str, mail_domain: str, now: datetime) -> bool:
    """Fill an empty database with the demo; false when it is there already.

    Raises Conflict when the database holds somebody's real community.
    """
    if accounts.find_secret(tx, _MARK) is not None:
        return False
    if accounts.count_accounts(tx):
        raise Conflict(
            "demo.occupied",
            "This data directory holds a community that is not the demo. Choose another with FOLKMOOT_DATA__DIR,"
            " or start without --demo.",
        )
    accounts.keep_secret(tx, _MARK)
    started_at = now - timedelta(days=3)
    people = _people(tx, password_hash, started_at)
    admin = people["admin"]
    spaces.create_site(tx, admin, "Folkmoot", "A small town with one conversation and many doors.", started_at)
    square = _town_square(tx, people, started_at)
    clock = _town_clock(tx, people, started_at)
    _talk(tx, square, people, mail_domain, started_at)
    _send_patches(tx, clock, mail_domain, started_at + timedelta(days=2))
    _newsletter(tx, people, square, started_at)
    for reader in (fanout.READER, push.READER):
        _be_quiet(tx, reader)
    return True


def _people(tx: Transaction, password_hash: str, now: datetime) -> dict[str, Actor]:
    made = {"admin": accounts.register(tx, "admin", password_hash, now, address="admin@example.org", is_admin=True)}
    for name in _PEOPLE:
        made[name] = accounts.register(tx, name, password_hash, now, address=f"{name}@example.org")
    for name in made:
        accounts.verify_address(tx, f"{name}@example.org", now)
    program = accounts.register(tx, API_USER, None, now, is_program=True)
    accounts.create_token(tx, program, "newsletter", API_TOKEN, now, name=API_USER, key=API_USER, scopes="*")
    return {name: accounts.actor_of_account(tx, account_id, now) for name, account_id in made.items()}


def _town_square(tx: Transaction, people: dict[str, Actor], now: datetime) -> Space:
    admin = people["admin"]
    space = spaces.create_space(tx, admin, "town_square", "Town square", "Where everybody meets.", now)
    spaces.add_forum_face(tx, space.id, "town_square", category_id=1, nsfw=False)
    spaces.add_list_face(tx, space.id, space.owner_id, "town_square")
    spaces.add_newsletter_face(
        tx, space.id, "Town square", now, type="public", description="News from the square.", tags=["town", "news"]
    )
    for actor in people.values():
        subscriptions.start(tx, _id(actor), space.id, "forum", now)
    for name in ("ada", "cleo"):
        subscriptions.start(tx, _id(people[name]), space.id, "mail", now)
    return space


def _town_clock(tx: Transaction, people: dict[str, Actor], now: datetime) -> Space:
    owner = people["cleo"]
    space = spaces.create_space(tx, owner, "town_clock", "Town clock", "Patches for the clock tower.", now)
    spaces.add_list_face(tx, space.id, space.owner_id, "town_clock")
    subscriptions.start(tx, _id(owner), space.id, "mail", now)
    return space


def _talk(tx: Transaction, space: Space, people: dict[str, Actor], mail_domain: str, now: datetime) -> None:
    for number, (author, title, body, answers, voters) in enumerate(_THREADS):
        at = now + timedelta(hours=20 * number)
        post = conversations.post(
            tx, people[author], space.id, title, body, at, origin="forum", mail_domain=mail_domain
        )
        last: Message = post
        for minutes, (name, text) in enumerate(answers, start=1):
            at += timedelta(minutes=17 * minutes)
            last = conversations.reply(tx, people[name], last.id, text, at, origin="forum", mail_domain=mail_domain)
        for voter in voters:
            votes.cast(tx, people[voter], post.id, 1, at)


def _send_patches(tx: Transaction, space: Space, mail_domain: str, now: datetime) -> None:
    sender = accounts.sender(tx, "dmitri@example.org", "Dmitri", now)
    first_id = ""
    for number, (subject, body) in enumerate(_PATCHES):
        at = now + timedelta(seconds=number)
        mail_id = mail.new_message_id(f"{at:%Y%m%d%H%M%S}.{number}-dmitri", mail_domain)
        data = mail.compose(
            from_=mail.Address("Dmitri", "dmitri@example.org"),
            to=[mail.Address("", spaces.list_address("cleo", space.name, mail_domain))],
            subject=subject,
            text=body,
            message_id=mail_id,
            date=at,
            in_reply_to=first_id,
            references=[first_id] if first_id else [],
        )
        arrival = Arrival(
            mail_id=mail_id,
            in_reply_to=first_id or None,
            references=(),
            subject=subject,
            text=body,
            from_address="dmitri@example.org",
            from_name="Dmitri",
            sent_at=at,
            created_at=at,
            is_patch=is_patch(body),
            is_request_pull=False,
            data=data,
        )
        conversations.receive(tx, sender, space, arrival)
        first_id = first_id or mail_id


def _newsletter(tx: Transaction, people: dict[str, Actor], square: Space, now: datetime) -> None:
    admin = people["admin"]
    space = spaces.create_space(tx, admin, "Harvest letter", "Harvest letter", None, now)
    spaces.add_newsletter_face(
        tx,
        space.id,
        "Harvest letter",
        now,
        type="public",
        optin="double",
        description="Once a season.",
        tags=["seasons"],
    )
    for name, status in (
        ("ada", "confirmed"),
        ("bram", "confirmed"),
        ("cleo", "unconfirmed"),
        ("dmitri", "unsubscribed"),
    ):
        subscriptions.start_membership(tx, _id(people[name]), space.id, status, now)
    for name in ("ada", "bram"):
        subscriptions.start_membership(tx, _id(people[name]), square.id, "confirmed", now)


def _be_quiet(tx: Transaction, reader: str) -> None:
    """Let a reader of the log begin after what was seeded, which is recorded when this transaction commits."""
    newest = log.newest(tx)
    log.advance(tx, reader, newest + len(tx.events))


def _id(actor: Actor) -> int:
    assert actor.account_id is not None
    return actor.account_id
