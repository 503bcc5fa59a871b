"""Diffs in bodies, patch subjects row by row, requests to pull."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.text.patch import NUMBER_LIMIT, is_patch, is_reply, is_request_pull, parse_subject

DIFF = """--- a/hello.c
+++ b/hello.c
@@ -1,3 +1,3 @@
 int main() {
-	return 1;
+	return 0;
 }
"""
GIT = "diff --git a/hello.c b/hello.c\nindex 1234567..89abcde 100644\n" + DIFF
MAIL = (
    "Fix the exit code.\n\n+++ not a diff\n@@ nor this\n\nSigned-off-by: Ada\n---\n hello.c | 2 +-\n\n"
    + GIT
    + "-- \n2.30\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DIFF, True),
        (GIT, True),
        (MAIL, True),
        (MAIL.replace("\n", "\r\n"), True),
        (DIFF.rstrip("\n"), True),
        (MAIL + "\n_______\nlist mailing list\nlist@example.org\n", True),
        ("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", True),
        ("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", True),
        ("diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n", True),
        ("diff --git a/x b/x\nindex 1..2 100644\nGIT binary patch\nliteral 1\n", True),
        ("Binary files a/x.png and b/x.png differ\n", True),
        (GIT * 20_000, True),
        ("--- a\n+++ b\n@@ -0,0 +1,200000 @@\n" + "+ten chars\n" * 200_000, True),
        ("", False),
        ("hello\n", False),
        ("".join(f"> {line}\n" for line in GIT.splitlines()), False),
        ("run diff --git a b to see it\n", False),
        ("diff --git a b\n", False),
        ("--- a\n+++ b\n", False),
        ("--- a\n+++ b\n@@ -1,9 +1,9 @@\n too short\n", False),
        ("--- a\n+++ b\n@@ -1,3 +1,3 @@\nnot a diff line\n", False),
        ("--- a\n+++ b\n@@ -" + "9" * 5000 + " +1 @@\n x\n", False),
        ("text\n---\n+++ b\n", False),
    ],
)
def test_is_patch(text: str, expected: bool) -> None:
    assert is_patch(text) is expected


@pytest.mark.parametrize(
    "text",
    [
        "a long body\n" * 700_000,
        "Binary files" + " and a" * 1_000_000,
        ("Binary files" + " and a" * 90 + "\n") * 10_000,
        "diff --git a/x" + " b/" * 2_000_000,
        "diff --git x://" + " ://" * 1_000_000 + "\n@@",
        "--- a\n+++ b\n" * 400_000,
        "\n--- " * 1_000_000 + "\n+++ ",
    ],
    ids=["prose", "binary", "binaries", "names", "addresses", "headers", "dashes"],
)
def test_hostile_bodies_cost_little(text: str) -> None:
    started = time.process_time()
    is_patch(text)
    assert time.process_time() - started < 5


# Every row of the contract's table (§6.6).
@pytest.mark.parametrize(
    ("subject", "prefix", "version", "index", "count"),
    [
        ("[PATCH] a", None, 1, 1, 1),
        ("[PATCH foobar] Add foo", "foobar", 1, 1, 1),
        ("[PATCH foobar v2 3/4] Add foo to bar", "foobar", 2, 3, 4),
        ("[PATCH v3] x", "", 3, 1, 1),
        ("[PATCH 0/5] cover", "", 1, 0, 5),
        ("[RFC PATCH v2 1/2] y", "", 2, 1, 2),
        ("[PATCH RFC v2 1/2] y", "RFC", 2, 1, 2),
        ("[PATCH net-next v10 07/11] net: x", "net-next", 10, 7, 11),
        ("[PATCH v2 repo 1/2] y", "v2 repo", 1, 1, 2),
        ("[PATCH repo 1/2 v2] y", "repo 1/2", 2, 1, 1),
        ("[PATCH v2  1/3] two spaces", "v2", 1, 1, 3),
        ("[PATCH v2,1/3] q", "v2,", 1, 1, 3),
        ("[PATCH repov2] q", "repo", 2, 1, 1),
        ("[PATCH repo v2/3] q", "repo v", 1, 2, 3),
        ("[PATCH v12/34] q", "", 1, 2, 34),
        ("[PATCH v2 1/2 ] q", "v2 1/2", 1, 1, 1),
        ("[PATCH V2 1/2] q", "V2", 1, 1, 2),
        ("[PATCH net 1/2] doc: the [PATCH] tag", None, 1, 1, 1),
        ("[PATCH 1 of 3] hg", "1 of 3", 1, 1, 1),
        ("Re: [PATCH 1/2] z", "", 1, 1, 2),
        ("[list] [PATCH 1/2] z", "", 1, 1, 2),
    ],
)
def test_patch_subjects(subject: str, prefix: str | None, version: int, index: int, count: int) -> None:
    parsed = parse_subject(subject)
    assert parsed is not None
    assert (parsed.prefix, parsed.version, parsed.index, parsed.count) == (prefix, version, index, count)
    assert parsed.subject == subject.rpartition("] ")[2]


@pytest.mark.parametrize(
    "subject",
    [
        "[PATCHv2 1/3] z",
        "[patch 1/2] z",
        "[PATCH 1/2]nospace",
        "[PATCH ] x",
        "",
        "[PATCH]",
        "[PATCH] ",
        "PATCH 1/2 x",
        "[ndctl PATCH] x",
        "[RFC  PATCH] x",
    ],
)
def test_other_subjects(subject: str) -> None:
    assert parse_subject(subject) is None


def test_the_bare_subject_follows_the_last_bracket() -> None:
    parsed = parse_subject("[PATCH net 1/2] doc: the [PATCH] tag")
    assert parsed and parsed.subject == "tag"


def test_numbers_beyond_reason_are_capped() -> None:
    parsed = parse_subject(f"[PATCH v{'9' * 600} 1/{'9' * 600}] x")
    assert parsed and (parsed.version, parsed.index, parsed.count) == (NUMBER_LIMIT, 1, NUMBER_LIMIT)


@given(st.text(max_size=200), st.text("[]PATCHRFC v0123456789/ ", max_size=60))
def test_any_subject_can_be_asked(text: str, near: str) -> None:
    for subject in (text, near, f"[PATCH {near}] {text}"):
        parse_subject(subject)


@given(st.text("[PATCH]v 12/", max_size=5).map(lambda gap: f"[PATCH {gap}"), st.integers(1, 2000))
def test_repetition_costs_little(piece: str, times: int) -> None:
    started = time.process_time()
    parse_subject(piece * times)
    assert time.process_time() - started < 1


def test_replies() -> None:
    assert is_reply("Re: [PATCH] x") and is_reply("RE:x") and is_reply(" re : x")
    assert not is_reply("[PATCH] Re: x") and not is_reply("Regarding")


PULL = """Please pull.

The following changes since commit 0123456789abcdef0123456789abcdef01234567:

  Old (2026-01-01 00:00:00 +0000)

are available in the Git repository at:

  https://git.example.org/x main

for you to fetch changes up to fedcba9876543210fedcba9876543210fedcba98:

  New (2026-01-02 00:00:00 +0000)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PULL, True),
        (PULL.replace("\n", "\r\n"), True),
        (PULL.replace("for you to fetch", "For you to fetch"), False),
        ("".join(f"> {line}\n" for line in PULL.splitlines()), False),
        ("for you to fetch changes up to x\n" + PULL.partition("for you")[0], False),
        ("", False),
    ],
)
def test_requests_to_pull(text: str, expected: bool) -> None:
    assert is_request_pull(text) is expected
