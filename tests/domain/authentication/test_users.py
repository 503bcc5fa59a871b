from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from folkmoot.domain import authentication
from folkmoot.domain.authentication import Newcomer, PasswordUser, ScramUser, Tally, read_users
from folkmoot.errors import Conflict, Invalid, NotFound
from folkmoot.store import Database


def test_their_life(broker_database: Database) -> None:
    for kind, user, better in (
        (PasswordUser, PasswordUser("ann", "h", "s", False), PasswordUser("ann", "h2", "s2", False)),
        (ScramUser, ScramUser("ann", "s", "k", "v", 5, False), ScramUser("ann", "s2", "k2", "v2", 6, False)),
    ):
        broker_database.write_now(authentication.add_user, user)
        with pytest.raises(Conflict):
            broker_database.write_now(authentication.add_user, better)
        assert broker_database.read_now(authentication.get_user, kind, "ann") == user
        assert broker_database.read_now(authentication.find_user, kind, "ANN") is None
        changed = broker_database.write_now(authentication.change_user, kind, "ann", better, True)
        assert changed.is_superuser and broker_database.read_now(authentication.get_user, kind, "ann") == changed
        assert broker_database.write_now(authentication.change_user, kind, "ann", None, None) == changed
        kept = broker_database.write_now(
            partial(authentication.keep_users, users=[user, type(user)("%_", *list(_rest(user)))], existing="skip")
        )
        assert (kept.success, kept.skipped, kept.override) == (1, 1, 0)
        assert broker_database.read_now(authentication.get_user, kind, "ann") == changed
        kept = broker_database.write_now(partial(authentication.keep_users, users=[user], existing="override"))
        assert (kept.success, kept.skipped, kept.override) == (0, 0, 1)
        assert broker_database.read_now(authentication.get_user, kind, "ann") == user

        def page(**asked: object) -> tuple[list[tuple[str, bool]], int]:
            return broker_database.read_now(lambda tx: authentication.list_users(tx, kind, 0, 10, **asked))  # type: ignore[arg-type]  # noqa: B023

        assert sorted(page()[0]) == [("%_", False), ("ann", False)] and page()[1] == 2
        assert page(like="%") == ([("%_", False)], 1)
        assert page(like="nn", is_superuser=False) == ([("ann", False)], 1)
        assert page(like="A") == page(is_superuser=True) == ([], 0)
        broker_database.write_now(authentication.delete_user, kind, "ann")
        with pytest.raises(NotFound):
            broker_database.write_now(authentication.delete_user, kind, "ann")
        broker_database.write_now(authentication.delete_users, kind)
        assert page() == ([], 0)
    with pytest.raises(Invalid):
        broker_database.write_now(authentication.add_user, PasswordUser("", "h", "s", False))


def _rest(user: object) -> list[Any]:
    return [getattr(user, name) for name in type(user).__struct_fields__[1:]]  # type: ignore[attr-defined]


def test_users_in_files() -> None:
    rows = b'user_id,password,is_superuser\nann,secret,true\nbob,"a,b",\n,x,\ncid,,false\ndan,x,maybe\n'
    found = read_users(rows, True, "plain")
    assert found.users == [Newcomer("ann", "secret", is_superuser=True), Newcomer("bob", "a,b")]
    assert found.failed == 3
    hashed = [{"user_id": "ann", "password_hash": "h", "salt": "s", "is_superuser": True}, {"user_id": 5}, {}]
    found = read_users(json.dumps(hashed).encode(), False, "hash")
    assert found.users == [Newcomer("ann", hash="h", salt="s", is_superuser=True)] and found.failed == 2
    assert read_users(b"\xef\xbb\xbfuser_id,password_hash\nann,h\n", True, "hash").users == [Newcomer("ann", hash="h")]


@pytest.mark.parametrize(
    ("data", "is_csv", "form"),
    [
        (b"", True, "plain"),
        (b"user_id,password_hash\na,b\n", True, "plain"),
        (b"user_id,password\na,b\n", True, "hash"),
        (b'user_id,password\n"a,b\n', True, "plain"),
        (b"\xff", True, "plain"),
        (b"{}", False, "plain"),
        (b"[1]", False, "plain"),
        (b"[" * 100_000, False, "plain"),
    ],
)
def test_files_that_are_none(data: bytes, is_csv: bool, form: str) -> None:
    with pytest.raises(Invalid):
        read_users(data, is_csv, form)  # type: ignore[arg-type]


def test_how_often() -> None:
    tally = Tally()
    for _ in range(50):
        tally.note("success", 1000.5)
    tally.note("failed", 1001)
    tally.note("nomatch", 1002)
    assert (tally.total, tally.success, tally.failed, tally.nomatch) == (52, 50, 1, 1)
    assert tally.pace.read(1002) == (10.4, 10.4, 10.4)
