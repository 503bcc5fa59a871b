from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.config import Config, Limits
from folkmoot.domain import accounts
from folkmoot.errors import RateLimited, Unauthenticated
from folkmoot.house import SIGN_INS_PER_MINUTE, House
from folkmoot.store import Announcements, Database, Engine, migrate
from tests.databases import quick_passwords

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Clock:
    """A clock that tests put forward."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def play(engine: Engine, story: Callable[[House, Clock], Awaitable[None]], *, limited: bool = True) -> None:
    """A story in a house where `ann` and `bob` live, their passwords being `secret`."""

    async def run() -> None:
        migrate(engine, "community")
        database, clock = Database(engine), Clock()
        database.open()
        try:
            config = Config(limits=Limits(enabled=limited))
            house = House(config, database, database, Announcements(database), quick_passwords(), now=clock)
            stored = house.passwords.hash("secret")
            for name in ("ann", "bob"):
                await database.write(accounts.register, name, stored, NOW, address=f"{name}@example.net")
            await story(house, clock)
        finally:
            database.close()

    asyncio.run(run())


async def fail(house: House, login: str, times: int = SIGN_INS_PER_MINUTE) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            await house.sign_in(login, "wrong")


def test_guessing_a_password_is_slowed_down(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        await fail(house, "ann")
        for password in ("wrong", "secret"):
            with pytest.raises(RateLimited) as refused:
                await house.sign_in("ann", password)
            assert 0 < refused.value.retry_after_seconds <= 60
        # Neither anybody else nor the same person under the other name is held up.
        assert (await house.sign_in("bob", "secret")).name == "bob"
        clock.now += MINUTE
        assert (await house.sign_in("ann", "secret")).name == "ann"

    play(engine, story)


def test_a_name_in_another_case_is_no_new_try(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        for login in ("ann@example.net", "Ann@Example.NET") * (SIGN_INS_PER_MINUTE // 2):
            await fail(house, login, 1)
        with pytest.raises(RateLimited):
            await house.sign_in("ANN@example.net", "secret")

    play(engine, story)


def test_who_does_not_exist_is_held_up_just_the_same(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        await fail(house, "nobody")
        with pytest.raises(RateLimited):
            await house.sign_in("nobody", "secret")

    play(engine, story)


def test_a_password_that_was_right_before_is_never_held_up(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        await house.sign_in("ann", "secret")
        await fail(house, "ann")
        assert (await house.sign_in("ann", "secret")).name == "ann"
        with pytest.raises(RateLimited):
            await house.sign_in("ann", "wrong")

    play(engine, story)


def test_right_passwords_cost_no_tries(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        for _ in range(2 * SIGN_INS_PER_MINUTE):
            house.passwords = quick_passwords()
            await house.sign_in("ann", "secret")

    play(engine, story)


def test_guesses_at_the_same_time_do_not_pass_together(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        guesses = (house.sign_in("ann", f"guess {number}") for number in range(3 * SIGN_INS_PER_MINUTE))
        answers = await asyncio.gather(*guesses, return_exceptions=True)
        assert sum(isinstance(each, Unauthenticated) for each in answers) == SIGN_INS_PER_MINUTE
        assert sum(isinstance(each, RateLimited) for each in answers) == 2 * SIGN_INS_PER_MINUTE

    play(engine, story)


def test_programs_that_start_at_the_same_time_all_come_in(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        answers = await asyncio.gather(*(house.sign_in("ann", "secret") for _ in range(3 * SIGN_INS_PER_MINUTE)))
        assert {each.name for each in answers} == {"ann"}

    play(engine, story)


def test_what_is_kept_of_names_is_bounded(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        await fail(house, "x" * 100_000)
        with pytest.raises(RateLimited):
            await house.sign_in("x" * 100_000, "secret")
        assert len(house.tries) == 1
        assert not house.signing_in

    play(engine, story)


def test_without_limits_nobody_is_held_up(engine: Engine) -> None:
    async def story(house: House, clock: Clock) -> None:
        await fail(house, "ann", SIGN_INS_PER_MINUTE + 1)
        assert (await house.sign_in("ann", "secret")).name == "ann"

    play(engine, story, limited=False)
