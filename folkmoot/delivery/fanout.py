"""Turns messages into mail for a list's subscribers: a reader of the event log with a cursor of its own.

The copies are put into the outbox in the transaction that moves the cursor, so each message is mailed once, whatever
happens in between. Nothing is sent here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from folkmoot.domain import conversations, outbox, spaces, subscriptions
from folkmoot.domain.conversations import MessageView
from folkmoot.domain.spaces import ListFace
from folkmoot.errors import NotFound
from folkmoot.events import MessagePosted, Recorded
from folkmoot.store import Database, Reader, Transaction, log
from folkmoot.text import mail

READER = "mail"

_logger = structlog.get_logger("delivery")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What stands in the headers of list mail: the mail domain, and where the archives are."""

    domain: str
    archive_origin: str

    @property
    def bounces_to(self) -> str:
        """The envelope sender of list mail."""
        return f"bounces@{self.domain}"


async def run(database: Database, reader: Reader, letterhead: Letterhead) -> None:
    """Deal with events as they come, until cancelled."""
    while True:
        batch = await reader.waiting()
        for recorded in batch:
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
    data = compose(letterhead, face, view, original, _ancestors(tx, view))
    named = _already_addressed(view, original)
    recipients = [
        r.address
        for r in subscriptions.list_recipients(tx, view.space_id)
        if r.address_key not in named and r.account_id != view.author_id
    ]
    outbox.enqueue(tx, data, letterhead.bounces_to, recipients, recorded.recorded_at)


def compose(
    letterhead: Letterhead, face: ListFace, view: MessageView, original: bytes | None, references: Sequence[str]
) -> bytes:
    """The mail of a message: what came by mail untouched but for the list's fields, the rest written anew."""
    list_name = f"~{face.owner_name}/{face.name}"
    fields = mail.list_fields(list_name, letterhead.domain, letterhead.archive_origin, view.mail_id)
    if original is not None:
        return mail.forward(_with_crlf(original), fields)
    address = spaces.list_address(face.owner_name, face.name, letterhead.domain)
    return mail.compose(
        # design §5: our own domain in From, so that DMARC passes and nobody's private address is shown.
        from_=mail.via(view.author_display_name or view.author_label, view.space_title or face.name, address),
        to=[mail.Address("", address)],
        subject=view.subject,
        text=view.body,
        message_id=view.mail_id,
        date=view.created_at,
        in_reply_to=view.in_reply_to or "",
        references=references,
        headers=fields,
    )


def _ancestors(tx: Transaction, view: MessageView, most: int = 20) -> list[str]:
    """The Message-IDs from the thread's first message down to the parent, at most the last `most`."""
    ids: list[str] = []
    parent_id = view.parent_id
    while parent_id is not None and len(ids) < most:
        parent = conversations.get_view(tx, parent_id)
        ids.insert(0, parent.mail_id)
        parent_id = parent.parent_id
    return ids


def _already_addressed(view: MessageView, original: bytes | None) -> set[str]:
    """Who gets a mail without us: sourcehut-lists §5.7, addresses already in From, To or Cc."""
    if original is None:
        return set()
    parsed = mail.parse(original)
    people = [*parsed.to, *parsed.cc, *([parsed.from_] if parsed.from_ else [])]
    return {person.address.casefold() for person in people}


def _with_crlf(data: bytes) -> bytes:
    return data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def start_reader(database: Database) -> Reader:
    """The reader of the log that `run` works with."""
    return Reader(database, READER)
