"""Whatever several people do, in whatever order, everybody sees what a simple model of the forum says.

A story has a forum's administrator, three new people and a community of theirs; the forum is one for all stories, so what
others have said stays beside. Longer runs: FOLKMOOT_TEST_EXAMPLES.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from folkmoot.store import Engine
from tests.surfaces.forum.hall import Hall, hall_on
from tests.surfaces.forum.looks import compare
from tests.surfaces.forum.model import Model, Person
from tests.surfaces.forum.steps import ACTS, Step, Story

EXAMPLES = int(os.environ.get("FOLKMOOT_TEST_EXAMPLES", "5"))
OFTEN = ("post", "post", "comment", "comment", "comment", "vote", "hide", "lock", "read", "close")
STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from((*ACTS, *OFTEN)),
        st.integers(0, 3),
        st.integers(0, 40),
        st.integers(0, 3),
        st.integers(0, 5),
    ),
    min_size=12,
    max_size=45,
)
_COUNTED = ("number_of_posts", "number_of_comments", "number_of_communities")
_numbers = count(1)


@contextmanager
def open_hall(engine: Engine) -> Iterator[tuple[asyncio.Runner, Hall]]:
    """A forum with a site, and what runs it."""
    with asyncio.Runner() as runner:
        opening = hall_on(engine)
        hall = runner.run(opening.__aenter__())
        try:
            runner.run(hall.enrol("admin", admin=True, show_nsfw=True))
            runner.run(hall.send("/site", "admin", name="Town"))
            yield runner, hall
        finally:
            runner.run(opening.__aexit__(None, None, None))


async def begin(hall: Hall) -> tuple[Story, dict[str, int]]:
    """New people in the forum, one of whom has a community; and what was counted before."""
    site = (await hall.get("/site"))["site"]
    word = f"w{next(_numbers)}w"
    now = hall.clock().timestamp()
    story = Story(hall, Model(at=now, since=now), word)
    admin = await hall.get("/user", sort="New", username="admin")
    story.model.people["admin"] = Person("admin", admin["user"]["id"], nsfw=True, admin=True)
    for letter in "abc":
        name = f"{word}_{letter}"
        person = Person(name, await hall.enrol(name, show_nsfw=letter == "b"), nsfw=letter == "b")
        story.model.people[name] = person
    story.names = list(story.model.people)
    await take(story, Step("create", 1, 0, 0, 0))
    return story, {key: site[key] for key in _COUNTED}


async def take(story: Story, step: Step) -> None:
    """Do one thing in both, a second after the last."""
    story.hall.clock.wait(seconds=1)
    story.model.at += 1
    await ACTS[step.act](story, step, story.person(step.by).name)


async def play(hall: Hall, steps: list[Step]) -> None:
    story, before = await begin(hall)
    for step in steps:
        await take(story, step)
    await compare(story, before)


def test_everybody_sees_what_the_model_says(engine: Engine) -> None:
    with open_hall(engine) as (runner, hall):

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            database=None,
            phases=[Phase.generate],
        )
        @given(STEPS)
        def ends_as_the_model_says(steps: list[Step]) -> None:
            runner.run(play(hall, steps))

        ends_as_the_model_says()


def test_a_long_story_of_every_act(engine: Engine) -> None:
    chance = random.Random(4)
    steps = [
        Step(chance.choice((*ACTS, *OFTEN)), *(chance.randrange(most) for most in (4, 40, 4, 6))) for _ in range(200)
    ]
    with open_hall(engine) as (runner, hall):
        runner.run(play(hall, steps))
