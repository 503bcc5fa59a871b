"""Reading a message: every field of the value, on well-formed, odd and hostile mail."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text import mail
from folkmoot.text.mail import mime


def message(*lines: str, body: str = "text\n") -> bytes:
    return ("\n".join(lines) + "\n\n" + body).encode()


def test_every_field_of_a_plain_mail() -> None:
    parsed = mail.parse(
        message(
            "From: Ada Lovelace <ada@example.org>",
            "To: ~bob/list@example.net, Eve <eve@example.org>",
            "Cc: carl@example.org",
            "Subject: On engines",
            "Message-ID: <1@example.org>",
            "In-Reply-To: <0@example.org>",
            "References: <a@x> <b@x>\n <c@x>",
            "Date: Sat, 21 Nov 2026 03:00:00 +0100",
            "List-Id: Engines <Engines.Example.org>",
            "Auto-Submitted: Auto-Replied; owner-email=x",
        ).replace(b"\n", b"\r\n")
    )
    assert parsed.from_ == mail.Address("Ada Lovelace", "ada@example.org")
    assert [a.address for a in parsed.to] == ["~bob/list@example.net", "eve@example.org"]
    assert parsed.cc == (mail.Address("", "carl@example.org"),)
    assert parsed.subject == "On engines"
    assert parsed.message_id == "<1@example.org>"
    assert parsed.in_reply_to == "<0@example.org>"
    assert parsed.references == ("<a@x>", "<b@x>", "<c@x>")
    assert parsed.date == datetime(2026, 11, 21, 2, tzinfo=UTC)
    assert parsed.list_ids == ("engines.example.org",)
    assert parsed.auto_submitted == "auto-replied"
    assert parsed.text == "text\n"
    assert parsed.parts == (mail.Part("text/plain", "", False, 6),)
    assert parsed.get("list-ID") == "Engines <Engines.Example.org>"
    assert parsed.headers[0] == ("From", "Ada Lovelace <ada@example.org>")


def test_people_are_those_of_from_to_and_cc() -> None:
    data = (
        b'To: Ada <ada@example.org>, bob@example.org\r\nFrom: "C, D" <c@example.org>\r\nReply-To: r@example.org\r\n'
        b"CC: Group: e@example.org;,\r\n f@example.org\r\nTo: again@example.org\r\n\r\nTo: body@example.org\r\n"
    )
    assert [person.address.partition("@")[0] for person in mail.read_people(data)] == [
        *("ada", "bob", "c", "e", "f", "again"),
    ]


def test_absent_fields_are_empty() -> None:
    parsed = mail.parse(b"X-Only: this\n\n")
    assert (parsed.message_id, parsed.in_reply_to, parsed.subject, parsed.text) == ("", "", "", "")
    assert (parsed.from_, parsed.date, parsed.references, parsed.list_ids) == (None, None, (), ())
    assert parsed.get("subject") == ""


@pytest.mark.parametrize(
    "data", [b"", b"\n", b"\r\n\r\nbody", b"no header here", b"\xff\xfe\x00", b" : x\n", b"\n\na: b"]
)
def test_what_has_no_header_is_no_mail(data: bytes) -> None:
    with pytest.raises(Invalid):
        mail.parse(data)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("plain", "plain"),
        ("=?utf-8?q?caf=C3=A9?=", "café"),
        ("=?UTF-8?B?Y2Fmw6k=?=", "café"),
        ("=?utf-8?B?Y2Fmw6k?=", "café"),
        ("=?iso-8859-1?Q?a=E9_b?= c", "aé b c"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\n =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("=?utf-8?b?w6k=?= =?utf-8?q?=C3?= =?utf-8?q?=A9?=", "éé"),
        ("=?utf-8*en?q?caf=C3=A9?=", "café"),
        ("=?nonsense?q?caf=C3=A9?=", "café"),
        ("=?utf-8?x?caf=C3=A9?=", "=?utf-8?x?caf=C3=A9?="),
        ("=?gb2312?B?suLK1A==?=", "测试"),
        ("=?utf-7?q?+2AA-?=", "\ufffd"),
        ("=?utf-8?q?a=00b=0Ac?=", "ab c"),
        ("=?utf-8?q?what=3F?yes?=", "what??yes"),
        ("folded\n\tover  lines", "folded over  lines"),
        ("naïve", "naïve"),
        ("[PATCH v2  1/3] two spaces", "[PATCH v2  1/3] two spaces"),
    ],
)
def test_subject(value: str, expected: str) -> None:
    assert mail.parse(message(f"Subject: {value}")).subject == expected


def test_raw_bytes_in_a_header_are_taken_as_utf8_or_else_windows_1252() -> None:
    assert mail.parse(b"Subject: caf\xe9 \x80\n\n").subject == "café €"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("<a@b>", "<a@b>"),
        ("  <a@b>  ", "<a@b>"),
        ('<a@b> (Someone\'s message of "now" <x@y>)', "<a@b>"),
        ("a@b (Someone's message)", "<a@b>"),
        ("Your message of today <a@b>", "<a@b>"),
        ("<a@b> <c@d>", "<a@b>"),
        ("<a(b)c@d>", "<a(b)c@d>"),
        ("<very-long\n @x>", "<very-long@x>"),
        ("<>", ""),
        ("", ""),
        ("(nothing)", ""),
        ("<" + "x" * 997 + ">", ""),
    ],
)
def test_in_reply_to_is_salvaged(value: str, expected: str) -> None:
    assert mail.parse(message(f"In-Reply-To: {value}")).in_reply_to == expected


def test_message_id_without_brackets_gets_them() -> None:
    assert mail.parse(message("Message-ID: a@b")).message_id == "<a@b>"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Thu, 1 Jan 1970 00:00:00 +0000", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Thu, 1 Jan 1970 00:00:00 -0000", datetime(1970, 1, 1, tzinfo=UTC)),
        ("1 Jan 70 00:00 GMT", datetime(1970, 1, 1, tzinfo=UTC)),
        ("Fri, 31 Dec 9999 23:59:59 -1200", None),
        ("Fri, 99 Foo 2020 99:99:99 +9999", None),
        ("tomorrow", None),
        ("", None),
        ("1" * 5000, None),
    ],
)
def test_date(value: str, expected: datetime | None) -> None:
    assert mail.parse(message(f"Date: {value}")).date == expected


def multipart(*parts: bytes, boundary: bytes = b"B", kind: bytes = b"mixed", close: bool = True) -> bytes:
    out = b'Subject: x\nContent-Type: multipart/%s; boundary="%s"\n\npreamble\n' % (kind, boundary)
    for part in parts:
        out += b"--%s\n%s\n" % (boundary, part)
    return out + (b"--%s--\nepilogue\n" % boundary if close else b"")


def test_text_is_the_first_inline_plain_part() -> None:
    parsed = mail.parse(
        multipart(
            b"Content-Type: text/html\n\n<p>no",
            b"Content-Type: text/plain\nContent-Disposition: attachment; filename=a.txt\n\nattached",
            b"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9 =\nx",
            b"\nsecond",
        )
    )
    assert parsed.text == "café x"
    assert [(p.type, p.filename, p.is_attachment) for p in parsed.parts] == [
        ("text/html", "", False),
        ("text/plain", "a.txt", True),
        ("text/plain", "", False),
        ("text/plain", "", False),
    ]


@pytest.mark.parametrize("close", [True, False])
def test_nested_multiparts_and_a_missing_end(close: bool) -> None:
    inner = multipart(b"Content-Type: text/plain\n\nhello", boundary=b"C", kind=b"alternative")
    parsed = mail.parse(multipart(inner, b"Content-Type: image/png\n\nxx", close=close))
    assert [p.type for p in parsed.parts] == ["text/plain", "image/png"]
    assert parsed.text == "hello"


def test_a_forwarded_message_is_one_part() -> None:
    parsed = mail.parse(multipart(b"Content-Type: message/rfc822\n\nSubject: inner\n\ninner text"))
    assert [p.type for p in parsed.parts] == ["message/rfc822"]
    assert parsed.text == ""


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text",
        "multipart/mixed",
        "multipart/mixed; boundary=",
        "/",
        "text/plain/x",
        "multipart/mixed; boundary=" + "x" * 300,
    ],
)
def test_an_unparsable_content_type_is_plain_text(content_type: str) -> None:
    parsed = mail.parse(message(f"Content-Type: {content_type}"))
    assert [p.type for p in parsed.parts] == ["text/plain"]
    assert parsed.text == "text\n"


@pytest.mark.parametrize(
    ("charset", "raw", "expected"),
    [
        ("utf-8", b"caf\xc3\xa9", "café"),
        ("utf-8", b"caf\xe9", "caf\ufffd"),
        ("us-ascii", b"caf\xe9", "café"),
        ("unknown-8bit", b"caf\xc3\xa9", "café"),
        ("x" * 100, b"caf\xe9", "café"),
        ("hex", b"6162", "6162"),
        ("unicode_escape", b"\\ud800", "\\ud800"),
        ("idna", b"xn--a", "xn--a"),
        ("utf-16", b"\xff\xfea\x00\x00\xd8", "a\ufffd"),
        ("utf-8", b"a\x00b", "ab"),
        ("iso-2022-jp", b"\x1b$B4A\x1b(B", "漢"),
    ],
)
def test_charsets_are_decoded_leniently(charset: str, raw: bytes, expected: str) -> None:
    assert mail.parse(f"Content-Type: text/plain; charset={charset}\n\n".encode() + raw).text == expected


@pytest.mark.parametrize("raw", [b"aGVsbG8=", b"aGVsbG8", b"aGVs\r\nbG8=\r\n", b"!aGVs bG8=", b"aGVsbG8=x"])
def test_base64_is_decoded_leniently(raw: bytes) -> None:
    assert mail.parse(b"Content-Transfer-Encoding: BASE64\n\n" + raw).text.startswith("hello")


def test_sizes_are_those_of_the_decoded_parts() -> None:
    parsed = mail.parse(b"Content-Type: image/png\nContent-Transfer-Encoding: base64\n\naGVsbG8=\n")
    assert parsed.parts[0].size_bytes == 5


def test_file_names_are_decoded_and_lose_their_path() -> None:
    names = [
        mail.parse(b"Content-Disposition: attachment; filename" + raw + b"\n\n").parts[0].filename
        for raw in (
            b"==?utf-8?q?caf=C3=A9?=",
            b"*=utf-8''caf%C3%A9",
            b'="../../etc/passwd"',
            b'="C:\\\\x\\\\y.txt"',
            b"*=x''%ff",
        )
    ]
    assert names[:4] == ["café", "café", "passwd", "y.txt"]


def test_many_parts_are_bounded() -> None:
    started = time.process_time()
    parsed = mail.parse(multipart(*([b"\nx"] * 100_000)))
    assert len(parsed.parts) == mime.PART_LIMIT
    assert time.process_time() - started < 2


def test_deep_nesting_is_bounded() -> None:
    data = b"\ntext"
    for depth in range(500):
        data = multipart(data, boundary=b"d%d" % depth)
    assert [p.type for p in mail.parse(data).parts] == ["multipart/mixed"]


@pytest.mark.parametrize(
    "data",
    [
        b"Subject: " + b"=?a?q?" * 300_000 + b"\n\n",
        b"From: " + b'"\\' * 200_000 + b"\n\n",
        b"From: " + b"(" * 400_000 + b"\n\n",
        b"To: " + b"<" * 400_000 + b"\n\n",
        b"To: " + b"a@b.c, " * 60_000 + b"\n\n",
        b"References: " + b"<" * 400_000 + b"\n\n",
        b"a:" * 10 + b"\n" + b"b:\n" * 1_000_000 + b"\n",
        b"Content-Type: text/plain; " + b'a="' * 100_000 + b"\n\n",
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"\n--b x" * 500_000,
        b"x: " + b"\n " * 250_000 + b"\n\n",
    ],
    ids=[
        "words",
        "quotes",
        "comments",
        "angles",
        "recipients",
        "references",
        "fields",
        "params",
        "delimiters",
        "folds",
    ],
)
def test_hostile_headers_cost_little(data: bytes) -> None:
    started = time.process_time()
    mail.parse(data)
    assert time.process_time() - started < 3


@given(st.binary(max_size=300))
def test_any_bytes_behind_a_header_are_a_mail(tail: bytes) -> None:
    parsed = mail.parse(b"Subject: x\n" + tail)
    for _, value in parsed.headers:
        value.encode("utf-8")
        assert "\0" not in value
    parsed.text.encode("utf-8")
    assert "\0" not in parsed.text + parsed.subject


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=300),
    st.sampled_from(["7bit", "base64", "quoted-printable"]),
)
def test_text_written_by_the_standard_library_is_read_back(text: str, encoding: str) -> None:
    made = EmailMessage()
    made["Subject"] = "x"
    made.set_content(text, cte=encoding if text.isascii() or encoding != "7bit" else "base64")
    made.add_attachment(b"\0\1\2", maintype="application", subtype="x", filename="ü.bin")
    parsed = mail.parse(made.as_bytes())
    assert parsed.text.rstrip("\n") == text.rstrip("\n")
    assert parsed.parts[1] == mail.Part("application/x", "ü.bin", True, 3)
