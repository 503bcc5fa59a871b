"""Clients that bring signed claims (JWT, RFC 7519): whose signature counts, what the claims must say, what they give.

Which algorithms are taken follows from our keys alone, never from the token. A token that none of the keys has signed is none
of ours and says nothing; one of ours that has expired or says the wrong thing is a refusal.
"""

from __future__ import annotations

import asyncio
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
import structlog
from joserfc import jws
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from folkmoot.domain.authentication import Grant, HmacConfig, JwksConfig, JwtConfig, PublicKeyConfig, Tally
from folkmoot.domain.broker import Client
from folkmoot.errors import Invalid, Unauthenticated
from folkmoot.house import House
from folkmoot.net.outgoing import OutgoingError
from folkmoot.surfaces.mqtt import inquiry
from folkmoot.surfaces.mqtt.servers import Server
from folkmoot.text.acl import read_claim
from folkmoot.text.placeholders import MISSING, write

_KEYS_MAX = 32
_LONGEST_TOKEN = 65_536
_LONGEST_ATTR = 1024
_FETCH_SECONDS = 10.0
# After a failure, keys are asked for again at the next client, but not more often.
_RETRY_SECONDS = 5.0

_HMAC = ("HS256", "HS384", "HS512")
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",)}

_log = structlog.get_logger("mqtt.authentication")


class SigningKey(NamedTuple):
    """A key and the algorithms it is for."""

    key: Any
    algorithms: tuple[str, ...]


class Jwt:
    """Checks tokens by keys that are given, or published somewhere."""

    def __init__(self, house: House, config: HmacConfig | PublicKeyConfig | JwksConfig, tally: Tally) -> None:
        """Raises Invalid for a key that is none."""
        self.config = config
        self.tally = tally
        self._now: Callable[[], float] = lambda: house.now().timestamp()
        self._published = PublishedKeys(house, config) if isinstance(config, JwksConfig) else None
        self._keys = [] if isinstance(config, JwksConfig) else [_read_key(config)]

    @property
    def is_outside(self) -> bool:
        """Whether keys are fetched; tokens are checked here."""
        return self._published is not None

    @property
    def fault(self) -> str:
        """Why there are no keys, or no new ones."""
        return self._published.fault if self._published is not None else ""

    async def ask(self, client: Client, password: bytes | None) -> Grant | None:
        """What the client's token gives it."""
        given = client.username if self.config.from_ == "username" else password
        token = given.encode() if isinstance(given, str) else given
        if not token or len(token) > _LONGEST_TOKEN:
            return None
        keys = self._keys if self._published is None else await self._published.get()
        payload = verify(token, keys)
        if payload is None:
            return None
        columns = inquiry.client_columns(client) | {"password": password or b""}
        grant = read_claims(self.config, payload, columns, self._now())
        if self.config.from_ == "username":
            # What is a key for as long as it holds is no name to be shown to others.
            subject = msgspec.json.decode(payload).get("sub")
            client.username = subject if isinstance(subject, str) and subject else None
        return grant


def verify(token: bytes, keys: list[SigningKey]) -> bytes | None:
    """What a token says that one of the keys has signed, or None."""
    if token.count(b".") != 2:
        return None
    for each in keys:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SecurityWarning)
                return bytes(jws.deserialize_compact(token, each.key, algorithms=list(each.algorithms)).payload)
        except (JoseError, ValueError, TypeError):
            continue
    return None


def read_claims(config: JwtConfig, payload: bytes, columns: Mapping[str, Any], now: float) -> Grant:
    """What the claims give the client. Raises Unauthenticated when they are over, or not what is asked for."""
    try:
        claims = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise _refused("The token holds no claims.") from error
    expires_at = _time(claims, "exp")
    if expires_at is not None and expires_at <= now:
        raise _refused("The token has expired.")
    for name in ("nbf", "iat"):
        begins_at = _time(claims, name)
        if begins_at is not None and begins_at > now:
            raise _refused("The token does not hold yet.")
    for name, expected in config.verify_claims.items():
        if not _is_said(claims.get(name), inquiry.template(expected).value(columns)):
            raise _refused(f"The token says something else about {name}.")
    try:
        acl = claims.get(config.acl_claim_name)
        rules = None if acl is None else read_claim(acl, expires_at or 0.0)
    except Invalid as error:
        raise _refused("The token's rules make no sense.") from error
    return Grant(
        is_superuser=claims.get("is_superuser") is True,
        attrs=read_attrs(claims.get("client_attrs")),
        expires_at=(expires_at or 0.0) if config.disconnect_after_expire else 0.0,
        rules=rules,
    )


def read_attrs(value: Any) -> dict[str, str]:
    """Attributes of a client as somebody outside gives them; what is no text is left out."""
    if not isinstance(value, dict):
        return {}
    return {
        name: each
        for name, each in value.items()
        if isinstance(each, str) and 0 < len(name) <= _LONGEST_ATTR and len(each) <= _LONGEST_ATTR
    }


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool):
            raise TypeError(value)
        found = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise _refused(f"{name} of the token is no time.") from error
    if not 0 <= found < 1e15:
        raise _refused(f"{name} of the token is no time.")
    return found


def _is_said(claim: Any, expected: Any) -> bool:
    if claim is None or expected is MISSING or expected in (b"", ""):
        return False
    wanted = write(expected)
    return any(write(each) == wanted for each in (claim if isinstance(claim, list) else [claim]))


def _refused(message: str) -> Unauthenticated:
    return Unauthenticated("authentication.token", message)


def _read_key(config: HmacConfig | PublicKeyConfig) -> SigningKey:
    if isinstance(config, HmacConfig):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SecurityWarning)
            return SigningKey(OctKey.import_key(config.key), _HMAC)
    for kind in (RSAKey, ECKey, OKPKey):
        try:
            found = _for_signatures(kind.import_key(config.public_key))
        except (JoseError, ValueError, TypeError):
            continue
        if found is not None:
            return found
    raise Invalid("authentication.config", "this is no public key in PEM, of RSA or an elliptic curve", "public_key")


def _for_signatures(key: Any) -> SigningKey | None:
    """The algorithms a public key is for; None for keys of other kinds."""
    if isinstance(key, RSAKey):
        return SigningKey(key, _RSA)
    if isinstance(key, ECKey) and key.curve_name in _CURVES:
        return SigningKey(key, _CURVES[key.curve_name])
    if isinstance(key, OKPKey) and key.curve_name == "Ed25519":
        return SigningKey(key, ("EdDSA", "Ed25519"))
    return None


class PublishedKeys:
    """A set of keys that a web server publishes (JWKS, RFC 7517), fetched anew when it is old and somebody asks."""

    def __init__(self, house: House, config: JwksConfig) -> None:
        self._server = Server(house, config.ssl, _FETCH_SECONDS, config.pool_size)
        self._config = config
        self._keys: list[SigningKey] = []
        self._due_at = 0.0
        self._fetching: asyncio.Task[None] | None = None
        self.fault = ""

    async def get(self) -> list[SigningKey]:
        """The keys; waits for them only while there are none."""
        if self._fetching is None and time.monotonic() >= self._due_at:
            self._fetching = asyncio.get_running_loop().create_task(self._fetch())
        if self._fetching is not None and not self._keys:
            await asyncio.wait([self._fetching])
        return self._keys

    async def _fetch(self) -> None:
        config = self._config
        try:
            headers = {name.lower(): value for name, value in config.headers.items()}
            answer = await self._server.ask(inquiry.Inquiry("GET", config.endpoint, headers), _FETCH_SECONDS)
            if answer.status != 200:
                raise OutgoingError(f"status {answer.status}", permanent=False)
            self._keys = read_keys(answer.body)
        except (OutgoingError, ValueError) as error:
            # The old keys stay: a server that is down for a moment shuts nobody out.
            self.fault = str(error) or "no answer"
            self._due_at = time.monotonic() + min(_RETRY_SECONDS, config.refresh_interval)
            _log.warning("keys cannot be fetched", endpoint=config.endpoint, reason=self.fault)
        else:
            self.fault = ""
            self._due_at = time.monotonic() + config.refresh_interval
        finally:
            self._fetching = None


def read_keys(body: bytes) -> list[SigningKey]:
    """The public keys for signatures in a key set. Raises ValueError when there are none."""
    try:
        document = msgspec.json.decode(body, type=dict[str, Any])
        entries = document.get("keys")
        if not isinstance(entries, list):
            raise ValueError("there are no keys")
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError("the answer is no set of keys") from error
    found = list[SigningKey]()
    for entry in entries[:_KEYS_MAX]:
        try:
            if entry.get("use", "sig") != "sig":
                continue
            [key] = KeySet.import_key_set({"keys": [entry]}).keys
        except (JoseError, ValueError, TypeError, AttributeError, KeyError):
            # Of a kind that is not known here: others may do.
            continue
        signing = _for_signatures(key)
        if signing is not None:
            found.append(signing)
    if not found:
        raise ValueError("there is no key for signatures")
    return found
