"""What an authenticator is set to, in the words an operator writes and the broker's settings keep (contract §2.11).

`read_config` makes one of a document and says which field is wrong; nothing is asked or opened here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from folkmoot.errors import Invalid
from folkmoot.text.amounts import parse_duration

from .hashing import AnyScheme, Sha256

_LONGEST = 65_536
_FIELD = re.compile(r"^(?P<what>.*) - at `\$\.?(?P<path>.*)`$", re.DOTALL)
_MISSING = re.compile(r"missing required field `(?P<name>[^`]+)`")
_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]+)`")
# What comes back with what was shown, and what has no meaning here.
_PASSED_OVER = ("id", "resource_opts", "max_inactive")
#: Checked anyhow; an operator cannot expect them to be something (contract §2.11).
_TIMES = ("exp", "nbf", "iat")

Size = Annotated[int, Meta(ge=1, le=10_000)]
Text = Annotated[str, Meta(max_length=_LONGEST)]


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What all have."""

    mechanism: str
    enable: bool = True

    @property
    def id(self) -> str:
        """Of which there is one."""
        backend: str = getattr(self, "backend", "")
        return f"{self.mechanism}:{backend}" if backend else self.mechanism

    def require_usable(self) -> None:
        """Raises Invalid with the field that makes no sense."""


class BuiltInConfig(Config, frozen=True, kw_only=True):
    """Users with passwords in our own table."""

    mechanism: Literal["password_based"]
    backend: Literal["built_in_database"]
    user_id_type: Literal["username", "clientid"] = "username"
    password_hash_algorithm: AnyScheme = Sha256()
    bootstrap_file: Text = ""
    bootstrap_type: Literal["plain", "hash"] = "plain"

    def require_usable(self) -> None:
        self.password_hash_algorithm.require_usable()


class ScramConfig(Config, frozen=True, kw_only=True):
    """Users with SCRAM keys in our own table, for enhanced authentication."""

    mechanism: Literal["scram"]
    backend: Literal["built_in_database"]
    algorithm: Literal["sha256", "sha512"] = "sha256"
    iteration_count: Annotated[int, Meta(ge=1, le=1_000_000)] = 4096

    @property
    def method(self) -> str:
        """The name of the method in MQTT."""
        return "SCRAM-" + {"sha256": "SHA-256", "sha512": "SHA-512"}[self.algorithm]


class HttpConfig(Config, frozen=True, kw_only=True):
    """A web server that is asked."""

    mechanism: Literal["password_based"]
    backend: Literal["http"]
    url: Text
    method: Literal["get", "post"] = "post"
    headers: dict[str, Text] = {}
    body: dict[str, Any] = {}
    request_timeout: str | int = "5s"
    connect_timeout: str | int = "15s"
    pool_size: Size = 8
    enable_pipelining: Size = 100
    ssl: dict[str, Any] = {}

    def require_usable(self) -> None:
        _require_url(self.url, "url")
        for name in ("request_timeout", "connect_timeout"):
            if not 0 < parse_duration(getattr(self, name), name) <= 300:
                raise _invalid(name, "this is between 1 ms and 5 minutes")
        _require_headers(self.headers)


class JwtConfig(Config, frozen=True, kw_only=True):
    """Signed claims; what all kinds have."""

    mechanism: Literal["jwt"]
    from_: Literal["username", "password"] = msgspec.field(default="password", name="from")
    verify_claims: dict[str, Text] = {}
    acl_claim_name: str = "acl"
    disconnect_after_expire: bool = True

    def require_usable(self) -> None:
        for name in _TIMES:
            if name in self.verify_claims:
                raise _invalid(f"verify_claims.{name}", "the times of a token are always checked, and not by this")


class HmacConfig(JwtConfig, frozen=True, kw_only=True):
    """Signed with a secret both sides know."""

    use_jwks: Literal[False] = False
    algorithm: Literal["hmac-based"]
    secret: Annotated[str, Meta(min_length=1, max_length=_LONGEST)]
    secret_base64_encoded: bool = False

    def require_usable(self) -> None:
        JwtConfig.require_usable(self)
        if not self.key:
            raise _invalid("secret", "this is empty")

    @property
    def key(self) -> bytes:
        """The secret's bytes; raises Invalid."""
        if not self.secret_base64_encoded:
            return self.secret.encode()
        try:
            return base64.b64decode(self.secret, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _invalid("secret", "this is not base64") from error


class PublicKeyConfig(JwtConfig, frozen=True, kw_only=True):
    """Signed with a key of which we have the public half, as PEM."""

    use_jwks: Literal[False] = False
    algorithm: Literal["public-key"]
    public_key: Annotated[str, Meta(min_length=1, max_length=_LONGEST)]


class JwksConfig(JwtConfig, frozen=True, kw_only=True):
    """Signed with keys that a web server publishes."""

    use_jwks: Literal[True]
    endpoint: Text
    refresh_interval: Annotated[int, Meta(ge=1, le=864_000)] = 300
    headers: dict[str, Text] = {}
    pool_size: Size = 8
    ssl: dict[str, Any] = {}

    def require_usable(self) -> None:
        JwtConfig.require_usable(self)
        _require_url(self.endpoint, "endpoint")
        _require_headers(self.headers)


AnyConfig = BuiltInConfig | ScramConfig | HttpConfig | HmacConfig | PublicKeyConfig | JwksConfig


def read_config(document: Mapping[str, Any]) -> AnyConfig:
    """The configuration a document is. Raises Invalid with the field."""
    try:
        known = {name: value for name, value in document.items() if name not in _PASSED_OVER}
        config = msgspec.convert(known, _kind(document))
    except msgspec.ValidationError as error:
        raise _unread(error) from error
    config.require_usable()
    return config


def _kind(document: Mapping[str, Any]) -> type[AnyConfig]:
    mechanism, backend = document.get("mechanism"), document.get("backend")
    if mechanism is None:
        raise _invalid("mechanism", "this is missing")
    if mechanism == "jwt":
        if document.get("use_jwks", False):
            return JwksConfig
        kinds: dict[Any, type[AnyConfig]] = {"hmac-based": HmacConfig, "public-key": PublicKeyConfig}
        algorithm = document.get("algorithm", "hmac-based")
        kind = kinds.get(algorithm) if isinstance(algorithm, str) else None
        if kind is None or "algorithm" not in document:
            raise _invalid("algorithm", "this is hmac-based or public-key")
        return kind
    if mechanism not in ("password_based", "scram"):
        raise _invalid("mechanism", "this is password_based, scram or jwt")
    if mechanism == "password_based" and backend == "http":
        return HttpConfig
    if backend != "built_in_database":
        known = "built_in_database or http" if mechanism == "password_based" else "built_in_database"
        raise _invalid("backend", f"here this is {known}; databases of others are not asked")
    return BuiltInConfig if mechanism == "password_based" else ScramConfig


def _unread(error: msgspec.ValidationError) -> Invalid:
    text, path = str(error), ""
    if found := _FIELD.match(text):
        text, path = found["what"], found["path"]
    for pattern, said in ((_MISSING, "this is missing"), (_UNKNOWN, "this is not known here")):
        if found := pattern.search(text):
            path, text = f"{path}.{found['name']}" if path else found["name"], said
    return Invalid("authentication.config", text, path or None)


def _invalid(field: str, message: str) -> Invalid:
    return Invalid("authentication.config", message, field)


def _require_url(url: str, field: str) -> None:
    head = re.fullmatch(r"https?://([^/?#]+)([/?#].*)?", url, re.DOTALL)
    if head is None or any(character <= " " for character in url):
        raise _invalid(field, "this is no address beginning with http:// or https://")
    if "@" in head[1]:
        raise _invalid(field, "names and passwords belong into headers, not into the address")
    if "${" in head[1]:
        raise _invalid(field, "the server's name has no placeholders")


def _require_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) or "\r" in value or "\n" in value:
            raise _invalid(f"headers.{name}", "this is no header")
