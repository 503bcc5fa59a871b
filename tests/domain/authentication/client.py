"""The client's side of SCRAM, for tests."""

from __future__ import annotations

import base64
import hashlib
import hmac


class ScramClient:
    """Says the client's messages and checks the server's last one."""

    def __init__(self, name: str, password: str, algorithm: str) -> None:
        self._password = password
        self._algorithm = algorithm
        self._bare = "n=" + name.replace("=", "=3D").replace(",", "=2C") + ",r=fyko+d2lbbFgONRv9qkxdawL"
        self._signature = b""

    def first(self) -> bytes:
        return ("n,," + self._bare).encode()

    def final(self, challenge: bytes) -> bytes:
        algorithm = self._algorithm
        said = dict(field.split("=", 1) for field in challenge.decode().split(","))
        salted = hashlib.pbkdf2_hmac(algorithm, self._password.encode(), base64.b64decode(said["s"]), int(said["i"]))
        without_proof = f"c=biws,r={said['r']}"
        message = f"{self._bare},{challenge.decode()},{without_proof}".encode()
        client_key = hmac.digest(salted, b"Client Key", algorithm)
        signature = hmac.digest(hashlib.new(algorithm, client_key).digest(), message, algorithm)
        proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", algorithm), message, algorithm)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def is_answered(self, final: bytes) -> bool:
        return final == b"v=" + base64.b64encode(self._signature)
