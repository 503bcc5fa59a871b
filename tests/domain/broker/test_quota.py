"""How much may be published per second."""

from __future__ import annotations

import pytest

from folkmoot.domain.broker.options import Rates
from folkmoot.domain.broker.quota import Quota
from folkmoot.wire.mqtt import Ack, Kind, Publish, Reason

from .ends import Room


def test_two_seconds_worth_at_once_and_then_the_rate() -> None:
    quota = Quota(Rates(messages_rate=5.0))
    assert [quota.allows(1, 100.0) for _ in range(12)].count(True) == 10
    assert [quota.allows(1, 101.0) for _ in range(12)].count(True) == 5
    quota.rates.messages_rate = None
    assert not quota.is_limited
    assert all(quota.allows(1, 101.0) for _ in range(100))


def test_bytes_may_be_overdrawn_once() -> None:
    quota = Quota(Rates(bytes_rate=10.0))
    assert quota.allows(100, 100.0)
    assert not quota.allows(1, 107.9)
    assert quota.allows(1, 108.1)


@pytest.mark.parametrize("version", [4, 5])
@pytest.mark.parametrize("where", ["node", "link"])
def test_what_is_over_the_quota_is_refused(version: int, where: str) -> None:
    room = Room()
    sink, source = room.subscriber("sink", "a", 0), room.enter("source", version)
    # By now the topic takes the fast way.
    source.send(Publish("a", b""), Publish("a", b""))
    if where == "node":
        room.broker.options.limiter.messages_rate = 2.0
    else:
        source.link.quotas = (Quota(Rates(messages_rate=2.0)),)
    room.broker.forget_routes()
    for qos in (0, 1, 2):
        source.send(*[Publish("a", b"", qos, packet_id=qos and 10 * qos + n) for n in range(5)])
        answers = [(p.kind, p.packet_id % 10, p.code) for p in source.read() if isinstance(p, Ack)]
        code = Reason.QUOTA_EXCEEDED if version == 5 else 0
        kind = Kind.PUBACK if qos == 1 else Kind.PUBREC
        assert answers == ([(kind, n, code if n > 3 else 0) for n in range(5)] if qos else [])
        room.wait(10)
    assert len(sink.read()) == 2 + 3 * 4
    assert room.broker.count["packets.publish.dropped"] == 3
    session = room.broker.sessions["source"]
    # A refused message has no second half, where a client can be told so.
    assert len(session.awaiting) == (4 if version == 5 else 5)
    room.broker.options.limiter.messages_rate, source.link.quotas = None, ()
    source.send(*[Publish("a", b"") for _ in range(50)])
    assert len(sink.read()) == 50
