"""Templates with `${…}`."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.text.placeholders import MISSING, Template, fill, lookup

COLUMNS: dict[str, Any] = {
    "clientid": "c1",
    "qos": 1,
    "ratio": 0.5,
    "ok": True,
    "none": None,
    "raw": b"\xff\x00",
    "payload": '{"a": {"b": [1, 2]}, "t": "ü"}',
    "bytes_json": b'{"x": 7}',
    "map": {"k": b"v", "n": [1, None]},
    "pub_props": {"User-Property": {"a.b": "c"}},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("", ""),
        ("plain $ { } ${} ${", "plain $ { } ${} ${"),
        ("${clientid}/${qos}", "c1/1"),
        ("${ratio} ${ok} ${none}", "0.5 true null"),
        ("${payload.a.b}", "[1,2]"),
        ("${payload.t}", "ü"),
        ("${bytes_json.x}", "7"),
        ("${map}", '{"k":"v","n":[1,null]}'),
        ("${map.k}${map.gone}", "vundefined"),
        ("${gone}", "undefined"),
        ("${clientid.deeper}", "undefined"),
        ("${pub_props.'User-Property'.'a.b'}", "c"),
        ("${$}{clientid}", "${clientid}"),
        ("${ clientid }", "c1"),
        ("${.clientid}", "c1"),
        ("${a${clientid}", "${ac1"),
    ],
)
def test_values_stand_where_their_names_stood(template: str, expected: str) -> None:
    assert fill(template, COLUMNS) == expected


def test_a_dot_is_everything() -> None:
    assert fill("<${.}>", {"a": 1, "b": b"x"}) == '<{"a":1,"b":"x"}>'


def test_bytes_stay_bytes() -> None:
    assert Template("[${raw}]").render(COLUMNS) == b"[\xff\x00]"


def test_missing_values_and_escapes_are_the_callers() -> None:
    template = Template("${gone}-${clientid}")
    assert template.text(COLUMNS, missing="") == "-c1"
    assert template.text(COLUMNS, escape=str.upper) == "UNDEFINED-C1"
    assert template.names == ("gone", "clientid")


def test_a_placeholder_alone_gives_the_value_itself() -> None:
    assert Template("${qos}").value(COLUMNS) == 1
    assert Template("${map}").value(COLUMNS) is COLUMNS["map"]
    assert Template("${gone}").value(COLUMNS) is MISSING
    assert Template("q${qos}").value(COLUMNS) == "q1"
    assert Template("2").value(COLUMNS) == "2"


def test_what_is_no_json_has_nothing_inside() -> None:
    assert lookup({"payload": "[" * 100_000}, ("payload", "a")) is MISSING
    assert lookup({"payload": b"\xff"}, ("payload", "a")) is MISSING
