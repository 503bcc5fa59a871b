"""Pieces of documents that targets start from."""

from __future__ import annotations

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
