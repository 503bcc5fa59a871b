"""Any links between messages: without those that close a circle, every message is in one thread, once."""

from __future__ import annotations

from folkmoot.text.threads import candidates, closes_circle, depth_first


def run(data: bytes) -> None:
    above: dict[str, str] = {}
    below: dict[str, list[str]] = {}
    for own, reply, *rest in (data[at : at + 4] for at in range(0, len(data) - 1, 4)):
        child = f"<{own % 16}>"
        below.setdefault(child, [])
        for named in candidates(child, f"<{reply % 16}>", [f"<{n % 16}>" for n in rest]):
            if child not in above and not closes_circle(child, named.message_id, above.get):
                above[child] = named.message_id
                below.setdefault(named.message_id, []).append(child)
    walked = [each for root in below if root not in above for each in depth_first(root, below)]
    assert sorted(walked) == sorted(below)
