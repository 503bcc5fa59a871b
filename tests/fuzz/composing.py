"""Any text in every value of a new message: it is refused, or it comes back unharmed."""

from __future__ import annotations

from datetime import UTC, datetime

from folkmoot.errors import Invalid
from folkmoot.text import mail
from tests.fuzz.seeds import SEEDS

__all__ = ["SEEDS", "run"]

AT = datetime(2026, 11, 21, tzinfo=UTC)


def run(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    pieces = [*text.split("|"), "", "", ""]
    try:
        made = mail.compose(
            from_=mail.Address(pieces[0], "a@example.org"),
            to=[mail.Address(pieces[1], "b@example.org")],
            subject=pieces[2],
            text=text,
            message_id="<1@example.org>",
            date=AT,
            headers=[("X-Extra", pieces[1])],
        )
    except Invalid:
        return
    head, _, _ = made.partition(b"\r\n\r\n")
    names = [line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))]
    assert names == [
        *(b"X-Extra", b"From", b"To", b"Subject", b"Message-ID", b"Date"),
        *(b"MIME-Version", b"Content-Type", b"Content-Transfer-Encoding"),
    ]
    assert max(map(len, made.split(b"\r\n"))) <= 998
    assert [address.address for address in mail.parse(made).to] == ["b@example.org"]
