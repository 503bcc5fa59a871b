"""Forwarding: our fields in, forged ones out, every other byte the same."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text.mail import LIST_FIELDS, forward, list_fields, parse

OURS = [("List-ID", "~a/l <~a/l.example.org>"), ("Sender", "~a/l <~a/l@example.org>")]


def test_the_fields_are_those_of_the_contract() -> None:
    assert list_fields("~ada/engines", "lists.example.org", "https://example.org", "<a/b@c>", "proposed") == [
        ("List-Unsubscribe", "<mailto:~ada/engines+unsubscribe@lists.example.org?subject=unsubscribe>"),
        ("List-Subscribe", "<mailto:~ada/engines+subscribe@lists.example.org?subject=subscribe>"),
        ("List-Archive", "<https://example.org/~ada/engines>"),
        ("Archived-At", "<https://example.org/~ada/engines/%3Ca%2Fb%40c%3E>"),
        ("List-Post", "<mailto:~ada/engines@lists.example.org>"),
        ("List-ID", "~ada/engines <~ada/engines.lists.example.org>"),
        ("Sender", "~ada/engines <~ada/engines@lists.example.org>"),
        ("X-Sourcehut-Patchset-Status", "PROPOSED"),
    ]


def test_an_id_too_long_for_a_link_leaves_the_link_out() -> None:
    names = [name for name, _ in list_fields("~a/l", "x.org", "https://x.org", "<" + "/" * 500 + "@x>")]
    assert "Archived-At" not in names and "List-ID" in names


@pytest.mark.parametrize("line_end", [b"\r\n", b"\n"])
def test_forged_fields_go_and_the_rest_stays(line_end: bytes) -> None:
    kept = [
        b"Received: from x",
        b"\tby y",
        b"DKIM-Signature: v=1; h=From",
        b" b=abc",
        b"From: a@b.c",
        b"Subject: x  y ",
    ]
    forged = [b"list-id: forged", b" folded", b"\tmore", b"SENDER : x", b"X-Sourcehut-Patchset-Status: APPLIED"]
    body = line_end.join([b"", b"", b"List-ID: in the body stays", b"\xff\0 raw", b""])
    data = line_end.join(forged[:3] + kept[:4] + forged[3:] + kept[4:] + [b"Archived-At: <y>"]) + body
    expected = line_end.join(b"%s: %s" % (n.encode(), v.encode()) for n, v in OURS) + line_end
    expected += line_end.join(kept) + line_end + body.removeprefix(line_end)
    assert forward(data, OURS) == expected


@pytest.mark.parametrize("value", ["a\r\nBcc: x@y.z", "a\nb", "a\rb", "a\0b", "x" * 1000, "a\x1bb"])
def test_values_cannot_break_out(value: str) -> None:
    with pytest.raises(Invalid):
        forward(b"From: a@b.c\n\nx", [("List-ID", value)])


def test_names_cannot_break_out() -> None:
    with pytest.raises(Invalid):
        forward(b"From: a@b.c\n\nx", [("List-ID: x\r\nBcc", "y")])


def test_a_mail_without_a_body() -> None:
    assert forward(b"From: a@b.c\r\nSender: x", OURS[:1]) == b"List-ID: ~a/l <~a/l.example.org>\r\nFrom: a@b.c\r\n"


def test_a_mail_that_begins_with_a_folded_line_cannot_lengthen_our_fields() -> None:
    assert forward(b" , evil@x.y\n more\nFrom: a@b.c\n\nx", OURS).endswith(b"l@example.org>\nFrom: a@b.c\n\nx")


FIELD = st.tuples(
    st.sampled_from(
        ["From", "Subject", "X-List-ID", "List-Id-X", "DKIM-Signature", *LIST_FIELDS, "LIST-post", "sender"]
    ),
    st.binary(max_size=20).map(lambda raw: re.sub(rb"[\r\n]", b"", raw)),
    st.booleans(),
)


@given(st.lists(FIELD, min_size=1, max_size=8), st.binary(max_size=50))
def test_every_other_byte_stays(fields: list[tuple[str, bytes, bool]], body: bytes) -> None:
    lines = [
        (name, name.encode() + b": " + value + (b"\r\n\tfolded" if fold else b"") + b"\r\n")
        for name, value, fold in fields
    ]
    data = b"".join(line for _, line in lines) + b"\r\n" + body
    gone = {name.lower() for name in LIST_FIELDS}
    kept = b"".join(line for name, line in lines if name.lower() not in gone) + b"\r\n" + body
    made = forward(data, OURS)
    assert made.endswith(kept) and len(made) - len(kept) == sum(len(f"{n}: {v}\r\n") for n, v in OURS)
    assert parse(made).list_ids == ("~a/l.example.org",)
