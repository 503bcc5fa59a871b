"""Every function of the contract, by cases: an expression and its value."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from folkmoot.errors import Invalid
from folkmoot.text.rulesql import FUNCTION_NAMES, Select, Surroundings

COLUMNS: dict[str, Any] = {
    "id": "0005F8",
    "topic": "t/1/x",
    "qos": 1,
    "flags": {"retain": True, "dup": False, "sys": False},
    "clientid": "c1",
    "username": "ann",
    "peerhost": "127.0.0.1",
    "payload": '{"a":{"b":"c"},"n":null,"list":[3,1,2],"m":{"x":1,"y":2},"empty":""}',
    "filters": [{"topic": "t/1/x", "qos": 1}, {"topic": "s/#", "qos": 0}],
    "raw": b"\xff\x00",
}
NOW = 1_700_000_000_123_456_789


def surroundings() -> Surroundings:
    return Surroundings(lambda: NOW, random.Random(1), {"EMQXVAR_COLOUR": "green", "SECRET": "no"})


def value(expression: str) -> Any:
    found = Select(f'SELECT {expression} AS x FROM "t/#"').run(COLUMNS, surroundings())
    assert found is not None
    return found[0]["x"]


MESSAGE: dict[str, Any] = {
    "msgid()": "0005F8",
    "qos()": 1,
    "flags()": {"retain": True, "dup": False, "sys": False},
    "flag('retain')": True,
    "flag('dup')": False,
    "topic()": "t/1/x",
    "topic(2)": "1",
    "topic(9)": None,
    "clientid()": "c1",
    "username()": "ann",
    "peerhost()": "127.0.0.1",
    "clientip()": "127.0.0.1",
    "payload()": COLUMNS["payload"],
    "payload('a.b')": "c",
    "payload('a.z')": None,
    "contains_topic(filters, 't/1/x')": True,
    "contains_topic(filters, 't/1/x', 0)": False,
    "contains_topic(filters, 's/1')": False,
    "contains_topic_match(filters, 's/1')": True,
    "contains_topic_match(filters, 's/1', 1)": False,
    "null()": None,
    "coalesce(payload.nothing, 2)": 2,
    "coalesce(0, 2)": 0,
    "coalesce([payload.n, '', 3])": "",
    "coalesce_ne(payload.empty, 'x')": "x",
    "coalesce_ne([payload.n, '', 3])": 3,
}
MATH: dict[str, Any] = {
    "abs(-3)": 3,
    "abs(-3.5)": 3.5,
    "acos(1)": 0.0,
    "acosh(1)": 0.0,
    "asin(0)": 0.0,
    "asinh(0)": 0.0,
    "atan(0)": 0.0,
    "atanh(0)": 0.0,
    "ceil(1.2)": 2,
    "ceil(-1.2)": -1,
    "cos(0)": 1.0,
    "cosh(0)": 1.0,
    "exp(1)": math.e,
    "floor(1.9)": 1,
    "floor(-1.1)": -2,
    "fmod(7.5, 2)": 1.5,
    "log(1)": 0.0,
    "log10(1000)": 3.0,
    "log2(8)": 3.0,
    "power(2, 10)": 1024.0,
    "round(2.5)": 3,
    "round(-2.5)": -3,
    "round(2.4)": 2,
    "sin(0)": 0.0,
    "sinh(0)": 0.0,
    "sqrt(9)": 3.0,
    "tan(0)": 0.0,
    "tanh(0)": 0.0,
    "mod(-7, 2)": -1,
    "eq(1, 1)": True,
    "eq('a', 'b')": False,
}
BITS: dict[str, Any] = {
    "bitnot(10)": -11,
    "bitand(10, 8)": 8,
    "bitor(10, 6)": 14,
    "bitxor(10, 6)": 12,
    "bitsl(8, 2)": 32,
    "bitsr(8, 2)": 2,
    "bitsize('abc')": 24,
    "bytesize('hä')": 3,
    "bytesize(raw)": 2,
    "subbits('abc', 8)": 97,
    "subbits('abc', 9, 8)": 98,
    "subbits('abc', 17, 100)": 99,
    "subbits('abc', 5, 4)": 1,
    "subbits('abc', 99, 4)": None,
    "subbits(raw, 1, 8, 'integer', 'signed')": -1,
    "subbits('ab', 1, 16, 'integer', 'unsigned', 'little')": 0x6261,
    "subbits(hexstr2bin('3FF8000000000000'), 1, 64, 'float')": 1.5,
    "subbits('abc', 9, 16, 'bits')": "bc",
}
CONVERT: dict[str, Any] = {
    "str(1)": "1",
    "str(1.5)": "1.5",
    "str(true)": "true",
    "str(payload.m)": '{"x":1,"y":2}',
    "str([1, 'a'])": '[1,"a"]',
    "str(null())": "undefined",
    "str_utf8('ä')": "ä",
    "str_utf16_le('ab')": "a\0b\0",
    "bool('true')": True,
    "bool(0)": False,
    "int('12')": 12,
    "int('1.9')": 1,
    "int(-1.5)": -2,
    "int(true)": 1,
    "float('1.5')": 1.5,
    "float(2)": 2.0,
    "float('1.2345', 2)": 1.23,
    "float2str(20.2, 10)": "20.2",
    "float2str(20.25, 1)": "20.2",
    "float2str(3, 2)": "3.0",
    "map('{\"a\":1}')": {"a": 1},
    "bin2hexstr('ab')": "6162",
    "bin2hexstr('ab', '0x')": "0x6162",
    "hexstr2bin('6162')": "ab",
    "hexstr2bin('0x6162', '0x')": "ab",
    "hexstr2bin('ff')": b"\xff",
    "sqlserver_bin2hexstr('ab')": "0x6162",
}
KINDS: dict[str, Any] = {
    "is_null(payload.nothing)": True,
    "is_null(1)": False,
    "is_not_null(1)": True,
    "is_null_var(payload.n)": True,
    "is_not_null_var(payload.n)": False,
    "is_str('a')": True,
    "is_str(1)": False,
    "is_bool(false)": True,
    "is_int(1)": True,
    "is_int(true)": False,
    "is_int(1.0)": False,
    "is_float(1.0)": True,
    "is_num(1)": True,
    "is_num('1')": False,
    "is_map(payload.m)": True,
    "is_map('x')": False,
    "is_array(payload.list)": True,
    "is_array(1)": False,
    "is_empty([])": True,
    "is_empty(map_new())": True,
    "is_empty('{}')": True,
    "is_empty([1])": False,
}
STRINGS: dict[str, Any] = {
    "lower('AbÄ')": "abä",
    "upper('abä')": "ABÄ",
    "trim('  a ')": "a",
    "ltrim('  a ')": "a ",
    "rtrim('  a ')": "  a",
    "rtrim('axx', 'x')": "a",
    "reverse('abc')": "cba",
    "strlen('häß')": 3,
    "substr('abcdef', 2)": "cdef",
    "substr('abcdef', 1, 3)": "bcd",
    "substr('abcdef', -2)": "ef",
    "split('a/b//c', '/')": ["a", "b", "c"],
    "split('a/b//c', '/', 'notrim')": ["a", "b", "", "c"],
    "split('a/b/c', '/', 'leading')": ["a", "b/c"],
    "split('/b/c', '/', 'leading')": ["b/c"],
    "split('/b/c', '/', 'leading_notrim')": ["", "b/c"],
    "split('a/b/c', '/', 'trailing')": ["a/b", "c"],
    "split('a/b/', '/', 'trailing_notrim')": ["a/b", ""],
    "tokens('a,b;;c', ',;')": ["a", "b", "c"],
    "tokens('a,b;c', ',')": ["a", "b;c"],
    "concat('a', 1)": "a1",
    "concat(['a', 'b', 3])": "ab3",
    "concat('a', raw)": b"a\xff\x00",
    "sprintf('~s is ~p', 'a', 1)": "a is 1",
    "sprintf('~p', 'a')": '<<"a">>',
    "sprintf('~.2f|~6.1f|~e', 1.234, 2.55, 10.0)": "1.23|   2.5|1.000000e+01",
    "sprintf('~5s|~-5s|~~~n', 'a', 'b')": "    a|b    |~\n",
    "sprintf('~.16b ~.16B ~c', 255, 255, 65)": "ff FF A",
    "pad('a', 3)": "a  ",
    "pad('a', 3, 'leading')": "  a",
    "pad('a', 4, 'both', '*')": "*a**",
    "pad('abc', 2)": "abc",
    "replace('aXbXc', 'X', '-')": "a-b-c",
    "replace('aXbXc', 'X', '-', 'leading')": "a-bXc",
    "replace('aXbXc', 'X', '-', 'trailing')": "aXb-c",
    "regex_match('abc123', '[a-c]+\\d+')": True,
    "regex_match('abc', '^b')": False,
    "regex_replace('ab1cd3ef', '\\d', '[&]')": "ab[1]cd[3]ef",
    "regex_replace('john smith', '(\\w+) (\\w+)', '\\2 \\1')": "smith john",
    "regex_extract('Number: 12345', '(\\d+)')": ["12345"],
    "regex_extract('Hello, World', '(\\w+).*?\\s(\\w+)')": ["Hello", "World"],
    "regex_extract('abc', '(\\d+)')": [],
    "ascii('a')": 97,
    "find('..abc..abc', 'abc')": "abc..abc",
    "find('..abc..abc', 'abc', 'trailing')": "abc",
    "find('..', 'abc')": "",
    "rm_prefix('foo/bar', 'foo/')": "bar",
    "rm_prefix('bar', 'foo/')": "bar",
    "join_to_string(['a', 1, 'b'])": "a, 1, b",
    "join_to_string('-', ['a', 1])": "a-1",
    "join_to_sql_values_string(['a', 1, null(), 'it''s'])": "'a', 1, NULL, 'it\\'s'",
    "map_to_redis_hset_args(payload.m)": ["x", "1", "y", "2"],
    "unescape('a\\nb\\x41\\\\')": "a\nbA\\",
    "jq('.a.b', payload)": ["c"],
    "jq('.list | map(. + 1) | .[]', payload)": [4, 2, 3],
    "jq('{k: .a.b, n}', payload)": [{"k": "c", "n": None}],
    "jq('.x', payload.m, 1000)": [1],
    "jq('.a |= 2', '{\"a\":1}')": [{"a": 2}],
}
MAPS: dict[str, Any] = {
    "map_new()": {},
    "map_get('a', payload)": {"b": "c"},
    "map_get('a.b', payload)": "c",
    "map_get('z', payload, 'none')": "none",
    "map_put('z', 1, payload.m)": {"x": 1, "y": 2, "z": 1},
    "map_put('p.q', 1, map_new())": {"p": {"q": 1}},
    "map_keys(payload.m)": ["x", "y"],
    "map_values(payload.m)": [1, 2],
    "map_to_entries(payload.m)": [{"key": "x", "value": 1}, {"key": "y", "value": 2}],
    "map_size(payload.m)": 2,
    "mget('x', payload.m)": 1,
    "mget('x.y', payload.m, 0)": 0,
    "mput('p.q', 1, map_new())": {"p.q": 1},
}
LISTS: dict[str, Any] = {
    "nth(2, payload.list)": 1,
    "nth(9, payload.list)": None,
    "length(payload.list)": 3,
    "length('[1,2]')": 2,
    "sublist(2, payload.list)": [3, 1],
    "sublist(2, 2, payload.list)": [1, 2],
    "first(payload.list)": 3,
    "last(payload.list)": 2,
    "contains(1, payload.list)": True,
    "contains('x', payload.list)": False,
}
CODECS: dict[str, Any] = {
    "md5('a')": "0cc175b9c0f1b6a831c399e269772661",
    "sha('a')": "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
    "sha256('a')": "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb",
    "hash('md5', 'a')": "0cc175b9c0f1b6a831c399e269772661",
    "strlen(hash('sha512', 'a'))": 128,
    "gunzip(gzip('häß'))": "häß",
    "gunzip(hexstr2bin('1F8B08000000000000034B040043BEB7E801000000'))": "a",
    "unzip(zip(raw))": b"\xff\x00",
    "zip_uncompress(zip_compress('a'))": "a",
    "is_str(gzip('a'))": True,
    "base64_encode('hello')": "aGVsbG8=",
    "base64_decode('aGVsbG8=')": "hello",
    "base64_decode(base64_encode(raw))": b"\xff\x00",
    "json_encode([1, 'a', null(), true])": '[1,"a",null,true]',
    "json_decode('{\"a\":[1]}')": {"a": [1]},
    "bin2hexstr(term_encode('a'))": "836D0000000161",
    "term_decode(term_encode([1, -1, 300, 5000000000, 1.5, 'a', null(), false, payload.m]))": [
        *(1, -1, 300, 5_000_000_000, 1.5, "a", None, False),
        {"x": 1, "y": 2},
    ],
    "term_decode(hexstr2bin('836B000161'))": [97],
    "term_decode(hexstr2bin('8368027703616263610A'))": ["abc", 10],
}
TIMES: dict[str, Any] = {
    "now_timestamp()": 1_700_000_000,
    "now_timestamp('millisecond')": 1_700_000_000_123,
    "now_timestamp('nanosecond')": NOW,
    "rfc3339_to_unix_ts(now_rfc3339())": 1_700_000_000,
    "rfc3339_to_unix_ts(now_rfc3339('microsecond'), 'microsecond')": 1_700_000_000_123_456,
    "rfc3339_to_unix_ts(unix_ts_to_rfc3339(77))": 77,
    "rfc3339_to_unix_ts('1970-01-02T00:00:01.5Z', 'millisecond')": 86_401_500,
    "rfc3339_to_unix_ts('1970-01-01T02:00:00+02:00')": 0,
    "strlen(unix_ts_to_rfc3339(77, 'millisecond'))": 29,
    "format_date('second', 'Z', '%Y-%m-%dT%H:%M:%S', 0)": "1970-01-01T00:00:00",
    "format_date('millisecond', '+02:00', '%H:%M:%S.%3N%z', 1)": "02:00:00.001+0200",
    "format_date('second', '-01:30', '%Y%:z %::z', 0)": "1969-01:30 -01:30:00",
    "format_date('second', 3600, '%d.%m.%Y %6N %N')": "14.11.2023 123456 123456789",
    "date_to_unix_ts('second', '%Y-%m-%d %H:%M:%S%z', '1970-01-01 02:00:00+0200')": 0,
    "date_to_unix_ts('millisecond', '%Y-%m-%d %H:%M:%S.%3N', '1970-01-01 00:00:01.250')": 1250,
    "date_to_unix_ts('second', '+01:00', '%Y-%m-%d', '1970-01-02')": 82_800,
    "timezone_to_second('+08:00')": 28_800,
    "timezone_to_second('Z')": 0,
    "timezone_to_offset_seconds('-01:30')": -5400,
    "mongo_date(0)": 'ISODate("1970-01-01T00:00:00.000Z")',
    "mongo_date(1, 'second')": 'ISODate("1970-01-01T00:00:01.000Z")',
    "mongo_date()": 'ISODate("2023-11-14T22:13:20.123Z")',
}
OTHERS: dict[str, Any] = {
    "getenv('COLOUR')": "green",
    "getenv('SECRET')": "",
    "random() < 1": True,
    "strlen(uuid_v4())": 36,
    "strlen(uuid_v4_no_hyphen())": 32,
    "regex_match(uuid_v4(), '^[0-9a-f-]+$')": True,
    "[proc_dict_put('k', 1), proc_dict_get('k'), proc_dict_del('k'), proc_dict_get('k')]": [1, 1, None, None],
    "[kv_store_put('k', [2]), kv_store_get('k'), kv_store_del('k'), kv_store_get('k', 'd')]": [[2], [2], None, "d"],
    "kv_store_get('nothing')": None,
}
CASES = MESSAGE | MATH | BITS | CONVERT | KINDS | STRINGS | MAPS | LISTS | CODECS | TIMES | OTHERS


@pytest.mark.parametrize("expression", CASES)
def test_a_function(expression: str) -> None:
    found = value(expression)
    assert found == CASES[expression]
    assert type(found) is type(CASES[expression])


#: The contract's list, §2.13.
LISTED = """
msgid qos flags flag topic clientid username peerhost clientip payload contains_topic contains_topic_match null
coalesce coalesce_ne abs acos acosh asin asinh atan atanh ceil cos cosh exp floor fmod log log10 log2 power round sin
sinh sqrt tan tanh mod eq bitnot bitand bitor bitxor bitsl bitsr bitsize bytesize subbits str str_utf8 str_utf16_le
bool int float float2str map bin2hexstr hexstr2bin sqlserver_bin2hexstr is_null is_not_null is_null_var
is_not_null_var is_str is_bool is_int is_float is_num is_map is_array is_empty lower upper trim ltrim rtrim reverse
strlen substr split tokens concat sprintf pad replace regex_match regex_replace regex_extract ascii find rm_prefix
join_to_string join_to_sql_values_string map_to_redis_hset_args unescape jq map_new map_get map_put map_keys
map_values map_to_entries map_size mget mput nth length sublist first last contains md5 sha sha256 hash gzip gunzip
zip unzip zip_compress zip_uncompress base64_encode base64_decode json_encode json_decode term_encode term_decode
now_timestamp now_rfc3339 unix_ts_to_rfc3339 rfc3339_to_unix_ts format_date date_to_unix_ts timezone_to_second
timezone_to_offset_seconds mongo_date getenv random uuid_v4 uuid_v4_no_hyphen proc_dict_get proc_dict_put
proc_dict_del kv_store_get kv_store_put kv_store_del
"""


def test_every_function_of_the_contract_is_here_and_has_a_case() -> None:
    names = set(LISTED.split())
    assert names == FUNCTION_NAMES
    called = " ".join(CASES)
    assert {name for name in names if f"{name}(" not in called} == set()


UNFIT = [
    *(
        "sqrt(-1)",
        "log(0)",
        "acos(2)",
        "abs('a')",
        "mod(1, 0)",
        "fmod(1, 0)",
        "power(0, -1)",
        "bitand(1.5, 1)",
        "bitsl('a', 1)",
    ),
    *(
        "int('x')",
        "bool('x')",
        "float('1_0')",
        "map('x')",
        "map('[1]')",
        "hexstr2bin('xy')",
        "split('a', 'b', 'x')",
        "pad('a', 'b')",
    ),
    *("pad('a', 3, 'x')", "pad('a', 3, 'both', 'xy')", "replace('a', 'b', 'c', 'x')", "ascii('ab')", "unescape('\\q')"),
    *(
        "unescape('\\xD800')",
        "sprintf('~s')",
        "sprintf('a', 1)",
        "sprintf('~q', 1)",
        "sprintf('~b', 1.5)",
        "regex_match('a', '(')",
    ),
    *(
        "jq('.a', 'no')",
        "jq('.a.b', '[1]')",
        "jq('}', '1')",
        "map_get('a', 1)",
        "map_keys('[]')",
        "nth('a', [1])",
        "length(1)",
    ),
    *("hash('x', 'a')", "gunzip('a')", "unzip('a')", "base64_decode('***')", "json_decode('x')", "term_decode('a')"),
    *(
        "term_decode(hexstr2bin('8365'))",
        "now_timestamp('day')",
        "rfc3339_to_unix_ts('x')",
        "rfc3339_to_unix_ts('2020-13-01T00:00:00Z')",
    ),
    *(
        "format_date('second', 'x', '%Y', 0)",
        "date_to_unix_ts('second', '%Y-%m-%d', '2020-02-30')",
        "timezone_to_second('+99:00')",
    ),
    *(
        "unix_ts_to_rfc3339(99999999999999)",
        "subbits('a', 1, 8, 'x')",
        "subbits('a', 1, 8, 'float')",
        "contains(1, 'x')",
    ),
]


@pytest.mark.parametrize("expression", UNFIT)
def test_what_does_not_fit(expression: str) -> None:
    with pytest.raises(Invalid) as caught:
        value(expression)
    assert caught.value.code == "sql.value", caught.value.message


BOMB = "gzip(pad('', 4000000))"
TOO_MUCH = [
    *("bitsl(1, 100000)", "pad('a', 100000000)", "sprintf('~99999999s', 'a')", "exp(1000)", "power(10, 400)"),
    "replace(pad('', 100000, 'leading', 'a'), 'a', pad('', 1000))",
    f"[gunzip({BOMB}), gunzip({BOMB})]",
    "regex_match('a', '(a+)+')",
    "regex_match('a', '(a|a)*')",
    "regex_match('a', '(a?a?)*')",
    "regex_match('a', '(a|ab)+')",
    "regex_match(pad('', 30, 'leading', 'a'), '" + "a?" * 30 + "a" * 30 + "')",
    "regex_match(pad('', 100000, 'leading', 'a'), 'a*b')",
    "regex_match(pad('', 1000, 'leading', 'a'), '.*.*.*=')",
    "regex_match('a', '" + "a" * 2000 + "')",
    "regex_replace(pad('', 5000, 'leading', 'a'), 'a', pad('', 5000))",
    *(
        "jq('def f: f; f', '1')",
        "jq('[range(1000000000)]', '1')",
        "jq('$ENV', '1')",
        "jq('env', '1')",
        "jq('input', '1')",
    ),
    *(
        "jq('repeat(1)', '1')",
        "jq('.a * .b', '{}')",
        "jq('. * 100000', '\"a\"')",
        "jq('.[.n] = 1', '{}')",
        "jq('include \"x\"; 1', '1')",
    ),
    *(
        "jq('.. | .. | .. | ..', '1')",
        "jq('[.[] | .[] | .[]]', '\"' + pad('', 600) + '\"')",
        "jq('test(\"a\")', '\"a\"')",
    ),
    "jq('" + "(1,2)|" * 10 + "1', '1')",
    *(
        "jq('" + "|".join([stage] * 40) + "', '[\"a\"]')"
        for stage in ("[.,.]", "{a: ., b: .}", ". + .", "tojson", "@json")
    ),
    "jq('. * 1000 | . * 1000', '\"a\"')",
    "jq('1', '\"' + pad('', 70000) + '\"')",
    "kv_store_put('k', pad('', 70000))",
    "term_decode(hexstr2bin('836C7FFFFFFF'))",
]


@pytest.mark.parametrize("expression", TOO_MUCH, ids=lambda expression: expression[:40])
def test_what_would_be_too_much(expression: str) -> None:
    with pytest.raises(Invalid) as caught:
        value(expression)
    assert caught.value.code in ("sql.limit", "sql.value"), caught.value.message


def test_what_is_kept_is_bounded() -> None:
    around = surroundings()
    put = Select('SELECT kv_store_put(key, 1) AS x FROM "t"')
    for number in range(10_000):
        put.run({"key": number}, around)
    with pytest.raises(Invalid):
        put.run({"key": "one more"}, around)
    assert put.run({"key": 5}, around) == [{"x": 1}]


def test_regular_expressions_people_write_are_taken() -> None:
    for pattern in (
        r"^[a-z]+/(\d+)/(.*)$",
        r"[a-z0-9._]+@[a-z0-9-]+\.[a-z]{2,6}",
        r"(\d{1,3}\.){3}\d{1,3}",
        r"(?i)error|warning",
        r"^device-([0-9a-f]{4}-)*x$",
        r'"temp"\s*:\s*(-?\d+(?:\.\d+)?)',
    ):
        quoted = pattern.replace("'", "''")
        assert value(f"regex_match('{'a1-' * 60}', '{quoted}')") in (True, False)
