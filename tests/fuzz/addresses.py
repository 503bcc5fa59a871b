"""Any text as an address field, a recipient or an RFC 2047 value."""

from __future__ import annotations

from folkmoot.errors import Invalid
from folkmoot.text import mail
from tests.fuzz.seeds import SEEDS

__all__ = ["SEEDS", "run"]


def run(data: bytes) -> None:
    text = mail.decode(data)
    # Something that only the long way reads must not change what the short way has read.
    assert mail.parse_addresses(text) == mail.parse_addresses(f"(){text}")
    for address in mail.parse_addresses(text):
        assert "@" in address.address and address.address.isprintable()
        try:
            written = mail.render_address(address).replace("\r\n", "")
        except Invalid:
            continue
        assert [read.address for read in mail.parse_addresses(written)] == [address.address]
    try:
        recipient = mail.parse_recipient(text)
    except Invalid:
        return
    assert recipient.owner and recipient.name
