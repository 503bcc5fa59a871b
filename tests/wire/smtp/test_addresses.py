"""Addresses: what is one, what it becomes, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.wire.smtp import AddressError, parse_address
from folkmoot.wire.smtp.addresses import parse_parameters, parse_path

GOOD = {
    "a@example.org": "a@example.org",
    "A.b+c@Example.ORG": "A.b+c@example.org",
    "~owner/name@localhost": "~owner/name@localhost",
    "u.owner.name+confirm-subscribe@lists.example.org": "u.owner.name+confirm-subscribe@lists.example.org",
    "!#$%&'*+-/=?^_`{|}~@x": "!#$%&'*+-/=?^_`{|}~@x",
    '"plain"@x': "plain@x",
    '"pl\\ain"@x': "plain@x",
    '"two words"@x': '"two words"@x',
    '"@"@x': '"@"@x',
    '"a\\"b\\\\c"@x': '"a\\"b\\\\c"@x',
    '""@x': '""@x',
    '".."@x': '".."@x',
    "a@[127.0.0.1]": "a@[127.0.0.1]",
    "a@[IPv6:::1]": "a@[ipv6:::1]",
    "a@1.2": "a@1.2",
    "a@x-y": "a@x-y",
    "grüße@bücher.example": "grüße@bücher.example",
    "用户@例子.中国": "用户@例子.中国",
    "x" * 256 + "@x": "x" * 256 + "@x",
    "a@" + ".".join(["x" * 63] * 3): "a@" + ".".join(["x" * 63] * 3),
}
BAD = [
    "",
    "a",
    "@",
    "a@",
    "@x",
    "a@@x",
    "a@b@c",
    ".a@x",
    "a.@x",
    "a..b@x",
    "a b@x",
    "a@x y",
    " a@x",
    "a@x ",
    "a@x\n",
    "a\r\n@x",
    "a\0@x",
    "a@x\0",
    "<a@x>",
    "a>@x",
    "a(comment)@x",
    "a,b@x",
    "a;b@x",
    '"a@x',
    'a"b"@x',
    '"a"b@x',
    '"a"b"@x',
    '"a\n"@x',
    '"a\\\n"@x',
    "a@-x",
    "a@x-",
    "a@x..y",
    "a@.x",
    "a@x.",
    "a@x_y",
    "a@" + "x" * 64,
    "a@" + ".".join(["x" * 63] * 4) + ".x",
    "x" * 257 + "@x",
    "ä" * 129 + "@x",
    "a@[300.0.0.1]",
    "a@[127.0.0.1",
    "a@[IPv6:zz]",
    "a@[]",
    "a@[example.org]",
    "a\u202e@x",
    "a\u200b@x",
    "a\x85@x",
    "a@x\u2028",
]


@pytest.mark.parametrize("text", GOOD)
def test_address(text: str) -> None:
    assert parse_address(text) == GOOD[text]
    assert parse_address(GOOD[text]) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_no_address(text: str) -> None:
    with pytest.raises(AddressError):
        parse_address(text)


def test_without_utf8() -> None:
    with pytest.raises(AddressError) as refused:
        parse_address("ä@x", utf8=False)
    assert refused.value.needs_utf8


@pytest.mark.parametrize(
    ("text", "address", "parameters"),
    [
        ("<a@x>", "a@x", {}),
        ("<>", "", {}),
        ("<@x,@y.z:a@b>  SIZE=10  body=8BITMIME", "a@b", {"SIZE": "10", "BODY": "8BITMIME"}),
        ('<"a>b"@x> SMTPUTF8', '"a>b"@x', {"SMTPUTF8": None}),
        ("<a@b> c=d e", "a@b", {"C": "d", "E": None}),
        ("<ä@x> SMTPUTF8", "ä@x", {"SMTPUTF8": None}),
    ],
)
def test_path(text: str, address: str, parameters: dict[str, str | None]) -> None:
    path = parse_path(text, null_allowed=True, utf8_allowed=False)
    assert (path.address, path.parameters) == (address, parameters)


@pytest.mark.parametrize("text", ["x", " =", " a=", " a==b", " a=b=c", " a a", " -a", " ä", " a=\x01"])
def test_bad_parameters(text: str) -> None:
    with pytest.raises(ValueError, match=r"parameter|bracket"):
        parse_parameters(text)


@given(st.text(max_size=40) | st.from_regex(r'[a"\\.@\[\] <>:]{0,20}'))
def test_whatever_is_taken_is_harmless_and_stays_as_it_is(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert not set(address) & set("\r\n\0")
    assert parse_address(address) == address
    assert parse_path(f"<{address}>", null_allowed=False, utf8_allowed=True).address == address
