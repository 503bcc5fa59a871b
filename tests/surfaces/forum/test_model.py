"""Whatever several people do, in whatever order: counts, scores, visibility, modlog, inbox and what is saved, against a model."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from folkmoot.store import Engine, SqliteEngine
from tests.surfaces.forum.hall import Hall, hall_on, run_in_hall

PEOPLE = ("admin", "ann", "bob")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(("post", "comment", "answer", "vote", "vote", "remove", "delete", "save", "lock", "read all")),
        st.sampled_from(PEOPLE),
        st.integers(0, 20),
        st.sampled_from((-1, 0, 1)),
    ),
    min_size=6,
    max_size=20,
)


@dataclass
class Said:
    """A post or a comment as the model knows it."""

    id: int
    by: str
    answers: int | None = None
    thread: int = 0
    votes: dict[str, int] = field(default_factory=dict)
    saved: set[str] = field(default_factory=set)
    removed: bool = False
    deleted: bool = False
    locked: bool = False
    read: bool = False


@dataclass
class Model:
    """The simplest forum that could be."""

    said: dict[int, Said] = field(default_factory=dict)
    acts: Counter[str] = field(default_factory=Counter)

    @property
    def posts(self) -> list[Said]:
        return [each for each in self.said.values() if each.answers is None]

    def answers_to(self, name: str) -> set[int]:
        """What is unread in somebody's inbox."""
        return {
            each.id
            for each in self.said.values()
            if each.answers is not None and self.said[each.answers].by == name != each.by
            if not (each.removed or each.deleted or each.read)
        }


async def take(hall: Hall, model: Model, step: tuple[str, str, int, int]) -> None:
    """Do one thing in both; what cannot be done is refused by the forum and changes nothing in the model."""
    act, by, which, score = step
    if act == "read all":
        await hall.send("/user/mark_all_as_read", by)
        for number in model.answers_to(by):
            model.said[number].read = True
        return
    if act == "post" or not model.said:
        number = await hall.post(by, f"Post {len(model.said)}")
        model.said[number] = Said(number, by, thread=number, votes={by: 1})
        return
    target = sorted(model.said.values(), key=lambda each: each.id)[which % len(model.said)]
    is_post = target.answers is None
    kind, path = ("post", "/post") if is_post else ("comment", "/comment")
    if act in ("comment", "answer"):
        more = {} if is_post else {"parent_id": target.id}
        answer = await hall.answer("/comment", by, content="well", post_id=target.thread, **more)
        if answer.status_code == 200:
            number = answer.json()["comment"]["id"]
            model.said[number] = Said(number, by, target.id, target.thread, votes={by: 1})
        thread = model.said[target.thread]
        closed = thread.locked or any(each.removed or each.deleted for each in (thread, target))
        assert (answer.status_code == 200) is not closed, answer.text
    elif act == "vote":
        data = {f"{kind}_id": target.id, "post_id": target.thread, "score": score}
        if (await hall.answer(f"{path}/like", by, **data)).status_code == 200:
            target.votes[by] = score
    elif act == "save":
        wanted = by not in target.saved
        await hall.send(f"{path}/save", by, **{f"{kind}_id": target.id, "save": wanted})
        target.saved ^= {by}
    else:
        named = {"name": "Same"} if is_post else {"content": "same"}
        if act == "lock" and not is_post:
            return
        word = {"remove": "removed", "delete": "deleted", "lock": "locked"}[act]
        wanted = not getattr(target, word)
        answer = await hall.answer(path, by, "PUT", edit_id=target.id, **named, **{word: wanted})
        may = by == target.by if act == "delete" else by == "admin"
        assert (answer.status_code == 200) is may, (step, answer.text)
        if may:
            setattr(target, word, wanted)
            if act != "delete":
                model.acts[f"{word}_{kind}s"] += 1


async def compare(hall: Hall, model: Model, before: dict[str, int]) -> None:
    """Everything that is shown is as the model says."""
    for viewer in PEOPLE:
        listed = (await hall.get("/post/list", viewer, type_="All", sort="New", limit=500))["posts"]
        known = [each for each in listed if each["id"] in model.said]
        assert {each["id"] for each in known} == {x.id for x in model.posts if not (x.removed or x.deleted)}
        for post in model.posts:
            found = await hall.get("/post", viewer, id=post.id)
            below = [x for x in model.said.values() if x.thread == post.id and x.answers is not None]
            assert found["post"]["number_of_comments"] == len(below)
            assert {each["id"] for each in found["comments"]} == {x.id for x in below}
            for view in (found["post"], *found["comments"]):
                said = model.said[view["id"]]
                votes = list(said.votes.values())
                assert (view["score"], view["upvotes"], view["downvotes"]) == (
                    sum(votes),
                    votes.count(1),
                    votes.count(-1),
                )
                assert view["my_vote"] == said.votes.get(viewer, 0)
                assert view["saved"] == (True if viewer in said.saved else None)
                assert (view["removed"], view["deleted"]) == (said.removed, said.deleted)
            assert found["post"]["locked"] == post.locked
        replies = (await hall.get("/user/replies", viewer, sort="New", unread_only="true", limit=500))["replies"]
        assert {each["id"] for each in replies if each["id"] in model.said} == model.answers_to(viewer)
        mine = [x for x in model.said.values() if x.by == viewer]
        user = (await hall.get("/user", sort="New", username=viewer))["user"]
        for kind, of in (("post", [x for x in mine if x.answers is None]), ("comment", [x for x in mine if x.answers])):
            assert user[f"number_of_{kind}s"] == before[f"{viewer} {kind}s"] + len(of)
            assert user[f"{kind}_score"] == before[f"{viewer} {kind} score"] + sum(sum(x.votes.values()) for x in of)
    modlog: dict[str, list[Any]] = await hall.get("/modlog", limit=500)
    names = {"locked_posts": "post_id", "removed_posts": "post_id", "removed_comments": "comment_id"}
    for name, key in names.items():
        assert len([each for each in modlog[name] if each[key] in model.said]) == model.acts[name], name


async def counts(hall: Hall) -> dict[str, int]:
    """What everybody had before."""
    found: dict[str, int] = {}
    for name in PEOPLE:
        user = (await hall.get("/user", sort="New", username=name))["user"]
        for kind in ("post", "comment"):
            found |= {f"{name} {kind}s": user[f"number_of_{kind}s"], f"{name} {kind} score": user[f"{kind}_score"]}
    return found


async def check(hall: Hall, sequence: list[tuple[str, str, int, int]]) -> None:
    model, before = Model(), await counts(hall)
    for step in sequence:
        hall.clock.wait(seconds=1)
        await take(hall, model, step)
    await compare(hall, model, before)


def test_any_sequence_ends_as_the_model_says(tmp_path: Path) -> None:
    # One forum for all: what the sequences before have said stays beside.
    hall = hall_on(SqliteEngine(tmp_path / "community.db"))
    with asyncio.Runner() as runner:
        made = runner.run(hall.__aenter__())
        try:
            for name in PEOPLE:
                runner.run(made.enrol(name, admin=name == "admin"))

            @settings(
                max_examples=12,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
                phases=[Phase.generate],
            )
            @given(STEPS)
            def ends_as_the_model_says(sequence: list[tuple[str, str, int, int]]) -> None:
                runner.run(check(made, sequence))

            ends_as_the_model_says()
        finally:
            runner.run(hall.__aexit__(None, None, None))


def test_a_long_sequence_on_both_databases(engine: Engine) -> None:
    acts = (
        "post",
        "comment",
        "vote",
        "save",
        "answer",
        "remove",
        "vote",
        "delete",
        "read all",
        "lock",
        "answer",
        "post",
    )
    sequence = [(acts[n % 12], PEOPLE[n * 7 % 3], n * 5 % 17, n % 3 - 1) for n in range(60)]
    run_in_hall(engine, lambda hall: check(hall, sequence))
