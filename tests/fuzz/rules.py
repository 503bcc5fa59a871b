"""Statements of rules: whatever is written and whatever columns there are, an answer or Invalid, and soon."""

from __future__ import annotations

import time
from contextlib import suppress

from folkmoot.errors import Invalid
from folkmoot.text.rulesql import FUNCTION_NAMES, Select, Surroundings, encode_json

SEEDS = [
    b'SELECT payload.a.b[1] AS x, x + 1 AS y, * FROM "t/#", "$events/client_connected" WHERE y > 1 and topic =~ \'t/+\'',
    b'FOREACH payload.s[1..2] AS e DO e.n AS n.m[0], clientid INCASE e.n <> 1 FROM "t" WHERE not (qos in (1, 2))',
    b"SELECT case when 1 = 1 then 'a' else [1..5] end, sprintf('~.2f~s', 1.5, 'x') FROM \"t\" -- end",
    b"SELECT regex_replace('aXb', '(a|b)+[^x]*', '\\1&'), jq('.a[] | {b: .}', payload), subbits(payload, 1, 9) FROM \"t\"",
    b"SELECT date_to_unix_ts('second', '%Y%:z', '1970+01:00'), term_decode(term_encode(payload.a)), gunzip(payload) FROM \"t\"",
    *[f'SELECT {name}(payload, 1, 2) FROM "t"'.encode() for name in sorted(FUNCTION_NAMES)],
    *[f'SELECT {name}(topic, payload) FROM "t"'.encode() for name in sorted(FUNCTION_NAMES)],
    *[f'SELECT {name}(payload.a) FROM "t"'.encode() for name in sorted(FUNCTION_NAMES)],
]
PAYLOADS = (
    '{"a":[{"b":1},2,"x",null,true,1.5],"s":[{"n":1},{"n":2}]}',
    "plain",
    b"\xff\x83m\0",
    "",
    7,
    None,
    -1.5,
    [1, "2"],
)
SECONDS_MAX = 5.0


def run(data: bytes) -> None:
    """One statement on every payload."""
    began = time.monotonic()
    with suppress(Invalid):
        statement = Select(data.decode(errors="replace"))
        around = Surroundings()
        for payload in PAYLOADS:
            columns = {"topic": "t/1", "qos": 1, "clientid": "c", "payload": payload, "flags": {"retain": False}}
            with suppress(Invalid):
                for each in statement.run(columns, around) or ():
                    encode_json(each)
    assert time.monotonic() - began < SECONDS_MAX
