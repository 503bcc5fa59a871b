"""Who may not connect to the broker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.domain import authorization
from folkmoot.domain.authorization import Ban, Banned, Bans, Flapping, make_ban
from folkmoot.domain.broker import Client, Options
from folkmoot.errors import Invalid
from folkmoot.store import Database, Transaction

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def ban(kind: str, who: str, until: datetime | None = None) -> Ban:
    return make_ban(kind, who, "admin", "", NOW, until)


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("clientid", "c1"),
        ("username", "ann"),
        ("peerhost", "192.0.2.7"),
        ("peerhost", "::ffff:192.0.2.7"),
        ("clientid_re", "^c[0-9]$"),
        ("username_re", "nn"),
        ("peerhost_net", "192.0.2.0/24"),
        ("peerhost_net", "192.0.2.9/24"),
    ],
)
def test_a_ban_of_each_kind(kind: str, who: str) -> None:
    bans = Bans()
    bans.add(ban(kind, who, NOW + HOUR))
    assert bans.find("c1", "ann", "192.0.2.7", NOW)
    assert not bans.find("other", "bob", "198.51.100.1", NOW)
    assert not bans.find("c1", "ann", "192.0.2.7", NOW - HOUR), "not yet"
    assert not bans.find("c1", "ann", "192.0.2.7", NOW + HOUR), "over"
    with pytest.raises(Banned):
        bans.require_free(Client(client_id="c1", username="ann", address="192.0.2.7"), NOW)
    assert not bans.forget_ended(NOW)
    assert bans.forget_ended(NOW + HOUR)
    assert not bans.all and not bans._patterns and not bans._networks


def test_nobody_is_banned_by_a_name_it_does_not_have() -> None:
    bans = Bans()
    for kind, who in (("username_re", ".*"), ("peerhost_net", "0.0.0.0/0"), ("username", "None")):
        bans.add(ban(kind, who))
    assert bans.find("c1", None, "", NOW) is None


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("clientid", ""),
        ("clientid", "a\0b"),
        ("mood", "bad"),
        ("peerhost", "nowhere"),
        ("peerhost_net", "10.0.0.0/99"),
        ("clientid_re", "("),
        ("username_re", r"(a)\1"),
    ],
)
def test_whom_nobody_can_ban(kind: str, who: str) -> None:
    with pytest.raises(Invalid):
        ban(kind, who)


def test_a_ban_ends_after_it_begins() -> None:
    with pytest.raises(Invalid):
        ban("clientid", "c1", NOW)


def test_bans_are_kept(broker_database: Database) -> None:
    def act(tx: Transaction) -> None:
        first, second = ban("clientid", "c1", NOW + HOUR), ban("username", "ann")
        authorization.save_ban(tx, second)
        authorization.save_ban(tx, first)
        assert authorization.list_bans(tx) == [first, second]
        authorization.save_ban(tx, ban("clientid", "c1"))
        assert len(authorization.list_bans(tx)) == 2
        authorization.delete_ended_bans(tx, NOW + 2 * HOUR)
        assert len(authorization.list_bans(tx)) == 2, "without an end by now"
        authorization.save_ban(tx, first)
        authorization.delete_ended_bans(tx, NOW + HOUR)
        assert authorization.list_bans(tx) == [second]
        authorization.delete_ban(tx, "username", "ann")
        assert authorization.list_bans(tx) == []

    broker_database.write_now(act)


def test_who_comes_and_goes_too_often() -> None:
    options = Options()
    flapping = Flapping(options)
    assert not any(flapping.left("c1", 0.0) for _ in range(100)), "switched off"
    options.flapping_detect.enable = True
    options.flapping_detect.max_count = 3
    options.flapping_detect.window_time = 10.0
    assert [flapping.left("c1", at) for at in (0.0, 1.0, 2.0)] == [False, False, True]
    assert [flapping.left("c1", at) for at in (3.0, 4.0, 13.0, 14.0, 15.0)] == [False, False, False, False, True]
    assert not flapping.left("c2", 15.0), "each for itself"
    for number in range(10_100):
        flapping.left(f"many{number}", 20.0)
    assert len(flapping._seen) <= 10_000
