"""The archive in a browser: lists, threads, raw messages, mailboxes."""

from __future__ import annotations

import io
import re

from folkmoot.domain import conversations
from folkmoot.domain.spaces import Rights
from folkmoot.store import Engine
from folkmoot.text import mail
from tests.surfaces.lists.town import DOMAIN, NOW, Town, letter, run

LIST = f"~ann/engines@{DOMAIN}"


def test_the_pages_of_a_list_and_a_thread(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        body = "I <b>agree</b>\n\nOn Monday, Ann wrote:\n> hidden words\n"
        await town.send(letter("<script>alert(1)</script>", "First\n"), LIST)
        await town.send(
            letter("Re: it", body, mail_id="<a/b@x>", In_Reply_To="<1@example.org>", sender="zoe@y.org"), LIST
        )
        index = await town.client.get("/")
        assert "~ann/engines" in index.text
        page = await town.client.get("/~ann/engines")
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
        assert "&lt;script&gt;alert(1)" in page.text and "<script>" not in page.text
        assert LIST in page.text and "1 reply" in page.text and "2 participants" in page.text
        link = re.search(r'href="(/~ann/engines/%3C[^"]*)"', page.text)
        assert link and link[1] == "/~ann/engines/%3C1%40example.org%3E"
        thread = await town.client.get(link[1])
        assert 'id="&lt;1@example.org&gt;"' in thread.text and 'type="application/mbox"' in thread.text
        assert "I &lt;b&gt;agree" in thread.text and "zoe@y.org" not in thread.text
        assert thread.text.index("<details>") < thread.text.index("hidden words")
        for path in ("%3Ca%2Fb%40x%3E", "%3Ca/b@x%3E", "a/b@x"):
            answer = await town.client.get(f"/~ann/engines/{path}")
            assert answer.status_code == 302, path
            assert answer.headers["location"] == "/~ann/engines/%3C1%40example.org%3E#%3Ca%2Fb%40x%3E"
        style = await town.client.get("/static/lists.css")
        assert style.headers["content-type"].startswith("text/css")
        assert face.id

    run(engine, scenario)


def test_who_may_see_what(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        await town.send(letter(), LIST)
        missing = await town.client.get("/~ann/none")
        assert missing.status_code == 404 and "<h1>" in missing.text
        for path in ("/~ann/engines/none@x", "/~ann/engines/none@x/raw", "/nothing", "/~ann/engines?page=0"):
            assert (await town.client.get(path)).status_code in (404, 400), path
        await town.close_to_others(ann, face, Rights.POST)
        page = await town.client.get("/~ann/engines")
        assert page.status_code == 200 and LIST in page.text and "Hello" not in page.text
        for tail in ("", "/raw", "/mbox"):
            assert (await town.client.get(f"/~ann/engines/1@example.org{tail}")).status_code == 403
        with_token = {"Authorization": "token ann"}
        assert "Hello" in (await town.client.get("/~ann/engines", headers=with_token)).text

        def hide(tx: object) -> None:
            tx.run("UPDATE list_faces SET visibility = 'PRIVATE' WHERE space_id = :id", id=face.id)  # type: ignore[attr-defined]

        await town.house.db.write(hide)
        assert (await town.client.get("/~ann/engines")).status_code == 401
        assert "~ann/engines" not in (await town.client.get("/")).text

    run(engine, scenario)


def test_raw_messages_and_mailboxes(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        first = letter(body="From here\n>From there\n\xe9\n")
        deep = letter("Re: 2", mail_id="<4@x>", In_Reply_To="<2@x>")
        raws = [
            first,
            letter("Re: 1", mail_id="<2@x>", In_Reply_To="<1@example.org>"),
            letter("Re: 1", mail_id="<3@x>", In_Reply_To="<1@example.org>"),
            deep,
        ]
        for raw in raws:
            await town.send(raw, LIST)
        born_here = await town.post(ann, face, "Elsewhere", "said in the forum")
        answer = await town.client.get("/~ann/engines/1@example.org/raw")
        assert answer.content == first.encode().replace(b"\n", b"\r\n")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
        spool = await town.client.get("/~ann/engines/%3C1%40example.org%3E/mbox")
        assert spool.headers["content-type"] == "application/mbox"
        assert spool.content.startswith(b"From ann@example.org Sat Nov 21 03:") and b"\r" not in spool.content
        messages = [message for _, message in mail.read_mbox(io.BytesIO(spool.content))]
        assert messages == [raw.encode() for raw in (raws[0], raws[1], raws[3], raws[2])]
        assert (await town.client.get("/~ann/engines/2@x/mbox")).status_code == 404

        page = await town.client.get("/~ann/engines")
        token = re.search(r'name="_csrf" value="([^"]+)"', page.text)
        assert token
        export = await town.client.post("/~ann/engines/export", data={"days": "0", "_csrf": token[1]})
        assert export.headers["content-disposition"] == 'attachment; filename="ann-engines.mbox"'
        subjects = [mail.parse(message).subject for _, message in mail.read_mbox(io.BytesIO(export.content))]
        assert subjects == ["Hello", "Re: 1", "Re: 1", "Re: 2", "Elsewhere"]
        for form, status in (
            ({"days": "x", "_csrf": token[1]}, 400),
            ({"_csrf": token[1]}, 400),
            ({"days": "0"}, 403),
            ({"days": "0", "_csrf": "x"}, 403),
        ):
            assert (await town.client.post("/~ann/engines/export", data=form)).status_code == status, form
        one_day = await town.client.post("/~ann/engines/export", data={"days": "1", "_csrf": token[1]})
        assert one_day.content == export.content
        await town.house.db.write(conversations.set_removed, ann, born_here, True, NOW)
        export = await town.client.post("/~ann/engines/export", data={"days": "0", "_csrf": token[1]})
        assert b"Elsewhere" not in export.content

    run(engine, scenario)


def test_long_archives_have_pages(engine: Engine) -> None:
    async def scenario(town: Town) -> None:
        ann = await town.person("ann")
        face = await town.list(ann, "engines")
        for number in range(17):
            await town.post(ann, face, f"Post number {number:02}")
        first = (await town.client.get("/~ann/engines")).text
        assert first.count("Post number") == 15 and "page 1 of 2" in first and "?page=2" in first
        second = (await town.client.get("/~ann/engines?page=2")).text
        assert re.findall(r"Post number \d\d", second) == ["Post number 01", "Post number 00"]
        assert "Nobody has written" in (await town.client.get("/~ann/engines?page=3")).text

    run(engine, scenario)
