"""What a list refuses, and the sentences it gives."""

from __future__ import annotations

import pytest

from folkmoot.text import mail

PERMIT = mail.split_globs("text/*, application/pgp-signature,application/pgp-keys")
REJECT = mail.split_globs("text/html")
HEAD = "From: a@b.c\nTo: d@e.f\nSubject: x\nMessage-ID: <1@b.c>\n"


def problem(text: str, permit: tuple[str, ...] = PERMIT, reject: tuple[str, ...] = REJECT) -> str | None:
    found = mail.check(mail.parse(text.encode()), permit, reject)
    assert found is None or len(found.message) > 20
    return found.code if found else None


def parts(*types: str) -> str:
    return (
        HEAD + "Content-Type: multipart/mixed; boundary=b\n\n" + "".join(f"--b\n{t}\n\nx\n" for t in types) + "--b--\n"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + "\nx", None),
        (HEAD.replace("To:", "Cc:") + "\nx", None),
        (HEAD.replace("Subject: x", "Subject:") + "\nx", None),
        (HEAD.replace("From: a@b.c\n", "") + "\nx", "mail.missing_header"),
        (HEAD.replace("a@b.c\n", "nobody\n") + "\nx", "mail.missing_header"),
        (HEAD.replace("To: d@e.f\n", "") + "\nx", "mail.missing_header"),
        (HEAD.replace("Subject: x\n", "") + "\nx", "mail.missing_header"),
        (HEAD.replace("Message-ID: <1@b.c>\n", "") + "\nx", "mail.missing_header"),
        (HEAD.replace("<1@b.c>", "<>") + "\nx", "mail.missing_header"),
        (HEAD + "Return-Receipt-To: a@b.c\n\nx", "mail.forbidden_header"),
        (HEAD + "disposition-notification-to: a@b.c\n\nx", "mail.forbidden_header"),
        (HEAD + "Content-Type: text/html\n\nx", "mail.html_only"),
        (HEAD + "Content-Type: TEXT/HTML; charset=utf-8\n\nx", "mail.html_only"),
        (HEAD + "Content-Type: image/png\n\nx", "mail.no_text"),
        (parts("Content-Type: text/plain", "Content-Type: text/html"), "mail.forbidden_type"),
        (parts("Content-Type: text/plain", "Content-Type: image/png"), "mail.forbidden_type"),
        (parts("Content-Type: text/plain", "Content-Type: application/pgp-signature"), None),
        (parts("Content-Type: text/plain", "X: no type"), None),
        (parts("Content-Disposition: attachment"), "mail.no_text"),
    ],
)
def test_check(text: str, expected: str | None) -> None:
    assert problem(text) == expected


def test_the_types_are_the_lists_own() -> None:
    both = parts("Content-Type: text/plain", "Content-Type: text/html")
    assert problem(both, ("text/*",), ()) is None
    assert problem(both, ("*",), ()) is None
    assert problem(both, ("text/plain",), ()) == "mail.forbidden_type"
    assert problem(both, ("*",), ("TEXT/H*",)) == "mail.forbidden_type"


def test_the_sentence_names_the_type() -> None:
    found = mail.check(mail.parse(parts("X: y", "Content-Type: image/png").encode()), PERMIT, REJECT)
    assert found and "image/png" in found.message
