from __future__ import annotations

import enum
import json
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from folkmoot.errors import Invalid
from folkmoot.net import decoding


class Sort(enum.Enum):
    HOT = "Hot"
    NEW = "New"


class Inner(msgspec.Struct):
    topic: str = ""


class Wanted(msgspec.Struct, rename={"kind": "type"}):
    name: str
    count: int = 0
    flag: bool | None = None
    ratio: float = 0.0
    tags: list[str] = []
    ids: list[int] = []
    sort: Sort = Sort.HOT
    qos: Literal[0, 1, 2] = 0
    per_page: int | str = 20
    since: datetime | None = None
    kind: str | msgspec.UnsetType = msgspec.UNSET
    items: list[Inner] = []


def refusal(call: Any) -> Invalid:
    with pytest.raises(Invalid) as caught:
        call()
    return caught.value


def test_json_of_the_declared_types() -> None:
    found = decoding.decode_json(b'{"name":"a","count":3,"flag":null,"unknown":[1],"type":"t"}', Wanted)
    assert (found.name, found.count, found.flag, found.kind) == ("a", 3, None, "t")


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b'{"name":"a","count":"3"}', "count", "Expected `int`, got `str`"),
        (b'{"name":"a","flag":1}', "flag", "Expected `bool | null`, got `int`"),
        (b'{"name":1}', "name", "Expected `str`, got `int`"),
        (b'{"name":"a","items":[{},{"topic":1}]}', "items[1].topic", "Expected `str`, got `int`"),
        (b"{}", "name", "missing field `name`"),
        (b"", "name", "missing field `name`"),
        (b"[]", None, "Expected `object`, got `array`"),
        (b'{"name":"a","sort":"Cold"}', "sort", "Invalid enum value 'Cold'"),
        (b'{"name":"a', None, "not JSON"),
        (b'{"name":"a"} x', None, "not JSON"),
        (b'{"name":"\xff"}', None, "UTF-8"),
        (b'{"name":"a","ignored":"\xff"}', None, "UTF-8"),
        (b'{"name":"\\ud800"}', None, "not JSON"),
        (b'{"name":"x\\ud800x"}', None, "not JSON"),
        (b'{"name":"\\udc00"}', None, "not JSON"),
        (b'{"name":"a\\u0000b"}', "name", "NUL"),
        (b'{"name":"a","items":[{"topic":"\\u0000"}]}', "items[0].topic", "NUL"),
        (b'{"name":"a","count":9223372036854775808}', "count", "too large"),
        (b'{"name":"a","x":' + b"[" * 200_000 + b"]" * 200_000 + b"}", None, "too deeply"),
    ],
)
def test_json_that_is_refused(body: bytes, field: str | None, words: str) -> None:
    error = refusal(lambda: decoding.decode_json(body, Wanted))
    assert error.field == field
    assert words in error.message


def test_deep_json_that_is_wanted_is_refused_too() -> None:
    for depth in (990, 5_000, 200_000):
        body = b"[" * depth + b'"\\u0000"' + b"]" * depth
        assert isinstance(refusal(lambda body=body: decoding.decode_json(body, Any)), Invalid)


def test_json_edges_that_are_taken() -> None:
    assert decoding.decode_json(b'{"name":"\\ud83d\\ude00"}', Wanted).name == "😀"
    assert decoding.decode_json(b'{"name":"\\\\u0000"}', Wanted).name == "\\u0000"
    assert decoding.decode_json(b'{"name":"a\\u0000"}', Wanted, allow_nul=True).name == "a\0"
    assert decoding.decode_json(b'{"name":"a","count":9223372036854775807}', Wanted).count == 2**63 - 1
    assert decoding.decode_json(b'[{"topic":"a"}]', list[Inner]) == [Inner("a")]


def test_query_of_the_declared_types() -> None:
    raw = b"name=a%20b+c&count=-3&flag=true&ratio=1.5e2&tags=x&tags=y&ids[]=1&ids[]=2&sort=New&qos=2&type=t&other=1"
    found = decoding.decode_pairs(decoding.parse_query(raw), Wanted)
    assert found == Wanted("a b c", -3, True, 150.0, ["x", "y"], [1, 2], Sort.NEW, 2, 20, None, "t")


def test_query_leniences() -> None:
    read = lambda raw: decoding.decode_pairs(decoding.parse_query(raw), Wanted)  # noqa: E731
    assert read(b"name=&count=&flag=&ids=") == Wanted("")
    assert read(b"name=a&name=b&count=1&count=x").name == "a"
    assert read(b"name=a&per_page=all").per_page == "all"
    assert read(b"name=a&per_page=7").per_page == 7
    assert read(b"name=a&since=2026-01-02T03:04:05Z").since == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert read(b"name=5").name == "5"
    words = {"1": True, "t": True, "0": False}
    assert decoding.decode_pairs([("name", "a"), ("flag", "1")], Wanted, booleans=words).flag is True
    absent = [("name", "undefined"), ("count", "undefined"), ("flag", "null"), ("ids", "null"), ("sort", "Hot")]
    found = decoding.decode_pairs(absent, Wanted, absent=("undefined", "null"))
    assert (found.name, found.count, found.flag, found.ids) == ("undefined", 0, None, [])
    assert refusal(lambda: decoding.decode_pairs(absent, Wanted)).field == "count"


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (b"count=1", "name"),
        (b"name=a&count=x", "count"),
        (b"name=a&count=1.0", "count"),
        (b"name=a&count=1e3", "count"),
        (b"name=a&count=%201", "count"),
        (b"name=a&count=9223372036854775808", "count"),
        (b"name=a&count=%D9%A1", "count"),
        (b"name=a&flag=True", "flag"),
        (b"name=a&flag=1", "flag"),
        (b"name=a&ratio=nan", "ratio"),
        (b"name=a&ratio=1e999", "ratio"),
        (b"name=a&qos=3", "qos"),
        (b"name=a&ids=1&ids=x", "ids[1]"),
        (b"name=a&items=x", "items[0]"),
        (b"name=%00", "name"),
        (b"name=%ff", None),
        (b"name=\xff", None),
        (b"&".join([b"a=1"] * 1001), None),
    ],
)
def test_query_that_is_refused(raw: bytes, field: str | None) -> None:
    assert refusal(lambda: decoding.decode_pairs(decoding.parse_query(raw), Wanted)).field == field


def multipart(*parts: bytes, end: bytes = b"--B--\r\n") -> bytes:
    return b"".join(b"--B\r\n" + part + b"\r\n" for part in parts) + end


MULTIPART = "multipart/form-data; boundary=B"


def test_multipart_fields_and_files() -> None:
    body = multipart(
        b'Content-Disposition: form-data; name="name"\r\n\r\nann \xc3\xa4',
        b'Content-Disposition: form-data; name="file"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x00\xff',
    )
    form = decoding.parse_form(body, MULTIPART)
    assert form.fields == [("name", "ann ä")]
    assert form.files == [decoding.Upload("file", "a.png", "image/png", b"\x00\xff")]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (multipart(b'Content-Disposition: form-data; name="a"\r\n\r\n1'), "multipart/form-data"),
        (multipart(b'Content-Disposition: form-data; name="a"\r\n\r\n1', end=b""), MULTIPART),
        (multipart(b"Content-Disposition: form-data\r\n\r\n1"), MULTIPART),
        (multipart(b'Content-Disposition: form-data; name="a"\r\n\r\n\xff'), MULTIPART),
        (multipart(*[b'Content-Disposition: form-data; name="a"\r\n\r\n1'] * 1001), MULTIPART),
        (b"garbage", MULTIPART),
    ],
)
def test_multipart_that_is_refused(body: bytes, content_type: str) -> None:
    refusal(lambda: decoding.parse_form(body, content_type))


def test_urlencoded_form() -> None:
    form = decoding.parse_form(b"a=1&b=%20", "application/x-www-form-urlencoded; charset=utf-8")
    assert (form.fields, form.files) == ([("a", "1"), ("b", " ")], [])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200) | st.dictionaries(st.sampled_from(["name", "count", "tags"]), JSON).map(json.dumps))
def test_any_body_decodes_or_is_refused(body: bytes | str) -> None:
    raw = body.encode() if isinstance(body, str) else body
    for read in (
        lambda: decoding.decode_json(raw, Wanted),
        lambda: decoding.decode_pairs(decoding.parse_query(raw), Wanted),
        lambda: decoding.parse_form(raw, MULTIPART),
        lambda: decoding.parse_form(b"--B\r\n" + raw, MULTIPART),
    ):
        try:
            found = read()
        except Invalid:
            continue
        assert b"\0" not in msgspec.json.encode(found)


def test_a_part_left_undecoded_is_left_alone() -> None:
    class Frame(msgspec.Struct):
        op: str
        data: msgspec.Raw

    frame = decoding.decode_json(b'{"op": "x", "data": {"id": 99999999999999999999, "name": "a\\u0000"}}', Frame)
    with pytest.raises(Invalid):
        decoding.decode_json(bytes(frame.data), dict[str, Any])
