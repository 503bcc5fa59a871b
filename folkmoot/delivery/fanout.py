"""Turns messages into mail for a list's subscribers: a reader of the event log with a cursor of its own.

The copies are put into the outbox in the transaction that moves the cursor, so each message is mailed once, whatever
happens in between. Nothing is sent here.
"""

from __future__ import annotations

import structlog

from folkmoot.domain import conversations, outbox, spaces, subscriptions
from folkmoot.domain.conversations import Letterhead
from folkmoot.errors import NotFound
from folkmoot.events import MessagePosted, Recorded
from folkmoot.store import Database, Reader, Transaction, log
from folkmoot.text import mail

READER = "mail"

_logger = structlog.get_logger("delivery")


def start_reader(database: Database) -> Reader:
    """The reader of the log that `run` works with."""
    return Reader(database, READER)


async def run(database: Database, reader: Reader, letterhead: Letterhead) -> None:
    """Deal with events as they come, until cancelled."""
    while True:
        for recorded in await reader.waiting():
            try:
                await database.write(mail_out, letterhead, recorded)
            except Exception:
                # One message that cannot be mailed must not keep the rest waiting for ever.
                _logger.exception("a message could not be mailed", event_id=recorded.id)
                await database.write(log.advance, READER, recorded.id)


def mail_out(tx: Transaction, letterhead: Letterhead, recorded: Recorded) -> None:
    """Put the copies of one event's message into the outbox, and note that it is done."""
    log.advance(tx, READER, recorded.id)
    if not isinstance(recorded.event, MessagePosted):
        return
    try:
        view = conversations.get_view(tx, recorded.event.message_id)
    except NotFound:
        return
    face = spaces.get_list_face(tx, view.space_id)
    if face is None or view.removed or view.deleted:
        return
    original = conversations.find_original(tx, view.id)
    if original is None:
        data = conversations.write_mail(letterhead, face, view, conversations.ancestors(tx, view))
    else:
        data = mail.forward(_with_crlf(original), conversations.list_headers(letterhead, face, view))
    named = _already_addressed(original)
    recipients = [
        recipient.address
        for recipient in subscriptions.list_recipients(tx, view.space_id)
        if recipient.address_key not in named and recipient.account_id != view.author_id
    ]
    outbox.enqueue(tx, data, f"bounces@{letterhead.domain}", recipients, recorded.recorded_at)


def _already_addressed(original: bytes | None) -> set[str]:
    """Who gets a mail without us: sourcehut-lists §5.7, addresses already in From, To or Cc."""
    if original is None:
        return set()
    parsed = mail.parse(original)
    people = [*parsed.to, *parsed.cc, *([parsed.from_] if parsed.from_ else [])]
    return {person.address.casefold() for person in people}


def _with_crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
