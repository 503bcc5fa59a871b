"""Mail as bytes and values: reading, checking, addressing, replying, forwarding, composing, mailboxes.

The bytes of a message are the truth; everything here is a view of them, or makes them. No sockets, no database.
"""

from folkmoot.text.mail.address import Address, parse_addresses, render_address
from folkmoot.text.mail.charset import decode
from folkmoot.text.mail.compose import compose, new_message_id, via
from folkmoot.text.mail.forward import LIST_FIELDS, forward, list_fields
from folkmoot.text.mail.header import single_line
from folkmoot.text.mail.mbox import read_mbox, write_mbox
from folkmoot.text.mail.message import Mail, Part, parse, read_people
from folkmoot.text.mail.recipient import COMMANDS, Recipient, parse_recipient, split_command
from folkmoot.text.mail.reply import split_reply
from folkmoot.text.mail.rules import Problem, check, split_globs

__all__ = [
    "COMMANDS",
    "LIST_FIELDS",
    "Address",
    "Mail",
    "Part",
    "Problem",
    "Recipient",
    "check",
    "compose",
    "decode",
    "forward",
    "list_fields",
    "new_message_id",
    "parse",
    "parse_addresses",
    "parse_recipient",
    "read_mbox",
    "read_people",
    "render_address",
    "single_line",
    "split_command",
    "split_globs",
    "split_reply",
    "via",
    "write_mbox",
]
