from __future__ import annotations

import hashlib

import msgspec
import pytest

from folkmoot.domain.authentication import AnyScheme, Hashed
from folkmoot.errors import Invalid

SCHEMES: list[dict[str, object]] = [
    {"name": name, "salt_position": at}
    for name in ("plain", "md5", "sha", "sha256", "sha512")
    for at in ("prefix", "suffix", "disable")
]
SCHEMES += [
    {"name": "bcrypt", "salt_rounds": 4},
    {"name": "pbkdf2", "mac_fun": "sha256", "iterations": 10},
    {"name": "pbkdf2", "mac_fun": "sha", "iterations": 10, "dk_length": 30},
]


def scheme(**said: object) -> AnyScheme:
    return msgspec.convert(said, AnyScheme)  # type: ignore[no-any-return]


@pytest.mark.parametrize("said", SCHEMES, ids=str)
def test_a_password_and_no_other(said: dict[str, object]) -> None:
    here = scheme(**said)
    for password in (b"public", "Gruß".encode(), b"\xff\x00", b""):
        kept = here.make(password)
        assert here.check(kept, password)
        assert not here.check(kept, password + b"x")
        assert not here.check(Hashed(kept.hash + "0", kept.salt), password)
    salts = {here.make(b"p").salt for _ in range(2)}
    assert len(salts) == (1 if said.get("salt_position") == "disable" else 2)


@pytest.mark.parametrize(
    ("said", "salt", "written"),
    [
        ({"name": "plain"}, "", "public"),
        ({"name": "plain", "salt_position": "suffix"}, "s", "publics"),
        ({"name": "md5", "salt_position": "disable"}, "", hashlib.md5(b"public").hexdigest()),
        ({"name": "sha"}, "salt", hashlib.sha1(b"saltpublic").hexdigest().upper()),
        ({"name": "sha256"}, "salt", hashlib.sha256(b"saltpublic").hexdigest()),
        ({"name": "sha256", "salt_position": "suffix"}, "salt", hashlib.sha256(b"publicsalt").hexdigest()),
        ({"name": "sha512", "salt_position": "disable"}, "ignored", hashlib.sha512(b"public").hexdigest()),
        # RFC 6070, with another password: what PBKDF2 of others makes of it.
        (
            {"name": "pbkdf2", "mac_fun": "sha512", "iterations": 3},
            "salt",
            hashlib.pbkdf2_hmac("sha512", b"public", b"salt", 3).hex(),
        ),
        ({"name": "bcrypt"}, "", "$2b$04$abcdefghijklmnopqrstuuaNoRgelGRsJ2Tm9Zn/HHRlHib6lnzBu"),
        ({"name": "bcrypt"}, "", "$2y$04$abcdefghijklmnopqrstuuaNoRgelGRsJ2Tm9Zn/HHRlHib6lnzBu"),
    ],
)
def test_users_who_move_in(said: dict[str, object], salt: str, written: str) -> None:
    here = scheme(**said)
    assert here.check(Hashed(written, salt), b"public")
    assert not here.check(Hashed(written, salt), b"PUBLIC")


def test_hashes_that_make_no_sense() -> None:
    assert not scheme(name="bcrypt").check(Hashed("nonsense", "nonsense"), b"p")
    assert not scheme(name="bcrypt").check(Hashed("", ""), b"p")


def test_defaults_and_limits() -> None:
    assert scheme(name="sha256").salt_position == "prefix"  # type: ignore[union-attr]
    for said in (
        {"name": "sha3"},
        {"name": "pbkdf2", "mac_fun": "sha"},
        {"name": "pbkdf2", "iterations": 5},
        {"name": "pbkdf2", "mac_fun": "sha", "iterations": 0},
        {"name": "bcrypt", "salt_rounds": 40},
        {"name": "md5", "salt_position": "middle"},
    ):
        with pytest.raises(msgspec.ValidationError):
            scheme(**said)


def test_what_this_machine_cannot_do() -> None:
    here = scheme(name="pbkdf2", mac_fun="md4", iterations=5)
    try:
        hashlib.pbkdf2_hmac("md4", b"", b"", 1)
    except ValueError:
        with pytest.raises(Invalid) as refused:
            here.require_usable()
        assert refused.value.field == "password_hash_algorithm.mac_fun"
    else:
        here.require_usable()
