from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

from tests.surfaces.mqtt.management import Running, assert_error, scenario


def test_the_life_of_a_key(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        wanted = {
            "name": "EMQX-API-KEY-3",
            "expired_at": "2037-12-05T02:01:34.186Z",
            "desc": "for testing",
            "enable": True,
        }
        answer = await here.ask("POST", "/api_key", json=wanted)
        made = answer.json()
        assert answer.status_code == 200
        assert list(made) == [
            *("name", "api_key", "created_at", "expired_at", "expired", "enable", "desc", "role", "api_secret"),
        ]
        assert made["api_key"] == hashlib.sha512(b"EMQX-API-KEY-3").hexdigest()[:16]
        assert len(made["api_secret"]) >= 43
        assert datetime.fromisoformat(made["expired_at"]) == datetime.fromisoformat("2037-12-05T02:01:34Z")
        assert (made["expired"], made["enable"], made["desc"], made["role"]) == (
            False,
            True,
            "for testing",
            "administrator",
        )
        assert "." not in made["created_at"] and datetime.fromisoformat(made["created_at"]).tzinfo is not None

        shown = {key: value for key, value in made.items() if key != "api_secret"}
        assert (await here.ask("GET", "/api_key/EMQX-API-KEY-3")).json() == shown
        assert (await here.ask("GET", "/api_key")).json() == [shown]

        changed = (await here.ask("PUT", "/api_key/EMQX-API-KEY-3", json={"enable": False, "role": "viewer"})).json()
        assert (changed["enable"], changed["desc"], changed["role"]) == (False, "for testing", "viewer")
        assert changed["expired_at"] == "infinity"
        changed = (await here.ask("PUT", "/api_key/EMQX-API-KEY-3", json={"desc": "new"})).json()
        assert (changed["enable"], changed["desc"], changed["role"]) == (False, "new", "administrator")

        answer = await here.ask("DELETE", "/api_key/EMQX-API-KEY-3")
        assert (answer.status_code, answer.content) == (204, b"")
        for method, body in (("GET", None), ("PUT", {}), ("DELETE", None)):
            assert_error(await here.ask(method, "/api_key/EMQX-API-KEY-3", json=body), 404, "NOT_FOUND")

    scenario(tmp_path, play)


def test_times_of_a_key(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for place, (given, shown, expired) in enumerate(
            [
                ("infinity", "infinity", False),
                (4_000_000_000, 4_000_000_000, False),
                ("4000000000", 4_000_000_000, False),
                (1, 1, True),
                ("2000-01-01T00:00:00+02:00", 946_677_600, True),
            ]
        ):
            made = (await here.ask("POST", "/api_key", json={"name": f"k{place}", "expired_at": given})).json()
            at = made["expired_at"]
            assert (at if at == "infinity" else datetime.fromisoformat(at).timestamp()) == shown
            assert made["expired"] is expired

    scenario(tmp_path, play)


KEYS_THAT_ARE_REFUSED: list[object] = [
    {},
    {"name": ""},
    {"name": "1a"},
    {"name": "a\n"},
    {"name": "with space"},
    {"name": "a" * 257},
    {"name": 5},
    {"name": "a", "expired_at": "tomorrow"},
    {"name": "a", "expired_at": "2027-01-01"},
    {"name": "a", "expired_at": 10**18},
    {"name": "a", "expired_at": True},
    {"name": "a", "enable": "true"},
    {"name": "a", "role": "king"},
    {"name": "a", "desc": "x\0"},
    [],
]


def test_keys_that_are_refused(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for wanted in KEYS_THAT_ARE_REFUSED:
            assert_error(await here.ask("POST", "/api_key", json=wanted), 400, "BAD_REQUEST")
            assert (await here.ask("GET", "/api_key")).json() == []

    scenario(tmp_path, play)


def test_names_are_taken_once_and_there_are_a_hundred(tmp_path: Path) -> None:
    async def play(here: Running) -> None:
        for place in range(100):
            assert (await here.ask("POST", "/api_key", json={"name": f"k{place}"})).status_code == 200
        answer = await here.ask("POST", "/api_key", json={"name": "k0"})
        assert_error(answer, 400, "BAD_REQUEST")
        assert answer.json()["message"] == "name_already_existed"
        assert_error(await here.ask("POST", "/api_key", json={"name": "k100"}), 400, "BAD_REQUEST")

    scenario(tmp_path, play)
