"""Tokens: what is in them and what ends them."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from folkmoot.domain import accounts
from folkmoot.store import Engine, Transaction
from folkmoot.surfaces.forum import issue_token
from tests.surfaces.forum.hall import Hall, run_in_hall

CLAIMS = [
    "id",
    "username",
    "iss",
    "show_nsfw",
    "theme",
    "default_sort_type",
    "default_listing_type",
    "lang",
    "avatar",
    "show_avatars",
    "jti",
]


def part(token: str, at: int) -> Any:
    piece = token.split(".")[at]
    return json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))


def test_the_claims(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        bob = await hall.enrol("Bobby", show_nsfw=True)
        token = hall.tokens["Bobby"]
        assert token.startswith("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.")
        claims = part(token, 1)
        assert list(claims) == CLAIMS
        assert [claims[name] for name in CLAIMS[:-1]] == [
            bob, "Bobby", "localhost", True, "darkly", 0, 1, "browser", None, True,
        ]  # fmt: skip
        # Clients read their settings from the token, so a change of them gives another.
        form = {"show_nsfw": False, "theme": "litely", "default_sort_type": 6, "default_listing_type": 2, "lang": "de"}
        more = {"avatar": "https://example.org/a.png", "show_avatars": False}
        fresh = (await hall.send("/user/save_user_settings", "Bobby", "PUT", **form, **more))["jwt"]
        told = part(fresh, 1)
        assert list(told) == CLAIMS and {**told, "jti": ""} == {**claims, **form, **more, "jti": ""}
        # The one before is as good as it was.
        await hall.get("/user/followed_communities", "Bobby")

    run_in_hall(engine, act)


def test_what_ends_a_token(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        ann = part(hall.tokens["ann"], 1)["id"]
        hall.tokens["second"] = (await hall.send("/user/login", username_or_email="ann", password="pw"))["jwt"]

        async def works(token: str) -> bool:
            answer = await hall.client.get("/api/v1/user/followed_communities", params={"auth": hall.tokens[token]})
            assert answer.status_code == 200 or answer.json()["error"] == "not_logged_in"
            return answer.status_code == 200

        def revoke(tx: Transaction) -> None:
            token = accounts.find_token(tx, "forum", part(hall.tokens["ann"], 1)["jti"])
            assert token is not None
            accounts.revoke_token(tx, token.id)

        assert await works("ann") and await works("second")
        await hall.house.db.write(revoke)
        assert not await works("ann") and await works("second")
        new_hash = hall.house.passwords.hash("new")
        await hall.house.db.write(accounts.change_password, ann, new_hash, hall.clock())
        assert not await works("second") and await works("bob")
        await hall.house.db.write(accounts.suspend, "bob", hall.clock())
        assert not await works("bob")
        assert await hall.refused("/user/login", username_or_email="bob", password="pw") == "site_ban"

    run_in_hall(engine, act)


def test_forged_tokens(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        good = hall.tokens["ann"]
        claims = part(good, 1)
        key = OctKey.import_key(await hall.house.db.read(lambda tx: accounts.find_secret(tx, "forum.jwt") or ""))
        head = base64.urlsafe_b64encode(b'{"typ":"JWT","alg":"none"}').rstrip(b"=").decode()
        less = {name: value for name, value in claims.items() if name != "lang"}
        for forged in (
            "", "x", "a.b.c", good[:-3], good + "A", f"{head}.{good.split('.')[1]}.", "é" * 10_000,
            jwt.encode({"typ": "JWT", "alg": "HS256"}, claims, OctKey.import_key("guessed" * 8)),
            jwt.encode({"typ": "JWT", "alg": "HS256"}, less, key),
            jwt.encode({"typ": "JWT", "alg": "HS256"}, {**claims, "jti": "x" * 32}, key),
            jwt.encode({"typ": "JWT", "alg": "HS256"}, {**claims, "jti": 7}, key),
        ):  # fmt: skip
            code = await hall.refused("/community/follow", community_id=1, follow=True, auth=forged)
            assert code == "not_logged_in"
        assert await hall.refused("/community/follow", community_id=99, follow=True, auth=good) != "not_logged_in"

    run_in_hall(engine, act)


def test_who_is_signed_in_is_told_by_the_session_not_by_the_claims(engine: Engine) -> None:
    async def act(hall: Hall) -> None:
        claims = part(hall.tokens["ann"], 1)
        key = OctKey.import_key(await hall.house.db.read(lambda tx: accounts.find_secret(tx, "forum.jwt") or ""))
        hall.tokens["odd"] = jwt.encode({"typ": "JWT", "alg": "HS256"}, {**claims, "id": 1, "username": "admin"}, key)
        post = await hall.post("odd")
        assert (await hall.get("/post", id=post))["post"]["creator_name"] == "ann"

    run_in_hall(engine, act)


@pytest.mark.parametrize("sessions", [103])
def test_an_account_keeps_its_newest_sessions(engine: Engine, sessions: int) -> None:
    async def act(hall: Hall) -> None:
        def issue(tx: Transaction) -> list[str]:
            account = accounts.get_account_named(tx, "ann")
            return [issue_token(tx, account, hall.clock(), hall.house.config) for _ in range(sessions)]

        tokens = await hall.house.db.write(issue)
        answers = [
            (await hall.client.get("/api/v1/user/followed_communities", params={"auth": token})).status_code
            for token in (hall.tokens["ann"], *tokens)
        ]
        assert answers == [400] * (sessions + 1 - 100) + [200] * 100

    run_in_hall(engine, act)
