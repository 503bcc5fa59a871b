"""A mail on its way to subscribers: our list fields in front, forged ones gone, every other byte untouched.

Nothing that a signature usually covers is changed, so the sender's DKIM signature stays valid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import quote

from folkmoot.text.mail import header

# lists.sr.ht contract §5.7: only the list itself says these about a mail.
LIST_FIELDS = (
    "List-Unsubscribe",
    "List-Subscribe",
    "List-Archive",
    "Archived-At",
    "List-Post",
    "List-ID",
    "Sender",
    "X-Sourcehut-Patchset-Status",
)


def list_fields(
    list_name: str, domain: str, origin: str, message_id: str, patchset_status: str = ""
) -> list[tuple[str, str]]:
    """Make the fields a list puts on a mail.

    `list_name` is `~owner/name`, `origin` the web origin without a slash at its end, `message_id` has its brackets.
    """
    address = f"{list_name}@{domain}"
    made = [
        ("List-Unsubscribe", f"<mailto:{list_name}+unsubscribe@{domain}?subject=unsubscribe>"),
        ("List-Subscribe", f"<mailto:{list_name}+subscribe@{domain}?subject=subscribe>"),
        ("List-Archive", f"<{origin}/{list_name}>"),
        ("Archived-At", f"<{origin}/{list_name}/{quote(message_id, safe='')}>"),
        ("List-Post", f"<mailto:{address}>"),
        ("List-ID", f"{list_name} <{list_name}.{domain}>"),
        ("Sender", f"{list_name} <{address}>"),
    ]
    if patchset_status:
        made.append(("X-Sourcehut-Patchset-Status", patchset_status.upper()))
    # RFC 5322 §2.1.1: a link cannot be folded, and a mail without it is better than none.
    return [(name, value) for name, value in made if len(f"{name}: {value}".encode()) <= 998]


def forward(data: bytes, headers: Sequence[tuple[str, str]]) -> bytes:
    """Put our fields in front of a message and delete every incoming list field and every field of the names given.

    All other bytes stay as they are. Raises Invalid when a value could start a field of its own.
    """
    line_end = b"\r\n" if data[: data.find(b"\n") + 1].endswith(b"\r\n") else b"\n"
    ours = b"".join(header.field_line(name, value, line_end) for name, value in headers)
    header_end, _ = header.split(data)
    kept = _fields_named(frozenset((*LIST_FIELDS, *(name for name, _ in headers)))).sub(b"", data[:header_end])
    return ours + kept + data[header_end:]


@lru_cache(maxsize=16)
def _fields_named(names: frozenset[str]) -> re.Pattern[bytes]:
    """Find the fields of these names, with their folded lines, in a header section.

    So are folded lines at its very beginning: they continue nothing, and would continue the last of our fields.
    """
    choice = b"|".join(re.escape(name.encode("ascii")) for name in sorted(names))
    return re.compile(rb"(?:\A[ \t]|^(?:" + choice + rb")[ \t]*:)[^\n]*(?:\n[ \t][^\n]*)*(?:\n|\Z)", re.I | re.M)
