"""The page that makes the first administrator: once, by whoever has the link."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from folkmoot.domain import accounts
from folkmoot.store import Engine
from tests.surfaces.web.test_handlers import csrf_of, run, shown_text
from tests.surfaces.web.town import NOW, Town

PATH = "/setup/open-sesame"


def filled(csrf: str, **changed: str) -> dict[str, str]:
    form = {"name": "mayor", "password": "in the hall", "password_again": "in the hall", "_csrf": csrf}
    return {**form, **changed}


async def begin(town: Town) -> None:
    """As at the first start: nobody is in charge, and the link was printed."""
    await town.house.db.write(lambda tx: tx.run("UPDATE accounts SET is_admin = :no", no=False))
    town.house.setup_token = "open-sesame"


async def admins(town: Town) -> list[str | None]:
    return [each.name for each in await town.house.db.read(accounts.list_admins)]


def test_the_link_makes_one_administrator(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await begin(town)
        csrf = await csrf_of(client, PATH)
        answer = await client.post(PATH, data=filled(csrf))
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert await admins(town) == ["mayor"]
        assert (await town.house.sign_in("mayor", "in the hall")).is_admin
        assert (await client.get(PATH)).status_code == 404
        assert (await client.post(PATH, data=filled(csrf, name="other"))).status_code == 404

    run(engine, scenario)


def test_two_at_the_same_time_make_one(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await begin(town)
        csrf = await csrf_of(client, PATH)
        forms = [filled(csrf, name=name) for name in ("mayor", "rival", "third")]
        answers = await asyncio.gather(*(client.post(PATH, data=form) for form in forms))
        assert sorted(answer.status_code for answer in answers) == [303, 404, 404]
        assert len(await admins(town)) == 1

    run(engine, scenario)


def test_an_administrator_made_elsewhere_closes_the_page(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await begin(town)
        csrf = await csrf_of(client, PATH)
        await town.house.db.write(lambda tx: accounts.register(tx, "reeve", None, NOW, is_admin=True))
        assert (await client.post(PATH, data=filled(csrf))).status_code == 404
        assert (await client.get(PATH)).status_code == 404
        assert await admins(town) == ["reeve"]

    run(engine, scenario)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"password": "short", "password_again": "short"}, "at least 8 characters"),
        ({"password_again": "in the halls"}, "not the same"),
        ({"name": ""}, "A name has"),
        ({"name": "<b>"}, "A name has"),
    ],
)
def test_what_is_wrong_is_said_and_can_be_put_right(engine: Engine, changed: dict[str, str], words: str) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await begin(town)
        csrf = await csrf_of(client, PATH)
        answer = await client.post(PATH, data=filled(csrf, **changed))
        assert answer.status_code == 400 and words in shown_text(answer.text)
        assert "in the hall" not in answer.text
        assert await admins(town) == []
        assert (await client.post(PATH, data=filled(csrf))).status_code == 303

    run(engine, scenario)


def test_a_name_that_was_given_is_kept_in_the_form(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        await begin(town)
        answer = await client.post(PATH, data=filled(await csrf_of(client, PATH), name='may"or', password="x"))
        assert 'value="may&#34;or"' in answer.text

    run(engine, scenario)


def test_neither_a_guess_nor_a_forged_form_gets_in(engine: Engine) -> None:
    async def scenario(town: Town, client: httpx.AsyncClient) -> None:
        for guess in ("open-sesam", "", "open-sesame%00", "%C3%A9"):
            assert (await client.get(f"/setup/{guess}")).status_code in (400, 404)
        await begin(town)
        csrf = await csrf_of(client, PATH)
        assert (await client.get("/setup/open-sesamé")).status_code == 404
        for form, headers in (
            (filled(""), {}),
            (filled("x" * 43), {}),
            (filled(csrf), {"sec-fetch-site": "cross-site"}),
            (filled(csrf), {"sec-fetch-site": "same-site"}),
        ):
            assert (await client.post(PATH, data=form, headers=headers)).status_code == 403
        client.cookies.clear()
        assert (await client.post(PATH, data=filled(csrf))).status_code == 403
        assert await admins(town) == []

    run(engine, scenario)
