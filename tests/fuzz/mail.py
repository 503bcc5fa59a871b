"""Any bytes as a mail: read, checked, split, forwarded, without an error that is not ours."""

from __future__ import annotations

from folkmoot.errors import Invalid
from folkmoot.text import mail, patch
from tests.fuzz.seeds import SEEDS

__all__ = ["SEEDS", "run"]

OURS = [("List-ID", "~a/l <~a/l.example.org>"), ("Sender", "~a/l <~a/l@example.org>")]


def run(data: bytes) -> None:
    try:
        parsed = mail.parse(data)
    except Invalid:
        return
    for value in (parsed.text, parsed.subject, parsed.message_id, *(value for _, value in parsed.headers)):
        value.encode("utf-8")
        assert "\0" not in value
    assert "\n" not in parsed.subject and "\r" not in parsed.subject
    mail.check(parsed, ("text/*",), ("text/html",))
    visible, tail = mail.split_reply(parsed.text)
    assert visible + tail == parsed.text
    patch.is_patch(parsed.text)
    patch.parse_subject(parsed.subject)
    made = mail.forward(data, OURS)
    again = mail.parse(made)
    assert again.list_ids == ("~a/l.example.org",)
    assert again.get_all("sender") == (OURS[1][1],)
    assert (again.subject, again.from_, again.text) == (parsed.subject, parsed.from_, parsed.text)
