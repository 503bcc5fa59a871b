"""Importing an archive of mail.

Budget: 1,000 messages/s. The archive is made here: 5,000 messages in threads, some with diffs, some in other charsets.
"""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

from tests.whole.program import Program

MESSAGES = 5000

_WORDS = (
    *("market", "bridge", "clock", "square", "harvest", "river", "lantern"),
    *("orchard", "council", "letter", "apple", "weather", "evening"),
)


def archive() -> bytes:
    """An mbox of made-up mail, the same every time."""
    chance = random.Random(1)
    out: list[str] = []
    ids: list[str] = []
    for number in range(MESSAGES):
        own = f"<{number}.{chance.getrandbits(40):x}@example.org>"
        body = "\n".join(" ".join(chance.choices(_WORDS, k=11)) for _ in range(chance.randint(5, 60)))
        if number % 10 == 0:
            body += (
                "\n---\n a.py | 2 +-\n\ndiff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,1 @@\n-one\n+two\n"
            )
        charset = chance.choice(("utf-8", "iso-8859-1", "us-ascii"))
        reply = f"In-Reply-To: {chance.choice(ids[-200:])}\n" if ids and chance.random() < 0.8 else ""
        received = "".join(
            f"Received: from relay{hop}.example.org by mx.example.org;\n\tMon, 1 Jan 2024 10:00:0{hop} +0000\n"
            for hop in range(5)
        )
        out.append(
            f"From x Mon Jan  1 10:00:00 2024\n{received}From: Person {number % 97} <p{number % 97}@example.org>\n"
            f"To: list@example.org\nSubject: {'Re: ' if reply else ''}{' '.join(chance.choices(_WORDS, k=5))}\n"
            f"Message-ID: {own}\n{reply}Date: Mon, 1 Jan 2024 10:{number // 60 % 60:02}:{number % 60:02} +0000\n"
            f"Content-Type: text/plain; charset={charset}\n\n{body}\n\n"
        )
        ids.append(own)
    return "".join(out).encode()


def show(seconds: float) -> None:
    """Import it into an empty database and print what the command says."""
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "archive.mbox"
        file.write_bytes(archive())
        program = Program(Path(directory) / "data", demo=False)
        program.run("admin", "create", "mayor", "--password", "in the hall")
        print(
            program.run("import", "mbox", str(file), "--list", "~mayor/archive", "--create")
            .stdout.strip()
            .splitlines()[-1]
        )
