"""A short run of the fuzz targets for documents; `make fuzz` runs them for longer."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import addresses, composing, links, mail, markup, mbox

SEEDS = (
    *(
        b"From: ",
        b"a@b.c",
        b"Subject: ",
        b"=?utf-8?q?=C3=A9?=",
        b"\r\n",
        b"\n\n",
        b"\n",
        b"\n ",
        b"\t",
        b"List-ID: x",
        b",",
    ),
    *(b"Content-Type: multipart/mixed; boundary=b\n", b"\n--b\n", b"--b--", b"Content-Type: text/plain; charset=utf-7"),
    *(
        b"Content-Transfer-Encoding: base64\n",
        b"diff --git a/x b/x\n",
        b"--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n",
        b"> quote",
    ),
    *(
        b"On Monday Ada wrote:\n",
        b"-- \n",
        b"From a@b x\n",
        b">From ",
        b"[PATCH v2 1/3] ",
        b"<a@b>",
        b'"',
        b"(",
        b")",
        b"<",
        b">",
    ),
    *(
        b"[x](javascript:1)",
        b"<script>",
        b"`",
        b"*",
        b"https://a.b/c",
        b"\0",
        b"\xff",
        b"~a/l+subscribe",
        b"|",
        b":",
        b";",
    ),
)
DATA = st.lists(st.sampled_from(SEEDS) | st.binary(max_size=8), max_size=20).map(b"".join)


@pytest.mark.parametrize(
    "target", [addresses, composing, links, mail, markup, mbox], ids=lambda target: target.__name__
)
@settings(max_examples=200, deadline=None)
@given(data=DATA)
def test_target(target: ModuleType, data: bytes) -> None:
    target.run(data)
