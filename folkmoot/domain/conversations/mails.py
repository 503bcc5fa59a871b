"""A message as the mail it is: what the headers of one that arrives say, and how one born elsewhere is written."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

import msgspec

from folkmoot.domain.conversations.model import Arrival, MessageView
from folkmoot.domain.conversations.queries import get_view
from folkmoot.domain.spaces import ListFace, list_address
from folkmoot.errors import Invalid
from folkmoot.store import Transaction
from folkmoot.text import mail, patch
from folkmoot.text.mail import Mail

_MOST_REFERENCES = 20


class Letterhead(msgspec.Struct, frozen=True):
    """What stands in the headers of list mail: the mail domain, and where the archives are (no slash at the end)."""

    domain: str
    archive_origin: str


def read_arrival(parsed: Mail, data: bytes, received_at: datetime, *, imported: bool = False) -> Arrival:
    """What a mail's headers and body say of it; its bytes go along.

    An import counts from the Date header, unless that lies ahead, and gives a mail without a Message-ID one made from its
    bytes, so that importing again finds it. Raises Invalid without a usable From, or (not importing) Message-ID.
    """
    if parsed.from_ is None:
        raise Invalid("mail.no_sender", "The mail has no usable From.", "From")
    mail_id = parsed.message_id
    if not mail_id:
        if not imported:
            raise Invalid("mail.no_message_id", "The mail has no Message-ID.", "Message-ID")
        mail_id = f"<{hashlib.sha256(data).hexdigest()[:40]}@imported.invalid>"
    dated = imported and parsed.date is not None and parsed.date < received_at
    return Arrival(
        mail_id=mail_id,
        in_reply_to=parsed.in_reply_to or None,
        references=parsed.references,
        subject=parsed.subject,
        text=parsed.text,
        from_address=parsed.from_.address,
        from_name=parsed.from_.name,
        sent_at=parsed.date,
        created_at=parsed.date if dated and parsed.date is not None else received_at,
        is_patch=patch.is_patch(parsed.text),
        is_request_pull=patch.is_request_pull(parsed.text),
        data=data,
    )


def ancestors(tx: Transaction, view: MessageView) -> list[str]:
    """The Message-IDs from a message's thread root down to its parent, at most the last twenty."""
    ids: list[str] = []
    parent_id = view.parent_id
    while parent_id is not None and len(ids) < _MOST_REFERENCES:
        parent = get_view(tx, parent_id)
        ids.insert(0, parent.mail_id)
        parent_id = parent.parent_id
    return ids


def write_mail(letterhead: Letterhead, face: ListFace, view: MessageView, references: Sequence[str]) -> bytes:
    """The mail of a message that was born outside mail, CRLF lines; the same message always gives the same bytes.

    From is the list's own address, so that DMARC passes and nobody's private address is shown (design §5).
    """
    address = list_address(face.owner_name, face.name, letterhead.domain)
    return mail.compose(
        from_=mail.via(view.author_display_name or view.author_label, view.space_title or face.name, address),
        to=[mail.Address("", address)],
        subject=view.subject,
        text=view.body,
        message_id=view.mail_id,
        date=view.created_at,
        in_reply_to=view.in_reply_to or "",
        references=references,
        headers=list_headers(letterhead, face, view),
    )


def list_headers(letterhead: Letterhead, face: ListFace, view: MessageView) -> list[tuple[str, str]]:
    """The fields a list puts on every mail it passes on (sourcehut-lists §5.7)."""
    name = f"~{face.owner_name}/{face.name}"
    return mail.list_fields(name, letterhead.domain, letterhead.archive_origin, view.mail_id)
