"""Hashes and checks passwords: argon2id for ours, bcrypt for imported ones until their next use.

Slow on purpose; call it on a worker thread, never on the loop or inside a transaction. At most as many run at once as
there are cores, so a burst of sign-ins cannot take all memory.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import threading
from collections import OrderedDict

import argon2
import bcrypt

# docs: 35 ms on one core (OWASP's second choice: 19 MiB, two passes, one lane).
_HASHER = argon2.PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
_REMEMBERED = 4096
_LONGEST = 1024


class Passwords:
    """A bounded number of hashing threads and a memory of what was right before.

    The memory spares programs that send the same password with every request the 35 ms each; it holds keyed digests that
    name the stored hash, so changing the password forgets the old one. Tests, which hash often, bring a cheaper hasher.
    """

    def __init__(self, hasher: argon2.PasswordHasher = _HASHER) -> None:
        self._hasher = hasher
        self._slots = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def hash(self, password: str) -> str:
        """The argon2id hash to store."""
        with self._slots:
            return self._hasher.hash(password[:_LONGEST])

    def is_remembered(self, stored: str, password: str) -> bool:
        """Was this pair found right before? Quick enough for the loop."""
        return self._digest(stored, password) in self._right

    def check(self, stored: str | None, password: str) -> bool:
        """Is this the password behind the stored hash?

        With no hash the same time is spent and the answer is no, so that an answer's delay does not tell who exists.
        """
        if stored is None:
            self.hash(password)
            return False
        digest = self._digest(stored, password)
        if digest in self._right:
            return True
        with self._slots:
            right = self._verify(stored, password)
        if right:
            self._remember(digest)
        return right

    def needs_rehash(self, stored: str) -> bool:
        """Should a password found right be hashed anew (imported, or by older parameters)?"""
        return not stored.startswith("$argon2id$") or self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        if stored.startswith("$2"):
            # bcrypt: only 72 bytes ever counted; longer ones were cut where these hashes were made.
            try:
                return bcrypt.checkpw(password.encode()[:72], stored.encode())
            except ValueError:
                return False
        try:
            return self._hasher.verify(stored, password[:_LONGEST])
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    def _digest(self, stored: str, password: str) -> bytes:
        return hmac.digest(self._key, f"{stored}\0{password}".encode("utf-8", "replace"), hashlib.sha256)

    def _remember(self, digest: bytes) -> None:
        with self._lock:
            self._right[digest] = None
            if len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)
