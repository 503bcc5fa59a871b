"""The REST routes: shapes key by key, pages, permissions, errors."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from folkmoot.domain import conversations, spaces
from folkmoot.domain.spaces import Rights
from folkmoot.store import Engine
from tests.surfaces.lists.town import DOMAIN, NOW, Town, letter, run

OWNER = {"canonical_name": "~ann", "name": "ann"}


def test_version_needs_no_token(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        answer = await town.ask("GET", "/api/version")
        assert answer.status_code == 200 and list(answer.json()) == ["version"]

    run(engine, scenario)


def test_users(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await town.person("ann")
        await town.person("Bob")
        full = {**OWNER, "email": "ann@example.org", "url": None, "location": None, "bio": None}
        for path in ("/api/user", "/api/user/", "/api/user/~ann", "/api/user/~ANN", "/api/user/ann@example.org"):
            assert await town.get(path, "ann") == full, path
        assert (await town.get("/api/user/~bob", "ann"))["canonical_name"] == "~Bob"
        for path in ("/api/user/ann", "/api/user/~nobody", "/api/user/no@example.org", "/api/user/~"):
            assert (await town.ask("GET", path, "ann")).status_code == 404, path

    run(engine, scenario)


def test_a_list_from_making_to_deleting(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await town.person("ann")
        made = await town.ask("POST", "/api/lists", "ann", json={"name": "engines", "description": "About *them*"})
        assert made.status_code == 201
        everything = ["browse", "reply", "post"]
        at = made.json()["created"]
        assert made.json() == {
            "id": made.json()["id"],
            "name": "engines",
            "owner": OWNER,
            "created": at,
            "updated": at,
            "description": "About *them*",
            "permissions": {"nonsubscriber": everything, "subscriber": everything, "account": everything},
        }
        assert at.endswith("+00:00") and len(at) == 25
        assert await town.get("/api/lists/engines", "ann") == made.json()
        assert await town.get("/api/user/~ann/lists/Engines/", "ann") == made.json()
        page = await town.get("/api/lists", "ann")
        assert page == {"next": None, "results": [made.json()], "total": 1, "results_per_page": 50}
        # The owner is subscribed.
        subscribed = await town.get("/api/subscriptions", "ann")
        short = {"id": made.json()["id"], "name": "engines", "owner": OWNER}
        assert [each["list"] for each in subscribed["results"]] == [short]

        changed = await town.ask("PUT", "/api/lists/engines", "ann", json={"description": "New", "name": "ignored"})
        assert changed.status_code == 200
        assert (changed.json()["description"], changed.json()["name"]) == ("New", "engines")
        assert changed.json()["updated"] > at
        same = await town.ask("PUT", "/api/lists/engines", "ann", json={})
        assert same.json()["description"] == "New"
        cleared = await town.ask("PUT", "/api/lists/engines", "ann", json={"description": ""})
        assert cleared.json()["description"] is None

        gone = await town.ask("DELETE", "/api/lists/engines", "ann")
        assert (gone.status_code, gone.content) == (204, b"")
        assert (await town.ask("GET", "/api/lists/engines", "ann")).status_code == 404
        assert (await town.get("/api/subscriptions", "ann"))["total"] == 0

    run(engine, scenario)


def test_what_is_wrong_with_a_body_is_named_field_by_field(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await town.person("ann")
        await town.ask("POST", "/api/lists", "ann", json={"name": "taken"})
        cases: list[tuple[Any, list[str | None]]] = [
            ({}, ["name"]),
            ({"name": None, "description": None}, ["name", "description"]),
            ({"name": 1, "description": []}, ["name", "description"]),
            ({"name": ""}, ["name"]),
            ({"name": "a b"}, ["name"]),
            ({"name": "x" * 129}, ["name"]),
            ({"name": ".git"}, ["name"]),
            ({"name": ".."}, ["name"]),
            ({"name": "Taken"}, ["name"]),
            ({"name": "ok", "description": "x" * 2048}, ["description"]),
            ({"name": "a/b", "description": 3}, ["name", "description"]),
            ([], [None]),
            ("x", [None]),
        ]
        for body, fields in cases:
            answer = await town.ask("POST", "/api/lists", "ann", json=body)
            assert answer.status_code == 400, body
            assert [each.get("field") for each in answer.json()["errors"]] == fields, body
            assert all(set(each) <= {"reason", "field"} and each["reason"] for each in answer.json()["errors"])
        for raw in (b"{", b"\xff", b'{"name": "\\ud800"}', b'{"name": "a\\u0000b"}', b"[" * 5000):
            answer = await town.ask("POST", "/api/lists", "ann", content=raw)
            assert (answer.status_code, list(answer.json())) == (400, ["errors"]), raw
        assert (await town.get("/api/lists", "ann"))["total"] == 1
        form = await town.ask("POST", "/api/lists", "ann", data={"name": "by_form", "description": "x"})
        assert (form.status_code, form.json()["name"]) == (201, "by_form")

    run(engine, scenario)


def test_errors_have_their_shape_everywhere_under_api(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        await town.person("ann")
        for method, path, status in (
            ("GET", "/api/nothing", 404),
            ("GET", "/api/lists/none", 404),
            ("DELETE", "/api/user", 405),
            ("GET", "/api/user/~ann/lists/engines/patchsets", 404),
            ("GET", "/api/subscriptions/x", 404),
            ("GET", "/api/emails?start=x", 400),
            ("GET", "/api/%ff", 404),
        ):
            answer = await town.ask(method, path, "ann")
            assert answer.status_code in (status, 400), path
            assert list(answer.json()) == ["errors"] and answer.json()["errors"][0]["reason"], path
        start = (await town.ask("GET", "/api/lists?start=x", "ann")).json()["errors"][0]
        assert start["field"] == "start"
        large = await town.ask("POST", "/api/lists", "ann", content=b"x" * (2 << 20))
        assert large.status_code == 413 and "errors" in large.json()

    run(engine, scenario)


def test_what_others_lists_show(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, _ = await town.person("ann"), await town.person("bob")
        open_one, closed = await town.list(ann, "open"), await town.list(ann, "closed")
        hidden = await town.list(ann, "hidden")
        await town.close_to_others(ann, closed)

        def hide(tx: Any) -> None:
            tx.run("UPDATE list_faces SET visibility = 'PRIVATE' WHERE space_id = :id", id=hidden.id)

        await town.house.db.write(hide)
        assert [each["name"] for each in (await town.get("/api/lists", "ann"))["results"]] == [
            "hidden",
            "closed",
            "open",
        ]
        theirs = await town.get("/api/user/~ann/lists", "bob")
        assert ([each["id"] for each in theirs["results"]], theirs["total"]) == ([open_one.id], 1)
        for name in ("closed", "hidden"):
            for tail in ("", "/posts"):
                path = f"/api/user/~ann/lists/{name}{tail}"
                assert (await town.ask("GET", path, "bob")).status_code == 404, path
            assert (await town.ask("GET", f"/api/user/~ann/lists/{name}", "ann")).status_code == 200
        cases = (("closed", 403, "list"), ("hidden", 404, None), ("none", 404, None))
        for name, status, field in cases:
            answer = await town.ask("POST", "/api/subscriptions", "bob", json={"list": f"~ann/{name}"})
            assert (answer.status_code, answer.json()["errors"][0].get("field")) == (status, field), name

    run(engine, scenario)


def test_messages_threads_and_their_keys(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, _ = await town.person("ann"), await town.person("bob")
        face = await town.list(ann, "engines")
        root_id = await town.post(ann, face, "On engines", "They *turn*.")
        root = await town.get(f"/api/emails/{root_id}", "bob")
        short_list = {"id": face.id, "name": "engines", "owner": OWNER}
        assert root == {
            "id": root_id,
            "created": root["created"],
            "subject": "On engines",
            "message_id": root["message_id"],
            "parent_id": None,
            "thread_id": root_id,
            "list": short_list,
            "sender": OWNER,
            "patchset": None,
            "is_patch": False,
            "is_request_pull": False,
            "replies": 0,
            "participants": 1,
            "envelope": root["envelope"],
        }
        assert root["message_id"].startswith("<") and root["message_id"].endswith(f"@{DOMAIN}>")
        assert f"Message-ID: {root['message_id']}\r\n" in root["envelope"] and "They *turn*." in root["envelope"]
        assert "ann@example.org" not in root["envelope"]

        raw = letter("Re: On engines", "I agree\n", sender="zoe@elsewhere.org", In_Reply_To=root["message_id"])
        assert [code for code, _ in await town.send(raw, f"~ann/engines@{DOMAIN}", sender="zoe@elsewhere.org")] == [250]
        thread = await town.get(f"/api/thread/{root_id}", "bob")
        assert [each["id"] for each in thread] == [root_id, thread[1]["id"]]
        answer = await town.get(f"/api/emails/{thread[1]['id']}", "bob")
        assert list(answer) == list(root)
        assert (answer["sender"], answer["parent_id"], answer["thread_id"]) == (None, root_id, root_id)
        assert (answer["replies"], answer["participants"]) == (0, 1)
        assert answer["envelope"].replace("\r\n", "\n") == raw
        again = await town.get(f"/api/emails/{root_id}", "bob")
        assert (again["replies"], again["participants"]) == (1, 2)
        # By Message-ID, with brackets or without, and through a user's path.
        for path in ("emails/%3C1%40example.org%3E", "emails/1@example.org", "user/~bob/emails/%3C1@example.org%3E"):
            assert (await town.get(f"/api/{path}", "bob"))["id"] == answer["id"], path
        assert (await town.ask("GET", f"/api/thread/{answer['id']}", "bob")).status_code == 404
        posts = await town.get("/api/user/~ann/lists/engines/posts", "bob")
        assert [each["id"] for each in posts["results"]] == [answer["id"], root_id]
        assert list(posts["results"][0]) == list(root)[:9]
        mine = await town.get("/api/emails", "ann")
        assert ([each["id"] for each in mine["results"]], mine["total"]) == ([root_id], 1)
        assert (await town.get("/api/user/~ann/emails", "bob"))["total"] == 1

    run(engine, scenario)


def test_pages_go_on_where_the_last_ended(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        ids = [await town.post(ann, face, f"Post {number}") for number in range(53)]
        for path in ("/api/lists/engines/posts", "/api/emails"):
            first = await town.get(path, "ann")
            assert (len(first["results"]), first["total"], first["results_per_page"]) == (50, 53, 50)
            assert first["next"] == str(ids[2])
            rest = await town.get(f"{path}?start={first['next']}", "ann")
            assert ([each["id"] for each in rest["results"]], rest["next"], rest["total"]) == (ids[2::-1], None, 53)
            for start in ("", "-1"):
                assert await town.get(f"{path}?start={start}", "ann") == first
            assert (await town.get(f"{path}?start=0", "ann"))["results"] == []

    run(engine, scenario)


def test_what_is_removed_is_not_there(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        ids = [await town.post(ann, face, f"Post {number}") for number in range(3)]
        db = town.house.db
        answer = await db.write(conversations.reply, ann, ids[0], "yes", NOW, origin="forum", mail_domain=DOMAIN)
        await db.write(conversations.set_removed, ann, ids[1], True, NOW)
        posts = await town.get("/api/lists/engines/posts", "ann")
        assert ([each["id"] for each in posts["results"]], posts["total"]) == ([answer.id, ids[2], ids[0]], 3)
        assert (await town.ask("GET", f"/api/emails/{ids[1]}", "ann")).status_code == 404
        await db.write(conversations.set_deleted, ann, ids[0], True, NOW)
        posts = await town.get("/api/lists/engines/posts", "ann")
        assert ([each["id"] for each in posts["results"]], posts["total"]) == ([ids[2]], 1)
        assert (await town.ask("GET", f"/api/thread/{ids[0]}", "ann")).status_code == 404
        assert (await town.get("/api/emails", "ann"))["total"] == 1

    run(engine, scenario)


def test_what_answers_a_removed_message_keeps_its_thread_without_a_parent(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        db, root = town.house.db, await town.post(ann, face)
        middle = await db.write(conversations.reply, ann, root, "no", NOW, origin="forum", mail_domain=DOMAIN)
        last = await db.write(conversations.reply, ann, middle.id, "yes", NOW, origin="forum", mail_domain=DOMAIN)
        await db.write(conversations.set_removed, ann, middle.id, True, NOW)
        thread = await town.get(f"/api/thread/{root}", "ann")
        assert [(each["id"], each["parent_id"]) for each in thread] == [(root, None), (last.id, None)]
        assert (await town.get(f"/api/emails/{last.id}", "ann"))["thread_id"] == root
        await db.write(conversations.set_removed, ann, middle.id, False, NOW)
        assert (await town.get(f"/api/emails/{last.id}", "ann"))["parent_id"] == middle.id

    run(engine, scenario)


def test_messages_on_several_lists_and_on_closed_ones(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, _ = await town.person("ann"), await town.person("bob")
        first, second = await town.list(ann, "first"), await town.list(ann, "second")
        raw = letter(to=f"~ann/first@{DOMAIN}, ~ann/second@{DOMAIN}")
        await town.send(raw, f"~ann/first@{DOMAIN}", f"~ann/second@{DOMAIN}")
        assert (await town.get("/api/emails/1@example.org", "bob"))["list"]["name"] == "first"
        await town.close_to_others(ann, first)
        assert (await town.get("/api/emails/1@example.org", "bob"))["list"]["name"] == "second"
        assert [e["list"]["name"] for e in (await town.get("/api/user/~ann/emails", "bob"))["results"]] == ["second"]
        assert (await town.get("/api/emails", "ann"))["total"] == 2
        await town.close_to_others(ann, second, Rights.POST)
        assert (await town.ask("GET", "/api/emails/1@example.org", "bob")).status_code == 403

    run(engine, scenario)


def test_searching_posts(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        first = await town.post(ann, face, "Steam engines", "They puff 100%_of the time")
        second = await town.post(ann, face, "Quiet motors, QUIETE MÜHLEN", "no noise")
        raw = letter("Re: Steam engines", "noise and steam", sender="zoe@elsewhere.org")
        await town.send(raw, f"~ann/engines@{DOMAIN}", sender="zoe@elsewhere.org")
        third = (await town.get("/api/emails/1@example.org", "ann"))["id"]
        for query, ids in (
            ("steam", [third, first]),
            ("STEAM puff", [first]),
            ('"no noise"', [second]),
            ("100%25_of", [first]),
            ("1%25f", []),
            ("from:zoe", [third]),
            ("!from:zoe noise", [second]),
            ("is:reply", []),
            ("is:patch", []),
            ("is:other", []),
            ("subject:motors", [second]),
            ("mühlen", [second]),
            ("subject:MÜHLEN", [second]),
            ("message-id:<1@", [third]),
        ):
            page = await town.get(f"/api/lists/engines/posts?search={query}", "ann")
            assert ([each["id"] for each in page["results"]], page["total"]) == (ids, len(ids)), query
        for query in ('"open', "x-header:y"):
            answer = await town.ask("GET", f"/api/lists/engines/posts?search={query}", "ann")
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "search"), query

    run(engine, scenario)


def test_subscriptions(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann, _ = await town.person("ann"), await town.person("bob")
        face = await town.list(ann, "engines")
        short_list = {"id": face.id, "name": "engines", "owner": OWNER}
        made = await town.ask("POST", "/api/subscriptions", "bob", json={"list": "~ann/engines"})
        assert made.status_code == 201
        assert made.json() == {"id": made.json()["id"], "created": made.json()["created"], "list": short_list}
        path = f"/api/subscriptions/{made.json()['id']}"
        assert await town.get(path, "bob") == made.json()
        assert (await town.get("/api/subscriptions", "bob"))["results"] == [made.json()]
        for body, status in (
            ({"list": "~ann/engines"}, 400),
            ({"list": "engines"}, 400),
            ({"list": ""}, 400),
            ({}, 400),
            ({"list": "~ann/none"}, 404),
            ({"list": "ann/engines"}, 404),
        ):
            answer = await town.ask("POST", "/api/subscriptions", "bob", json=body)
            assert answer.status_code == status, body
            assert status == 404 or answer.json()["errors"][0]["field"] == "list", body
        assert (await town.ask("GET", path, "ann")).status_code == 403
        assert (await town.ask("DELETE", path, "ann")).status_code == 403
        assert (await town.ask("DELETE", path, "bob")).status_code == 204
        assert (await town.ask("DELETE", path, "bob")).status_code == 404
        assert (await town.get("/api/subscriptions", "bob"))["total"] == 0

    run(engine, scenario)


def test_tokens_and_scopes(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        await town.token(ann, "reader", "lists:read")
        await town.token(ann, "writer", "lists:write,email")
        await town.token(ann, "subber", "lists.sr.ht/subs:write other/lists:write")
        await town.token(ann, "old", "*", NOW - timedelta(days=1))
        for header in ("token ann", "Token ann", "Bearer ann", "BEARER ann"):
            answer = await town.client.get("/api/user", headers={"Authorization": header})
            assert answer.status_code == 200, header
        for header in (
            "",
            "token",
            "token  ann",
            "token ann x",
            "Basic ann",
            "Internal ann",
            "token no",
            "token old",
        ):
            answer = await town.client.get("/api/user", headers={"Authorization": header})
            assert (answer.status_code, list(answer.json())) == (401, ["errors"]), header
        assert (await town.client.get("/api/lists")).status_code == 401
        for token, method, path, status in (
            ("reader", "GET", "/api/user", 200),
            ("reader", "GET", "/api/lists", 200),
            ("reader", "DELETE", "/api/lists/engines", 403),
            ("reader", "GET", "/api/emails", 403),
            ("writer", "GET", "/api/lists/engines", 200),
            ("writer", "GET", "/api/emails", 200),
            ("writer", "GET", "/api/subscriptions", 403),
            ("subber", "GET", "/api/subscriptions", 200),
            ("subber", "GET", "/api/lists", 403),
            ("writer", "DELETE", "/api/lists/engines", 204),
        ):
            answer = await town.ask(method, path, token)
            assert answer.status_code == status, (token, path)
            if status == 403:
                assert ":" in answer.json()["errors"][0]["reason"]
        assert await town.house.db.read(spaces.find_mailing_list, "ann", face.name) is None

    run(engine, scenario)
