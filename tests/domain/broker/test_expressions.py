"""Little expressions over what a client gave."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker.expressions import evaluate, names_of, parse
from folkmoot.domain.broker.model import Client

NAMES = {"clientid": "north-17-x", "username": "Ann", "client_attrs.site": " a,b;c "}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("clientid", "north-17-x"),
        ("'it'", "it"),
        ('"it"', "it"),
        ("12", "12"),
        ("none", ""),
        ("concat(lower(username), '/', upper('b'), 3)", "ann/B3"),
        ("concat(['a', username])", "aAnn"),
        ("nth(2, tokens(clientid, '-'))", "17"),
        ("nth(-1, split(clientid, '-'))", "x"),
        ("nth(9, split(clientid, '-'))", ""),
        ("join_to_string('.', tokens(trim(client_attrs.site), ',;'))", "a.b.c"),
        ("coalesce(none, '', username)", "Ann"),
        ("coalesce([none, clientid])", "north-17-x"),
        ("substr(clientid, 6)", "17-x"),
        ("substr(clientid, 0, 5)", "north"),
        ("replace(clientid, '-', '')", "north17x"),
        ("rm_prefix(clientid, 'north-')", "17-x"),
        ("iif(str_eq(username, 'Ann'), 'yes', 'no')", "yes"),
        ("iif(is_empty(username), 'yes', 'no')", "no"),
        ("hash('md5', 'a')", "0cc175b9c0f1b6a831c399e269772661"),
        ("hash('none', 'a')", ""),
        ("lower(1)", ""),
        ("${username}@${none}${ clientid }", "Ann@north-17-x"),
    ],
)
def test_values(text: str, expected: str) -> None:
    assert evaluate(text, NAMES) == expected


@pytest.mark.parametrize(
    "text", ["", "a b", "concat('a'", "concat('a' 'b')", "unknown()", "'open", "(a)", "a)", "x" * 5000, "[" * 50, ","]
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError, match=r"expression|missing|made of|function|place|follow"):
        parse(text)


def test_names_are_those_of_the_client() -> None:
    client = Client(client_id="c", username=None, address="::1", port=5, common_name="cn", attrs={"a": "1"})
    names = names_of(client, {"p": "2"})
    assert (names["clientid"], names["username"], names["peername"], names["cn"]) == ("c", "", "::1:5", "cn")
    assert (names["client_attrs.a"], names["user_property.p"]) == ("1", "2")
