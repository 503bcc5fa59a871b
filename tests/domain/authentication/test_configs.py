from __future__ import annotations

from typing import Any

import pytest

from folkmoot.domain.authentication import (
    HIDDEN,
    BuiltInConfig,
    HttpConfig,
    JwksConfig,
    ScramConfig,
    hide,
    moved,
    ordered,
    read_config,
    restore,
)
from folkmoot.errors import Invalid, NotFound

BUILT_IN = {"mechanism": "password_based", "backend": "built_in_database"}
SCRAM = {"mechanism": "scram", "backend": "built_in_database"}
HTTP = {"mechanism": "password_based", "backend": "http", "url": "http://127.0.0.1:1/a", "method": "post"}
HMAC = {"mechanism": "jwt", "use_jwks": False, "algorithm": "hmac-based", "secret": "s"}
JWKS = {"mechanism": "jwt", "use_jwks": True, "endpoint": "https://example.org/keys"}


def test_what_there_is() -> None:
    ids = [read_config(each).id for each in (BUILT_IN, SCRAM, HTTP, HMAC, JWKS)]
    assert ids == [
        "password_based:built_in_database",
        "scram:built_in_database",
        "password_based:http",
        "jwt",
        "jwt",
    ]
    built_in = read_config({**BUILT_IN, "id": "password_based:built_in_database"})
    assert isinstance(built_in, BuiltInConfig) and built_in.enable and built_in.user_id_type == "username"
    scram = read_config({**SCRAM, "algorithm": "sha512"})
    assert isinstance(scram, ScramConfig) and (scram.method, scram.iteration_count) == ("SCRAM-SHA-512", 4096)
    jwks = read_config({**JWKS, "from": "username"})
    assert isinstance(jwks, JwksConfig) and (jwks.from_, jwks.refresh_interval) == ("username", 300)
    assert isinstance(read_config(HTTP), HttpConfig)


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ({}, "mechanism"),
        ({"mechanism": "x"}, "mechanism"),
        ({"mechanism": "password_based"}, "backend"),
        ({"mechanism": "password_based", "backend": "mysql"}, "backend"),
        ({"mechanism": "scram", "backend": "http"}, "backend"),
        ({**BUILT_IN, "enable": "yes"}, "enable"),
        ({**BUILT_IN, "user_id_type": "address"}, "user_id_type"),
        ({**BUILT_IN, "password_hash_algorithm": {"name": "x"}}, "password_hash_algorithm.name"),
        ({**BUILT_IN, "password_hash_algorithm": {"name": "pbkdf2", "mac_fun": "sha"}}, "password_hash_algorithm.iterations"),
        ({**BUILT_IN, "enabel": True}, "enabel"),
        ({**SCRAM, "iteration_count": 0}, "iteration_count"),
        ({**HTTP, "url": "ftp://x"}, "url"),
        ({**HTTP, "url": "http://a:b@example.org/"}, "url"),
        ({**HTTP, "url": "http://${clientid}.example.org/"}, "url"),
        ({**HTTP, "method": "put"}, "method"),
        ({**HTTP, "request_timeout": "soon"}, "request_timeout"),
        ({**HTTP, "headers": {"a": "b\r\nc"}}, "headers.a"),
        ({"mechanism": "jwt"}, "algorithm"),
        ({"mechanism": "jwt", "algorithm": "none"}, "algorithm"),
        ({**HMAC, "secret": ""}, "secret"),
        ({**HMAC, "secret": "a", "secret_base64_encoded": True}, "secret"),
        ({**HMAC, "verify_claims": {"exp": "1"}}, "verify_claims.exp"),
        ({"mechanism": "jwt", "use_jwks": False, "algorithm": "public-key"}, "public_key"),
        ({**JWKS, "endpoint": "nowhere"}, "endpoint"),
        ({**JWKS, "refresh_interval": 0}, "refresh_interval"),
    ],
)  # fmt: skip
def test_what_makes_no_sense(document: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_config(document)
    assert refused.value.field == field


def test_secrets() -> None:
    document: dict[str, Any] = {
        **HMAC,
        "secret": "mine",
        "secret_base64_encoded": False,
        "headers": {"Authorization": "Bearer x", "X-Api-Key": "k", "Accept": "a"},
        "body": {"password": "${password}", "token": "t"},
    }
    shown = hide(document)
    assert shown["secret"] == shown["headers"]["Authorization"] == shown["headers"]["X-Api-Key"] == HIDDEN
    assert shown["body"] == {"password": "${password}", "token": HIDDEN}
    assert (shown["secret_base64_encoded"], shown["headers"]["Accept"]) == (False, "a")
    assert restore(shown, document) == document
    assert restore({**shown, "secret": "new"}, document)["secret"] == "new"
    assert hide({"password_hash_algorithm": {"name": "plain"}}) == {"password_hash_algorithm": {"name": "plain"}}


def test_order() -> None:
    ids = ["a", "b:c", "d"]
    assert moved(ids, "d", "front") == ["d", "a", "b:c"]
    assert moved(ids, "a", "rear") == ["b:c", "d", "a"]
    assert moved(ids, "d", "before:b:c") == ["a", "d", "b:c"]
    assert moved(ids, "a", "after:b:c") == ["b:c", "a", "d"]
    for position, error in (("up", Invalid), ("before:", Invalid), ("before:x", NotFound), ("before:a", NotFound)):
        with pytest.raises(error):
            moved(ids, "a", position)
    assert ordered(ids, ["d", "a", "b:c"]) == ["d", "a", "b:c"]
    for wanted in (["a"], ["a", "a", "d"], [*ids, "x"]):
        with pytest.raises(Invalid):
            ordered(ids, wanted)
