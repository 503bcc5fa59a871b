"""Any links between messages: threads without circles, whatever the order of arrival."""

from __future__ import annotations

from folkmoot.text.threads import Links, arrange, find_root


def run(data: bytes) -> None:
    messages = [
        Links(f"<{own % 16}>", f"<{reply % 16}>", tuple(f"<{n % 16}>" for n in rest))
        for own, reply, *rest in (data[at : at + 4] for at in range(0, len(data) - 1, 4))
    ]
    made = arrange(messages)

    def above(message_id: str) -> str | None:
        parent = made[message_id]
        return parent.message_id if parent else None

    assert all(made[find_root(start, above)] is None for start in made)
