"""The address forms of a list: `~owner/name` and `u.owner.name`, each with an optional `+command`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from folkmoot.errors import Invalid

COMMANDS = frozenset({"post", "subscribe", "unsubscribe", "confirm", "confirm-subscribe", "confirm-unsubscribe"})

_TILDE = re.compile(r"~([A-Za-z0-9_.-]{1,128})/([A-Za-z0-9._-]{1,128})")
_DOTTED = re.compile(r"[uU]\.([A-Za-z0-9_-]{1,128})\.([A-Za-z0-9._-]{1,128})")


@dataclass(frozen=True, slots=True)
class Recipient:
    """A list and what is asked of it; the names keep their case, and are to be compared without it."""

    owner: str
    name: str
    command: str

    @property
    def is_known_command(self) -> bool:
        return self.command in COMMANDS


def split_command(local_part: str) -> tuple[str, str]:
    """Cut the command, in lower case, from behind the last `+`; without one it is `post`."""
    head, plus, tail = local_part.rpartition("+")
    return (head, tail.lower()) if plus else (local_part, "post")


def parse_recipient(local_part: str) -> Recipient:
    """Read a list address (lists.sr.ht contract §5.2).

    The command may be an unknown word: the caller answers that with a bounce. Raises Invalid when it is no such form.
    """
    head, command = split_command(local_part)
    found = _TILDE.fullmatch(head) or _DOTTED.fullmatch(head)
    if not found:
        raise Invalid("mail.no_list_address", "This address is not the address of a list.", "recipient")
    return Recipient(found[1], found[2], command)
