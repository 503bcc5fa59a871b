"""What a statement selects: clauses, paths, aliases, operators, and the errors of what is none."""

from __future__ import annotations

from typing import Any

import pytest

from folkmoot.errors import Invalid
from folkmoot.text.rulesql import Select, Surroundings

PAYLOAD = '{"a":{"b":[10,20,30,40]},"n":5,"text":"five","sensors":[{"name":"x","idx":1},{"name":"y","idx":2}],"end":7}'
COLUMNS: dict[str, Any] = {
    "topic": "t/1/x",
    "qos": 1,
    "clientid": "c1",
    "username": "ann",
    "payload": PAYLOAD,
    "pub_props": {"User-Property": {"k": "v"}},
}


def run(sql: str, columns: dict[str, Any] = COLUMNS) -> list[dict[str, Any]] | None:
    return Select(sql).run(columns, Surroundings())


def value(expression: str) -> Any:
    found = run(f'SELECT {expression} AS x FROM "t/#"')
    assert found is not None
    return found[0]["x"]


EXPRESSIONS: dict[str, Any] = {
    "1 + 2 * 3": 7,
    "(1 + 2) * 3": 9,
    "10 - 2 - 3": 5,
    "7 / 2": 3.5,
    "4 / 2": 2.0,
    "7 div 2": 3,
    "-7 div 2": -3,
    "-7 mod 2": -1,
    "7 MOD 4": 3,
    "mod(7, 4)": 3,
    "- 3 + +5": 2,
    "2 - -3": 5,
    "-payload.n": -5,
    "1.5e2": 150.0,
    "'a' + 'b'": "ab",
    "'it''s'": "it's",
    "'back\\slash'": "back\\slash",
    "'--no comment'": "--no comment",
    "1 = 1.0": True,
    "1 = '1'": True,
    "'a' = 'a'": True,
    "true = 'true'": True,
    "true = 1": False,
    "1 <> 2": True,
    "1 != 1": False,
    "'a' < 'b'": True,
    "2 >= '2'": True,
    "payload.nothing > 1": False,
    "payload.nothing < 1": False,
    "payload.nothing <= payload.nothing": False,
    "'10' > 9": True,
    "TRUE and false": False,
    "true or false": True,
    "NOT false": True,
    "not (1 = 1)": False,
    "not 1 = 2": True,
    "1 = 1 and not 2 = 3 or false": True,
    "topic =~ 't/+/x'": True,
    "topic =~ 't/#'": True,
    "topic =~ 't/+'": False,
    "'$SYS/x' =~ '#'": False,
    "payload.n in (1, 5)": True,
    "payload.n IN (1, 2)": False,
    "payload.n not in (1, 2)": True,
    "payload.text in ('five')": True,
    "5 in (payload.a.b[1..2])": False,
    "20 in (payload.a.b)": True,
    "case when payload.n > 3 then 'big' else 'small' end": "big",
    "CASE WHEN payload.n > 9 THEN 'big' END": None,
    "case payload.n when 4 then 'four' when 5 then 'five' end": "five",
    "[1, 'a', [2]]": [1, "a", [2]],
    "[]": [],
    "[2..4]": [2, 3, 4],
    "[3..1]": [],
    "payload.a.b": [10, 20, 30, 40],
    "payload.a.b[1]": 10,
    "payload.a.b[-1]": 40,
    "payload.a.b[0]": None,
    "payload.a.b[9]": None,
    "payload.a.b[payload.n - 3]": 20,
    "payload.a.b[2..3]": [20, 30],
    "payload.a.b[-2..-1]": [30, 40],
    "payload.sensors[2].name": "y",
    "payload.end": 7,
    "payload.a.nothing.more": None,
    "topic.a": None,
    "nothing": None,
    "pub_props.'User-Property'.k": "v",
    'pub_props."User-Property".k': "v",
    "UPPER('x')": "X",
    "json_decode('{\"k\":[1,2]}').k[2]": 2,
    "map_get('a', payload).b[1]": 10,
}


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression(expression: str) -> None:
    found = value(expression)
    assert found == EXPRESSIONS[expression]
    assert type(found) is type(EXPRESSIONS[expression])


SELECTED: dict[str, tuple[str, list[dict[str, Any]] | None]] = {
    "everything": ('SELECT * FROM "t/#"', [COLUMNS]),
    "everything and more": ('SELECT *, qos + 1 AS more FROM "t/#"', [{**COLUMNS, "more": 2}]),
    "a changed column": ("SELECT *, 'x' AS username FROM \"t/#\"", [{**COLUMNS, "username": "x"}]),
    "an alias without AS": ('SELECT qos q, clientid FROM "t"', [{"q": 1, "clientid": "c1"}]),
    "a path is its own alias": (
        'SELECT payload.n, payload.text, qos FROM "t"',
        [{"payload": {"n": 5, "text": "five"}, "qos": 1}],
    ),
    "a nested alias": ('SELECT qos AS a.b.c, 2 AS a.d FROM "t"', [{"a": {"b": {"c": 1}, "d": 2}}]),
    "an alias used later": ('SELECT qos + 1 AS q, q * 2 AS r FROM "t"', [{"q": 2, "r": 4}]),
    "a nested alias used later": ('SELECT 3 AS a.b, a.b + 1 AS c FROM "t"', [{"a": {"b": 3}, "c": 4}]),
    "an alias into the payload": (
        'SELECT 1 AS payload.new, payload.n AS n, payload.new AS m FROM "t"',
        [{"payload": {"new": 1}, "n": 5, "m": 1}],
    ),
    "an alias in a list": ('SELECT [1,2] AS a, 9 AS a[1], 8 AS a[-1] FROM "t"', [{"a": [9, 8]}]),
    "an alias in WHERE": ('SELECT payload.n AS n FROM "t" WHERE n = 5', [{"n": 5}]),
    "WHERE on a column": ("SELECT qos FROM \"t\" WHERE clientid = 'c2'", None),
    "WHERE is no boolean": ('SELECT qos FROM "t" WHERE payload.n', None),
    "a function is its own alias": ('SELECT upper(username) FROM "t"', [{"upper": "ANN"}]),
    "comments": ('SELECT -- what\n qos -- and\n FROM "t" -- where', [{"qos": 1}]),
    "keywords in any case": ('sElEcT qos fRoM "t" wHeRe 1 = 1', [{"qos": 1}]),
    "a semicolon": ('SELECT qos FROM "t";', [{"qos": 1}]),
    "names in their case": ('SELECT QoS AS x, qos AS X FROM "t"', [{"x": None, "X": 1}]),
    "each item": (
        'FOREACH payload.sensors FROM "t"',
        [{**COLUMNS, "item": {"name": "x", "idx": 1}}, {**COLUMNS, "item": {"name": "y", "idx": 2}}],
    ),
    "each item under its name": (
        'FOREACH qos + 1 AS q, payload.a.b[1..2] AS s INCASE s > 10 FROM "t"',
        [{**COLUMNS, "q": 2, "s": 20}],
    ),
    "each of what a function makes": (
        "FOREACH split('a,b', ',') FROM \"t\"",
        [{**COLUMNS, "item": "a"}, {**COLUMNS, "item": "b"}],
    ),
    "each with DO": (
        'FOREACH payload.sensors AS s DO s.name AS name, clientid FROM "t"',
        [{"name": "x", "clientid": "c1"}, {"name": "y", "clientid": "c1"}],
    ),
    "each as item": ('FOREACH payload.sensors DO item.idx AS i FROM "t"', [{"i": 1}, {"i": 2}]),
    "each with INCASE": ('FOREACH payload.sensors AS s DO s.name INCASE s.idx >= 2 FROM "t"', [{"s": {"name": "y"}}]),
    "each with WHERE": ('FOREACH payload.sensors FROM "t" WHERE qos = 0', None),
    "each with what comes before": (
        'FOREACH qos + 1 AS q, payload.sensors AS s DO s.idx * q AS r FROM "t"',
        [{"r": 2}, {"r": 4}],
    ),
    "each of nothing": ('FOREACH payload.nothing FROM "t"', []),
    "each of a range": (
        'FOREACH [1..3] AS i DO i * i AS square FROM "t"',
        [{"square": 1}, {"square": 4}, {"square": 9}],
    ),
}


@pytest.mark.parametrize("name", SELECTED)
def test_a_statement(name: str) -> None:
    sql, expected = SELECTED[name]
    assert run(sql) == expected


def test_topics_of_all_kinds() -> None:
    sql = """SELECT * FROM "t/#", "$events/client_connected", "$bridges/mqtt:up", '$sources/mqtt:in'"""
    found = Select(sql)
    assert found.topics == ("t/#", "$events/client_connected", "$bridges/mqtt:up", "$sources/mqtt:in")
    assert not found.is_foreach
    assert Select('FOREACH a FROM "t"').is_foreach


def test_columns_are_not_changed() -> None:
    columns = {"payload": {"a": {"b": 1}}, "qos": 1}
    assert run('SELECT *, 2 AS payload.a.b, 3 AS qos FROM "t"', columns) == [{"payload": {"a": {"b": 2}}, "qos": 3}]
    assert columns == {"payload": {"a": {"b": 1}}, "qos": 1}


WRONG = {
    "": "Line 1, column 1: SELECT or FOREACH is expected.",
    "SELECT": "Line 1, column 7: a value is expected.",
    'SELECT a,\n  FROM "t"': "Line 2, column 3: a value is expected.",
    "SELECT a": "Line 1, column 9: FROM is expected.",
    "SELECT a FROM t": "Line 1, column 15: a topic in double quotes is expected.",
    'SELECT a FROM ""': "Line 1, column 17: a topic in double quotes is expected.",
    'SELECT a FROM "t" WHERE': "Line 1, column 24: a value is expected.",
    'SELECT a FROM "t" GROUP': "Line 1, column 19: nothing is expected here.",
    'SELECT \'a FROM "t"': "Line 1, column 8: this text does not end.",
    'SELECT a % b FROM "t"': "Line 1, column 10: '%' means nothing here.",
    'SELECT (a FROM "t"': "Line 1, column 11: ) is expected.",
    'SELECT a. FROM "t"': "Line 1, column 16: FROM is expected.",
    'SELECT case a end FROM "t"': "Line 1, column 15: WHEN is expected.",
    'SELECT 1 AS a[x] FROM "t"': "Line 1, column 15: a whole number is expected.",
    'FOREACH * FROM "t"': "Line 1, column 11: FOREACH goes through a list.",
    'SELECT nothing(1) FROM "t"': "There is no function nothing.",
    'SELECT upper(1, 2) FROM "t"': "The function upper does not take 2 arguments.",
}


@pytest.mark.parametrize("sql", WRONG)
def test_what_is_no_statement(sql: str) -> None:
    with pytest.raises(Invalid) as caught:
        Select(sql)
    assert caught.value.message == WRONG[sql]
    assert caught.value.field == "sql"


UNFIT = [
    "1 / 0",
    "1 div 0",
    "1 mod 0",
    "1 + 'a'",
    "'a' - 1",
    "-'a'",
    "1e308 * 10",
    "[1..'a']",
    "payload.a.b['x'..2]",
]


@pytest.mark.parametrize("expression", UNFIT)
def test_values_that_do_not_fit(expression: str) -> None:
    with pytest.raises(Invalid) as caught:
        value(expression)
    assert caught.value.code == "sql.value"


TOO_MUCH = {
    "long": "SELECT " + "a," * 40_000 + 'a FROM "t"',
    "many words": "SELECT " + "a," * 6_000 + 'a FROM "t"',
    "nested": "SELECT " + "(" * 40 + "1" + ")" * 40 + ' FROM "t"',
    "a chain": "SELECT " + "1+" * 200 + '1 FROM "t"',
    "an endless alias": "SELECT 1 AS a" + ".a" * 40 + ' FROM "t"',
    "a path": "SELECT a" + ".a" * 40 + ' FROM "t"',
    "a range": 'SELECT [1..10001] FROM "t"',
    "a number": "SELECT " + "9" * 301 + ' FROM "t"',
    "a product": 'SELECT bitsl(1, 4000) AS a, a * a FROM "t"',
    "a text that doubles": "SELECT 'aaaaaaaa' AS a, " + ", ".join(["a + a AS a"] * 30) + ' FROM "t"',
    "a map that doubles": "SELECT map_new() AS a, " + ", ".join(["[a,a,a,a,a,a,a,a] AS a"] * 30) + ' FROM "t"',
    "work": "FOREACH [1..9999] AS i DO " + ", ".join(["pad('x', 1000)"] * 100) + ' FROM "t"',
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_too_much_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        run(TOO_MUCH[name])
    assert caught.value.code in ("sql.limit", "sql.syntax"), caught.value.message
