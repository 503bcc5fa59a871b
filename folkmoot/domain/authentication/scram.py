"""The server's side of SCRAM (RFC 5802, RFC 7677): three messages as bytes, no channel binding.

    client-first  n,,n=user,r=NONCE                server-first  r=NONCEnonce,s=SALT,i=COUNT
    client-final  c=biws,r=NONCEnonce,p=PROOF      server-final  v=SIGNATURE

The password never comes here: kept are two keys made from it, with which it can be checked and our own knowledge shown, but
nobody can sign in. Names are compared as they are, without preparation.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from typing import Literal

from msgspec import Struct

from folkmoot.errors import Unauthenticated

Algorithm = Literal["sha256", "sha512"]

_SALT_BYTES = 16
_LONGEST = 4096


class Keys(Struct, frozen=True):
    """What is kept of a password; base64 where it is bytes."""

    salt: str
    stored_key: str
    server_key: str
    iterations: int


def make_keys(password: str, algorithm: Algorithm, iterations: int) -> Keys:
    """The keys of a new password. Slow on purpose: call it on a worker thread."""
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac(algorithm, password.encode(), salt, iterations)
    client_key = hmac.digest(salted, b"Client Key", algorithm)
    stored_key = hashlib.new(algorithm, client_key).digest()
    server_key = hmac.digest(salted, b"Server Key", algorithm)
    return Keys(_text(salt), _text(stored_key), _text(server_key), iterations)


def decoy(name: str, algorithm: Algorithm, iterations: int, secret: bytes) -> Keys:
    """Keys nobody has the password of, always the same for a name, so that a challenge does not tell who exists."""
    salt = hmac.digest(secret, b"salt\0" + name.encode(), algorithm)[:_SALT_BYTES]
    key = hmac.digest(secret, b"keys\0" + name.encode(), algorithm)
    return Keys(_text(salt), _text(key), _text(key), iterations)


class Scram:
    """One exchange: `name_in` the client's first message, `challenge` it with the user's keys, `finish`.

    All raise Unauthenticated for messages that are none, or wrong.
    """

    def __init__(self, algorithm: Algorithm, nonce: str = "") -> None:
        self._algorithm = algorithm
        self._nonce = nonce or secrets.token_urlsafe(24)
        self._header = b""
        self._first = b""
        self._challenge = b""
        self._keys: Keys | None = None

    def name_in(self, message: bytes) -> str:
        """The user's name in the client's first message."""
        if len(message) > _LONGEST:
            raise _wrong()
        # RFC 5802 §7: gs2-header, then client-first-message-bare
        binding, _, rest = message.partition(b",")
        _, comma, bare = rest.partition(b",")
        if binding not in (b"n", b"y") or not comma:
            # p=… asks for channel binding, which is not offered.
            raise _wrong()
        fields = bare.split(b",")
        if len(fields) < 2 or not fields[0].startswith(b"n=") or not fields[1].startswith(b"r=") or len(fields[1]) < 3:
            raise _wrong()
        self._header = message[: len(message) - len(bare)]
        self._first = bare
        self._nonce = _decoded(fields[1][2:]) + self._nonce
        name = _unescape(_decoded(fields[0][2:]))
        authorization = rest[: len(rest) - len(bare) - 1]
        if authorization and _unescape(_decoded(authorization.removeprefix(b"a="))) != name:
            # RFC 5802 §5.1: to act as somebody else is not offered.
            raise _wrong()
        return name

    def challenge(self, keys: Keys) -> bytes:
        """What to say to the client's first message."""
        self._keys = keys
        self._challenge = f"r={self._nonce},s={keys.salt},i={keys.iterations}".encode()
        return self._challenge

    def finish(self, message: bytes) -> bytes:
        """What to say to the client's last message, if it has shown that it knows the password."""
        keys = self._keys
        without_proof, comma, proof = message.rpartition(b",p=")
        if keys is None or len(message) > _LONGEST or not comma:
            raise _wrong()
        expected = b"c=" + base64.b64encode(self._header) + b",r=" + self._nonce.encode()
        # RFC 5802 §5.1: extensions may follow the nonce; none is known here.
        if without_proof != expected and not without_proof.startswith(expected + b","):
            raise _wrong()
        said = b",".join((self._first, self._challenge, without_proof))
        signature = hmac.digest(base64.b64decode(keys.stored_key), said, self._algorithm)
        try:
            given = base64.b64decode(proof, validate=True)
        except (binascii.Error, ValueError) as error:
            raise _wrong() from error
        if len(given) != len(signature):
            raise _wrong()
        client_key = bytes(one ^ other for one, other in zip(given, signature, strict=True))
        if not hmac.compare_digest(
            hashlib.new(self._algorithm, client_key).digest(), base64.b64decode(keys.stored_key)
        ):
            raise Unauthenticated("password.wrong", "That is not the password.")
        return b"v=" + base64.b64encode(hmac.digest(base64.b64decode(keys.server_key), said, self._algorithm))


def _decoded(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise _wrong() from error


def _unescape(name: str) -> str:
    # RFC 5802 §5.1
    plain = name.replace("=2C", "").replace("=3D", "")
    if "=" in plain or "\0" in name or not name:
        raise _wrong()
    return name.replace("=2C", ",").replace("=3D", "=")


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _wrong() -> Unauthenticated:
    return Unauthenticated("authentication.exchange", "This is no message of SCRAM that fits here.")
