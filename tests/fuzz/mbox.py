"""Any bytes as a mailbox, and any messages through a mailbox and back."""

from __future__ import annotations

import io
from datetime import UTC, datetime

from folkmoot.text import mail
from tests.fuzz.seeds import SEEDS

__all__ = ["SEEDS", "run"]

AT = datetime(2026, 11, 21, tzinfo=UTC)


def run(data: bytes) -> None:
    messages = [message for _, message in mail.read_mbox(io.BytesIO(data))]
    assert sum(map(len, messages)) <= len(data)
    written = [message for message in data.replace(b"\r", b"").split(b"\0") if message.endswith(b"\n")]
    made = b"".join(mail.write_mbox(("a@b.c", AT, message) for message in written))
    assert [message for _, message in mail.read_mbox(io.BytesIO(made))] == written
