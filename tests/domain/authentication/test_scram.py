from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from folkmoot.domain.authentication import Keys, Scram, decoy, make_keys
from folkmoot.errors import Unauthenticated

from .client import ScramClient


def keys_of(password: str, salt: bytes, algorithm: str, iterations: int) -> Keys:
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, iterations)
    stored = hashlib.new(algorithm, hmac.digest(salted, b"Client Key", algorithm)).digest()
    keys = (salt, stored, hmac.digest(salted, b"Server Key", algorithm))
    encoded_salt, encoded_stored, encoded_server = (base64.b64encode(each).decode() for each in keys)
    return Keys(encoded_salt, encoded_stored, encoded_server, iterations)


def test_the_example_of_the_specification() -> None:
    # RFC 7677 §3
    keys = keys_of("pencil", base64.b64decode("W22ZaJ0SNY7soEsUEjb6gQ=="), "sha256", 4096)
    server = Scram("sha256", "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
    assert server.name_in(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO") == "user"
    assert (
        server.challenge(keys)
        == b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
    )
    proof = b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
    final = server.finish(b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," + proof)
    assert final == b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("name", ["user", "a,b=c", "Jörg"])
def test_both_know_the_password(algorithm: str, name: str) -> None:
    keys = make_keys("public", algorithm, 50)  # type: ignore[arg-type]
    server, client = Scram(algorithm), ScramClient(name, "public", algorithm)  # type: ignore[arg-type]
    assert server.name_in(client.first()) == name
    assert client.is_answered(server.finish(client.final(server.challenge(keys))))


def test_the_wrong_password_and_nobody() -> None:
    for keys in (make_keys("public", "sha256", 50), decoy("user", "sha256", 50, b"secret")):
        server, client = Scram("sha256"), ScramClient("user", "other", "sha256")
        server.name_in(client.first())
        with pytest.raises(Unauthenticated):
            server.finish(client.final(server.challenge(keys)))
    assert decoy("user", "sha256", 50, b"secret") == decoy("user", "sha256", 50, b"secret")
    assert decoy("user", "sha256", 50, b"secret").salt != decoy("user2", "sha256", 50, b"secret").salt


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"n",
        b"n,,",
        b"n,,n=user",
        b"n,,r=abc,n=user",
        b"n,,n=,r=abc",
        b"n,,n=user,r=",
        b"n,,n=us=er,r=abc",
        b"n,,n=\xff,r=abc",
        b"n,,m=ext,n=user,r=abc",
        b"n,a=other,n=user,r=abc",
        b"p=tls-unique,,n=user,r=abc",
        b"n,,n=user,r=" + b"a" * 5000,
    ],
)
def test_first_messages_that_are_none(message: bytes) -> None:
    with pytest.raises(Unauthenticated):
        Scram("sha256").name_in(message)


def test_last_messages_that_are_none() -> None:
    keys = make_keys("public", "sha256", 50)
    good = ScramClient("user", "public", "sha256")

    def finish(change: tuple[bytes, bytes]) -> bytes:
        server = Scram("sha256")
        server.name_in(good.first())
        return server.finish(good.final(server.challenge(keys)).replace(*change))

    assert finish((b"", b"")).startswith(b"v=")
    for change in ((b"c=biws", b"c=eSws"), (b",r=", b",r=x"), (b",p=", b",p=!"), (b",p=", b",q="), (b"c=", b"d=")):
        with pytest.raises(Unauthenticated):
            finish(change)
    with pytest.raises(Unauthenticated):
        Scram("sha256").finish(b"c=biws,r=x,p=eA==")
