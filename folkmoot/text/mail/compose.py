"""New messages, born outside mail: from values to RFC 5322 bytes. The same values always give the same bytes."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

from folkmoot.errors import Invalid
from folkmoot.text.mail import header
from folkmoot.text.mail.address import Address, render_address
from folkmoot.text.mail.charset import clean


def via(name: str, space: str, list_address: str) -> Address:
    """Make the From of a message that was not written in mail: the writer's name, but the list's address."""
    return Address(f"{name} via {space}", list_address)


def compose(
    *,
    from_: Address,
    to: Sequence[Address],
    subject: str,
    text: str,
    message_id: str,
    date: datetime,
    cc: Sequence[Address] = (),
    in_reply_to: str = "",
    references: Sequence[str] = (),
    headers: Sequence[tuple[str, str]] = (),
    auto_submitted: str = "",
) -> bytes:
    """Make a plain-text message with CRLF line ends and lines of at most 998 bytes.

    `headers` are further fields whose values are ready for the wire. Raises Invalid when a value would break out of its
    field, an address is none, or a field is too long.
    """
    body, encoding = _encode_body(text)
    out = [header.field_line(name, value) for name, value in headers]
    out += (_addresses("From", (from_,)), _addresses("To", to), _addresses("Cc", cc))
    out += (header.text_field("Subject", subject), _ids("Message-ID", (message_id,)))
    out += (_ids("In-Reply-To", (in_reply_to,) if in_reply_to else ()), _ids("References", references))
    out.append(header.field_line("Date", format_datetime(date.astimezone(UTC))))
    if auto_submitted:
        out.append(header.field_line("Auto-Submitted", auto_submitted))
    out.append(header.field_line("MIME-Version", "1.0"))
    charset = "us-ascii" if body.isascii() and encoding == "7bit" else "utf-8"
    out.append(header.field_line("Content-Type", f"text/plain; charset={charset}"))
    out.append(header.field_line("Content-Transfer-Encoding", encoding))
    return b"".join((*out, b"\r\n", body))


def _addresses(name: str, addresses: Sequence[Address]) -> bytes:
    if not addresses:
        return b""
    chunks = [" " + render_address(address, len(name) + 2) for address in addresses]
    return header.fold(name, [chunk + "," for chunk in chunks[:-1]] + chunks[-1:])


def _ids(name: str, ids: Sequence[str]) -> bytes:
    for message_id in ids:
        header.require_plain(name, message_id)
        if not (message_id.startswith("<") and message_id.endswith(">")) or " " in message_id or len(message_id) > 900:
            raise Invalid("mail.bad_message_id", f"The {name} field needs ids in angle brackets.", name)
    return header.fold(name, [f" {message_id}" for message_id in ids]) if ids else b""


def _encode_body(text: str) -> tuple[bytes, str]:
    """Give the body with CRLF line ends, and the transfer encoding it needs."""
    lines = clean(text).replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n"
    data = lines.encode("utf-8")
    # RFC 5322 §2.1.1
    if max(map(len, data.split(b"\n"))) > 998:
        return binascii.b2a_qp(data, istext=True).replace(b"\n", b"\r\n"), "quoted-printable"
    return data.replace(b"\n", b"\r\n"), "7bit" if data.isascii() else "8bit"


def new_message_id(unique: str, domain: str) -> str:
    """Make a Message-ID from a part that is unique on this server. Raises Invalid when it would not be a proper id."""
    made = f"<{unique}@{domain}>"
    # RFC 5322 §3.6.4
    if not made.isascii() or any(c in '<>() \t@,;:\\"[]' or not c.isprintable() for c in unique + domain):
        raise Invalid("mail.bad_message_id", "A Message-ID is made of letters, digits and a few signs.", "message_id")
    return made
