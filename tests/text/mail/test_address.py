"""Addresses read out of whatever stands in a header field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.text.mail import Address, parse_addresses, render_address


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a@b.c", [("", "a@b.c")]),
        ("<a@b.c>", [("", "a@b.c")]),
        ("Ada L. <a@b.c>", [("Ada L.", "a@b.c")]),
        ('"Lovelace, Ada" <a@b.c>, b@c.d', [("Lovelace, Ada", "a@b.c"), ("", "b@c.d")]),
        ('"say \\"hi\\"" <a@b.c>', [('say "hi"', "a@b.c")]),
        ("=?utf-8?q?Lovelace=2C_Ada?= <a@b.c>", [("Lovelace, Ada", "a@b.c")]),
        ('"=?utf-8?q?caf=C3=A9?=" <a@b.c>', [("café", "a@b.c")]),
        ("a@b.c (Ada (the first))", [("Ada (the first)", "a@b.c")]),
        ("group: a@b.c, b@c.d;", [("", "a@b.c"), ("", "b@c.d")]),
        ("undisclosed-recipients:;", []),
        ("<@route,@x:a@b.c>", [("", "a@b.c")]),
        ("~ada/engines@lists.example.org", [("", "~ada/engines@lists.example.org")]),
        ('"a@evil.example" <a@b.c>', [("a@evil.example", "a@b.c")]),
        ("a@b.c <d@e.f>", [("a@b.c", "d@e.f")]),
        ("a@b.c\\0", [("", "a@b.c")]),
        ("Ada ada@b.c", [("Ada", "ada@b.c")]),
        ("ada @ b.c", [("", "ada@b.c")]),
        ("a@[127.0.0.1]", [("", "a@[127.0.0.1]")]),
        ('"odd local"@b.c', [("", '"odd local"@b.c')]),
        ("nobody", []),
        ("<>", []),
        ("Ada <ada>", []),
        ("@b.c", []),
        (",,, a@b.c ,,", [("", "a@b.c")]),
        ('"open <a@b.c>', [("open", "a@b.c")]),
        ("(open <a@b.c>", [("(open", "a@b.c")]),
        ("josé@exámple.org", [("", "josé@exámple.org")]),
    ],
)
def test_parse(value: str, expected: list[tuple[str, str]]) -> None:
    assert [(a.name, a.address) for a in parse_addresses(value)] == expected


NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), max_size=60)


@given(
    st.lists(st.tuples(NAMES, st.from_regex(r"[a-z~/+.]{1,20}@[a-z]{1,10}\.[a-z]{2,5}", fullmatch=True)), max_size=5)
)
def test_rendered_addresses_are_read_back(pairs: list[tuple[str, str]]) -> None:
    made = [Address(name, address) for name, address in pairs]
    folded = ", ".join(render_address(a).replace("\r\n", "") for a in made)
    assert parse_addresses(folded) == tuple(made)


@pytest.mark.parametrize("name", ["a\nBcc: x@y.z", "a\rb", "a\0b"])
def test_names_cannot_break_out(name: str) -> None:
    with pytest.raises(Invalid):
        render_address(Address(name, "a@b.c"))


@pytest.mark.parametrize("address", ["", "a", "a@b>, <c@d", "a b@c", "a@b\r\nBcc: c@d", "@b", "a@"])
def test_what_is_no_address_is_not_written(address: str) -> None:
    with pytest.raises(Invalid):
        render_address(Address("x", address))


@given(st.text(max_size=200))
def test_any_text_can_be_read(value: str) -> None:
    for address in parse_addresses(value):
        assert "@" in address.address and not set(address.address) & set("\r\n\0")
