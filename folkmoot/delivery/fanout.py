"""Turns messages into mail for a list's subscribers: a reader of the event log with a cursor of its own.

The copies are put into the outbox in the transaction that moves the cursor, so each message is mailed once, whatever
happens in between. Nothing is sent here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

import structlog

from folkmoot.delivery import queue
from folkmoot.domain import conversations, outbox, spaces, subscriptions
from folkmoot.domain.conversations import Letterhead
from folkmoot.errors import NotFound, Unavailable
from folkmoot.events import MessagePosted, Recorded
from folkmoot.store import Database, Reader, Transaction, log
from folkmoot.text import mail

READER = "mail"

_GATHER_SECONDS = 0.05
# One commit serves many messages, but not so many copies that others would have to wait for it.
_COPIES_TOGETHER = 1000
_PAUSE_SECONDS = 1.0

_logger = structlog.get_logger("delivery")


def start_reader(database: Database) -> Reader:
    """The reader of the log that `run` works with."""
    return Reader(database, READER, gather_seconds=_GATHER_SECONDS)


async def run(database: Database, reader: Reader, letterhead: Letterhead) -> None:
    """Deal with events as they come, until cancelled."""
    while True:
        batch = await reader.waiting()
        while batch:
            try:
                done = await database.write(mail_out, letterhead, batch)
            except Unavailable:
                _logger.exception("the outbox could not be filled; it will be tried again")
                await asyncio.sleep(_PAUSE_SECONDS)
                break
            batch = batch[done:]


def mail_out(tx: Transaction, letterhead: Letterhead, batch: Sequence[Recorded]) -> int:
    """Put the copies of these events' messages into the outbox, and note what is done: how many of the events."""
    copies = done = 0
    for recorded in batch:
        if copies >= _COPIES_TOGETHER:
            break
        done += 1
        if not isinstance(recorded.event, MessagePosted):
            continue
        try:
            with tx.savepoint():
                copies += _mail_one(tx, letterhead, recorded.event.message_id, recorded.recorded_at)
        except Exception:
            # One message that cannot be mailed must not keep the rest waiting for ever.
            _logger.exception("a message could not be mailed", event_id=recorded.id)
    if done:
        log.advance(tx, READER, batch[done - 1].id)
    return done


def _mail_one(tx: Transaction, letterhead: Letterhead, message_id: int, now: datetime) -> int:
    """Put the copies of a message into the outbox; how many."""
    try:
        view = conversations.get_view(tx, message_id)
    except NotFound:
        return 0
    subscribers = subscriptions.list_recipients(tx, view.space_id)
    if not subscribers or view.removed or view.deleted:
        return 0
    face = spaces.get_list_face(tx, view.space_id)
    if face is None:
        return 0
    original = conversations.find_original(tx, view.id)
    named = _already_addressed(original)
    recipients = [
        recipient.address
        for recipient in subscribers
        if recipient.address_key not in named and recipient.account_id != view.author_id
    ]
    if recipients:
        if original is None:
            data = conversations.write_mail(letterhead, face, view, conversations.ancestors(tx, view))
        else:
            data = mail.forward(queue.with_crlf(original), conversations.list_headers(letterhead, face, view))
        outbox.enqueue(tx, data, f"bounces@{letterhead.domain}", recipients, now)
    return len(recipients)


def _already_addressed(original: bytes | None) -> set[str]:
    """Who gets a mail without us: sourcehut-lists §5.7, addresses already in From, To or Cc."""
    if original is None:
        return set()
    return {person.address.casefold() for person in mail.read_people(original)}
