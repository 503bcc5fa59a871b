"""A patch series sent as developers send it: with `git send-email`."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.whole.people import lists_client
from tests.whole.program import running


def test_git_send_email_delivers_a_series_that_threads(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()

    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=work, capture_output=True, text=True, errors="replace", timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr

    git("init", "--quiet")
    for number, text in enumerate(("print(1)\n", "print(2)\n", "print('café')\n")):
        (work / "a.py").write_text(text)
        git("add", "a.py")
        git("commit", "--quiet", "--message", f"a: Step {number} — é")
    git("format-patch", "--output-directory", "out", "--subject-prefix", "PATCH town_clock", "HEAD~2")
    # git takes no address whose domain has no dot.
    with running(tmp_path / "data", FOLKMOOT_MAIL__DOMAIN="lists.example.org") as program:
        server = ("--smtp-server=127.0.0.1", f"--smtp-server-port={program.port('smtp')}", "--smtp-domain=example.org")
        patches = sorted(str(path) for path in (work / "out").iterdir())
        git("send-email", "--to=~cleo/town_clock@lists.example.org", *server, "--confirm=never", *patches)
        with lists_client(program, "ada") as lists:
            newest = lists.get("/api/user/~cleo/lists/town_clock/posts").json()["results"][:2]
            mails = [lists.get(f"/api/emails/{each['id']}").json() for each in reversed(newest)]
    assert [mail["subject"] for mail in mails] == [
        "[PATCH town_clock 1/2] a: Step 1 — é",
        "[PATCH town_clock 2/2] a: Step 2 — é",
    ]
    assert all(mail["is_patch"] and mail["sender"]["name"] == "ada" for mail in mails)
    assert mails[1]["parent_id"] == mails[1]["thread_id"] == mails[0]["id"]
    assert "+print('café')" in mails[1]["envelope"]
