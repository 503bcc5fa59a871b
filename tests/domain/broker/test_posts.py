"""A QoS 2 publish becomes a post once, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from folkmoot.domain import accounts
from folkmoot.domain.broker import Broker, OpenGate, Post, Receipt, is_new_post
from folkmoot.store import Database, Transaction
from folkmoot.wire.mqtt import Ack, Kind, Publish

from .ends import Room

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Taker(OpenGate):
    """For a community that takes everything."""

    def takes(self, topic: str) -> bool:
        return True


def test_what_says_it_was_sent_before_is_new_unless_it_was_taken(database: Database) -> None:
    def play(tx: Transaction) -> None:
        ann = accounts.register(tx, "ann", None, NOW)
        bob = accounts.register(tx, "bob", None, NOW)

        def new(content: str, repeated: bool, account: int = ann, client: str = "c", packet: int = 1) -> bool:
            return is_new_post(tx, account, Receipt(client, packet, repeated), content, NOW)

        assert new("a", True), "the first sending was lost"
        assert not new("a", True)
        assert new("a", False), "the identifier was free again"
        assert new("b", True), "another message"
        assert new("b", True, packet=2)
        assert new("b", True, client="d")
        assert new("b", True, account=bob)
        later = NOW + timedelta(days=8)
        assert is_new_post(tx, ann, Receipt("c", 9, False), "z", later)
        assert tx.value("SELECT COUNT(*) FROM mqtt_posts") == 1

    database.write_now(play)


def test_a_post_comes_with_its_receipt_at_quality_2() -> None:
    room = Room(Broker(Taker()))
    end = room.enter("c")
    for qos, dup, receipt in (
        (0, False, None),
        (1, True, None),
        (2, False, ("c", 5, False)),
        (2, True, ("c", 6, True)),
    ):
        packet_id = receipt[1] if receipt else qos
        end.send(Publish("spaces/x/post", b"x", qos, dup=dup, packet_id=packet_id))
        waiting = end.link.waiting
        assert isinstance(waiting, Post)
        assert waiting.receipt == receipt
        end.link.taken(0, room.clock.now)
    assert [p.kind for p in end.read() if isinstance(p, Ack)] == [Kind.PUBACK, Kind.PUBREC, Kind.PUBREC]
