"""How the passwords of built-in users are kept: the schemes an operator can choose, so that users of other systems can move in.

A hash is text: hexadecimal digits, or for bcrypt and `plain` what those make. bcrypt and PBKDF2 are slow on purpose; call
`check` and `make` of those on a worker thread.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Annotated, ClassVar, Literal

import bcrypt
from msgspec import Meta, Struct

from folkmoot.errors import Invalid

_SALT_BYTES = 16

MacFunction = Literal["md4", "md5", "ripemd160", "sha", "sha224", "sha256", "sha384", "sha512"]


class Hashed(Struct, frozen=True):
    """What is kept of a password."""

    hash: str
    salt: str = ""


class Scheme(Struct, frozen=True, tag_field="name"):
    """One way to keep passwords."""

    is_slow: ClassVar[bool] = False

    def require_usable(self) -> None:
        """Raises Invalid when this machine cannot do it."""

    def make(self, password: bytes) -> Hashed:
        """Hashes a new password with a new salt."""
        raise NotImplementedError

    def digest(self, password: bytes, salt: str) -> str:
        """The hash of a password with this salt; raises ValueError for a salt that is none."""
        raise NotImplementedError

    def check(self, kept: Hashed, password: bytes) -> bool:
        """Is this the password?"""
        try:
            found = self.digest(password, kept.salt)
        except ValueError:
            return False
        return hmac.compare_digest(self.written(found).encode(), self.written(kept.hash).encode())

    def written(self, digest: str) -> str:
        """A hash in the one form in which it is compared."""
        return digest.lower()


class _Digest(Scheme, frozen=True):
    salt_position: Literal["prefix", "suffix", "disable"] = "prefix"

    function: ClassVar[str] = ""

    def make(self, password: bytes) -> Hashed:
        salt = "" if self.salt_position == "disable" else secrets.token_hex(_SALT_BYTES)
        return Hashed(self.digest(password, salt), salt)

    def digest(self, password: bytes, salt: str) -> str:
        if self.salt_position == "prefix":
            password = salt.encode() + password
        elif self.salt_position == "suffix":
            password += salt.encode()
        return self._digest(password)

    def _digest(self, data: bytes) -> str:
        return hashlib.new(self.function, data, usedforsecurity=False).hexdigest()


class Plain(_Digest, frozen=True, tag="plain"):
    """No hash at all."""

    salt_position: Literal["prefix", "suffix", "disable"] = "disable"

    def _digest(self, data: bytes) -> str:
        return data.decode("utf-8", "backslashreplace")

    def written(self, digest: str) -> str:
        return digest


class Md5(_Digest, frozen=True, tag="md5"):
    """MD5 of salt and password."""

    function: ClassVar[str] = "md5"


class Sha(_Digest, frozen=True, tag="sha"):
    """SHA-1 of salt and password."""

    function: ClassVar[str] = "sha1"


class Sha256(_Digest, frozen=True, tag="sha256"):
    """SHA-256 of salt and password."""

    function: ClassVar[str] = "sha256"


class Sha512(_Digest, frozen=True, tag="sha512"):
    """SHA-512 of salt and password."""

    function: ClassVar[str] = "sha512"


class Bcrypt(Scheme, frozen=True, tag="bcrypt"):
    """bcrypt; the salt is the head of the hash."""

    salt_rounds: Annotated[int, Meta(ge=4, le=16)] = 10

    is_slow: ClassVar[bool] = True

    def make(self, password: bytes) -> Hashed:
        salt = bcrypt.gensalt(self.salt_rounds).decode()
        return Hashed(self.digest(password, salt), salt)

    def digest(self, password: bytes, salt: str) -> str:
        # Only 72 bytes ever counted.
        return bcrypt.hashpw(password[:72], salt.encode()).decode()

    def check(self, kept: Hashed, password: bytes) -> bool:
        # Imported users may come without the salt, which is in the hash.
        return Scheme.check(self, kept if kept.salt else Hashed(kept.hash, kept.hash[:29]), password)

    def written(self, digest: str) -> str:
        # 2a, 2b and 2y differ in bugs that are long gone.
        return digest[4:] if digest[:4] in ("$2a$", "$2b$", "$2y$") else digest


class Pbkdf2(Scheme, frozen=True, tag="pbkdf2"):
    """PBKDF2 (RFC 8018 §5.2)."""

    mac_fun: MacFunction
    iterations: Annotated[int, Meta(ge=1, le=1_000_000)]
    dk_length: Annotated[int, Meta(ge=1, le=1024)] | None = None

    is_slow: ClassVar[bool] = True

    @property
    def function(self) -> str:
        """The name our library knows it by."""
        return "sha1" if self.mac_fun == "sha" else self.mac_fun

    def require_usable(self) -> None:
        try:
            hashlib.pbkdf2_hmac(self.function, b"", b"", 1)
        except ValueError as error:
            message = f"{self.mac_fun} is not to be had on this machine."
            raise Invalid("authentication.scheme", message, "password_hash_algorithm.mac_fun") from error

    def make(self, password: bytes) -> Hashed:
        salt = secrets.token_hex(_SALT_BYTES)
        return Hashed(self.digest(password, salt), salt)

    def digest(self, password: bytes, salt: str) -> str:
        return hashlib.pbkdf2_hmac(self.function, password, salt.encode(), self.iterations, self.dk_length).hex()


AnyScheme = Plain | Md5 | Sha | Sha256 | Sha512 | Bcrypt | Pbkdf2
