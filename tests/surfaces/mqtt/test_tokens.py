"""Signed tokens as MQTT passwords (contract §2.11, jwt), with keys that are given and keys that are published."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from folkmoot.config import Config, Limits, Outgoing
from folkmoot.text.acl import Carried, Rule, Topic
from tests.net.serving import serving
from tests.surfaces.mqtt.management import Running, assert_error, scenario
from tests.surfaces.mqtt.test_authentication import code, make

HMAC = {"mechanism": "jwt", "use_jwks": False, "algorithm": "hmac-based", "secret": "a secret of enough length"}
SECRET = OctKey.import_key("a secret of enough length")
CONFIG = Config(limits=Limits(enabled=False), outgoing=Outgoing(allowed_networks=("127.0.0.0/8",)))


def sign(key: Any = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    kid = {"kid": key.kid} if getattr(key, "kid", None) else {}
    return jwt.encode({"alg": algorithm, **kid}, claims, key, algorithms=[algorithm])


def test_tokens_that_let_in_and_those_that_do_not(tmp_path: Path) -> None:
    now = time.time()

    async def play(here: Running) -> None:
        await make(here, {**HMAC, "verify_claims": {"user": "${username}", "aud": "broker"}})
        good: dict[str, Any] = {"user": "dev", "aud": "broker", "exp": now + 60, "iat": now - 5, "nbf": now - 5}
        for algorithm in ("HS256", "HS384", "HS512"):
            assert await code(here, "dev", sign(algorithm=algorithm, **good)) == 0
        assert await code(here, "dev", sign(**{**good, "aud": ["x", "broker"]})) == 0
        for change in (
            {"exp": now - 1},
            {"nbf": now + 60},
            {"iat": now + 60},
            {"exp": "soon"},
            {"exp": True},
            {"aud": "other"},
            {"user": "ann"},
            {"aud": None},
            {"acl": "everything"},
            {"acl": [{"permission": "maybe"}]},
        ):
            assert await code(here, "dev", sign(**{**good, **change})) == 0x86, change
        # What is not signed by our key is no token of ours: the accounts are asked, and know nobody.
        header = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
        body = sign(**good).split(".")[1]
        for password in (
            sign(OctKey.import_key("another secret of some length"), **good),
            f"{header}.{body}.",
            f"{header}.{body}.{sign(**good).split('.')[2]}",
            "a.b.c",
            "plain",
        ):
            assert await code(here, "dev", password) == 0x87, password
        assert await code(here, "dev", None) == 0x87
        assert await code(here, "ann", "secret") == 0
        metrics = (await here.ask("GET", "/authentication/jwt/status")).json()["metrics"]
        assert (metrics["success"], metrics["failed"], metrics["nomatch"]) == (4, 10, 7)

    scenario(tmp_path, play)


def test_what_a_token_gives(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, {**HMAC, "from": "username", "acl_claim_name": "rights"})
        end = int(time.time()) + 30
        rights = [{"permission": "allow", "action": "publish", "topic": "t/${clientid}"}]
        token = sign(exp=end, is_superuser=True, client_attrs={"site": "x", "n": 5}, rights=rights)
        async with aiomqtt.Client("127.0.0.1", here.port, username=token, identifier="c") as client:
            found = here.stream.broker.sessions["c"].client
            assert (found.is_superuser, found.attrs, found.expires_at) == (True, {"site": "x"}, end)
            assert here.stream.broker.sessions["c"].identity.account_id is None
            await client.publish("t/c", b"x", 1)
            # When it has expired, the connection ends.
            here.stream.broker.tick(end - 1.0)
            assert here.stream.broker.sessions["c"].link is not None
            here.stream.broker.tick(end + 0.0)
            assert "c" not in here.stream.broker.sessions
        answer = await here.ask("PUT", "/authentication/jwt", json={**HMAC, "disconnect_after_expire": False})
        assert answer.status_code == 204
        token = sign(exp=end, acl={"sub": ["a/#", "eq b/+"]})
        async with aiomqtt.Client("127.0.0.1", here.port, username="u", password=token, identifier="d"):
            found = here.stream.broker.sessions["d"].client
            assert found.expires_at == 0 and not found.is_superuser
            if isinstance(found.rules, Carried):
                assert found.rules.expires_at == end
                assert Rule(True, "subscribe", (Topic("a/#"), Topic("b/+", True))) in found.rules.rules

    scenario(tmp_path, play)


def test_rules_of_a_token_hold(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        await make(here, HMAC)
        token = sign(exp=time.time() + 1000, acl={"sub": ["mine/#"], "pub": ["mine/#"]})
        options: dict[str, Any] = {"username": "u", "password": token, "protocol": aiomqtt.ProtocolVersion.V5}
        async with aiomqtt.Client("127.0.0.1", here.port, **options) as client:
            codes = await client.subscribe([("mine/a", 1), ("other/a", 1)])
            assert [int(getattr(each, "value", 0)) for each in codes] == [1, 0x87]

    scenario(tmp_path, play)


def test_public_keys(tmp_path: Path) -> None:
    rsa, curve = RSAKey.generate_key(2048), ECKey.generate_key("P-256")

    def pem(key: Any) -> str:
        return key.as_pem(private=False).decode()  # type: ignore[no-any-return]

    async def play(here: Running) -> None:
        document = {"mechanism": "jwt", "use_jwks": False, "algorithm": "public-key", "public_key": pem(rsa)}
        await make(here, document)
        for algorithm in ("RS256", "PS512"):
            assert await code(here, "dev", sign(rsa, algorithm, a=1)) == 0
        assert await code(here, "dev", sign(curve, "ES256", a=1)) == 0x87
        # The old trick: our public key as the secret of an HMAC.
        confused = sign(OctKey.import_key(base64.b64encode(pem(rsa).encode())), "HS256", a=1)
        assert await code(here, "dev", confused) == 0x87
        answer = await here.ask("PUT", "/authentication/jwt", json={**document, "public_key": pem(curve)})
        assert answer.status_code == 204
        assert await code(here, "dev", sign(curve, "ES256", a=1)) == 0
        assert await code(here, "dev", sign(rsa, "RS256", a=1)) == 0x87
        answer = await here.ask("PUT", "/authentication/jwt", json={**document, "public_key": "nonsense"})
        assert_error(answer, 400, "BAD_REQUEST")
        assert "public_key" in answer.json()["message"]

    scenario(tmp_path, play)


class Publisher:
    """A web server with a set of keys."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.asked: list[str | None] = []

    def publish(self, *keys: Any) -> None:
        self.body = msgspec.json.encode({"keys": [key.as_dict(private=False) for key in keys]})

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        assert scope["type"] == "http"
        self.asked.append(dict(scope["headers"]).get(b"x-tenant", b"").decode())
        await send({"type": "http.response.start", "status": 200 if self.body else 503, "headers": []})
        await send({"type": "http.response.body", "body": self.body or b""})


def test_published_keys(tmp_path: Path) -> None:
    first, second = (RSAKey.generate_key(2048, {"kid": name}) for name in ("one", "two"))
    curve = ECKey.generate_key("P-384")

    async def play(here: Running) -> None:
        published = Publisher()
        async with serving(published) as address:
            document = {"mechanism": "jwt", "use_jwks": True, "endpoint": f"http://{address}/keys"}
            await make(here, {**document, "refresh_interval": 1, "headers": {"x-tenant": "t"}})
            assert await code(here, "dev", sign(first, "RS256", a=1)) == 0x87
            status = (await here.ask("GET", "/authentication/jwt/status")).json()
            assert status["status"] == "disconnected" and status["node_error"][0]["error"] == "status 503"
            published.publish(first, curve, OctKey.generate_key(256))
            # A new configuration asks at once.
            await here.ask("PUT", "/authentication/jwt", json={**document, "refresh_interval": 1})
            assert await code(here, "dev", sign(first, "RS256", a=1)) == 0
            assert await code(here, "dev", sign(curve, "ES384", a=1)) == 0
            assert await code(here, "dev", sign(second, "RS256", a=1)) == 0x87
            assert published.asked == ["t", ""]
            assert (await here.ask("GET", "/authentication/jwt/status")).json()["status"] == "connected"
            published.publish(second)
            # The keys are fetched again when they are old, and the old ones hold as long as there are no others.
            deadline = time.monotonic() + 10
            while await code(here, "dev", sign(second, "RS256", a=1)):
                assert time.monotonic() < deadline
            assert await code(here, "dev", sign(first, "RS256", a=1)) == 0x87
            published.body = None
        deadline = time.monotonic() + 10
        while (await here.ask("GET", "/authentication/jwt/status")).json()["status"] == "connected":
            assert await code(here, "dev", sign(second, "RS256", a=1)) == 0
            assert time.monotonic() < deadline
        assert await code(here, "dev", sign(second, "RS256", a=1)) == 0

    scenario(tmp_path, play, CONFIG)
