"""Accounts: names, passwords, tokens, suspension, and who a mail's sender is; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import bcrypt
import pytest

from folkmoot.domain import accounts
from folkmoot.domain.accounts import Passwords
from folkmoot.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from folkmoot.events import AccountSuspended, PasswordChanged, TokenRevoked
from folkmoot.store import Database, Transaction, log

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_name_is_taken_whatever_its_case(database: Database) -> None:
    def act(tx: Transaction) -> None:
        account_id = accounts.register(tx, "Ada", "hash", NOW, address="Ada@Example.org")
        with pytest.raises(Conflict) as by_name:
            accounts.register(tx, "aDA", None, NOW)
        assert by_name.value.field == "name"
        with pytest.raises(Conflict) as by_address:
            accounts.register(tx, "other", None, NOW, address="ada@example.ORG")
        assert by_address.value.field == "address"
        assert accounts.get_account_named(tx, "ADA").id == account_id
        # Signing in wants the name as written, an address in any case (lemmy §3.3).
        assert accounts.find_credential(tx, "ada") is None
        found = accounts.find_credential(tx, "Ada")
        assert found is not None and found[1] == "hash"
        assert accounts.find_credential(tx, "ada@example.org") is not None

    database.write_now(act)


@pytest.mark.parametrize("name", ["", "-dash", "with space", "a/b", "a\nb", "é", "x" * 65])
def test_a_bad_name_is_refused(database: Database, name: str) -> None:
    with pytest.raises(Invalid):
        database.write_now(accounts.register, name, None, NOW)


def test_the_name_that_the_brokers_rules_trust_is_an_operators(database: Database) -> None:
    def act(tx: Transaction) -> None:
        for name in ("dashboard", "Dashboard", "DASHBOARD"):
            with pytest.raises(Conflict) as taken:
                accounts.register(tx, name, "hash", NOW)
            assert (taken.value.code, taken.value.field) == ("account.name_taken", "name")
        admin = accounts.register(tx, "admin", None, NOW, is_admin=True)
        actor = accounts.actor_of_account(tx, admin, NOW)
        assert accounts.create_operator(tx, actor, "dashboard", "hash", "viewer", "", NOW).name == "dashboard"

    database.write_now(act)


def test_who_writes_a_mail_is_an_account_without_a_login(database: Database) -> None:
    def act(tx: Transaction) -> None:
        stranger = accounts.sender(tx, "Carol@Example.org", "Carol C.", NOW)
        assert (stranger.name, stranger.label, stranger.display_name) == (None, "Carol", "Carol C.")
        assert accounts.sender(tx, "carol@example.ORG", "other", NOW).id == stranger.id
        known = accounts.register(tx, "dora", None, NOW, address="dora@example.org")
        assert accounts.sender(tx, "dora@example.org", "", NOW).id == known

    database.write_now(act)


def test_a_token_is_kept_by_its_hash_and_ends(database: Database) -> None:
    def act(tx: Transaction) -> int:
        account_id = accounts.register(tx, "ada", None, NOW)
        token_id = accounts.create_token(
            tx, account_id, "lists", "the secret", NOW, scopes="lists:read", expires_at=NOW + timedelta(days=1)
        )
        assert "the secret" not in str(tx.rows("SELECT * FROM tokens"))
        actor = accounts.actor_of_token(tx, "lists", "the secret", NOW)
        assert actor.account_id == account_id and actor.scopes == {"lists:read"}
        for surface, secret, at in (
            ("lists", "another", NOW),
            ("forum", "the secret", NOW),
            ("lists", "the secret", NOW + timedelta(days=2)),
        ):
            with pytest.raises(Unauthenticated):
                accounts.actor_of_token(tx, surface, secret, at)
        return token_id

    token_id = database.write_now(act)
    database.write_now(accounts.revoke_token, token_id)
    with pytest.raises(Unauthenticated):
        database.read_now(accounts.actor_of_token, "lists", "the secret", NOW)
    with pytest.raises(NotFound):
        database.write_now(accounts.revoke_token, token_id)
    assert any(isinstance(r.event, TokenRevoked) for r in database.read_now(log.after, 0))


def test_suspension_shuts_out_and_is_announced(database: Database) -> None:
    def act(tx: Transaction) -> None:
        account_id = accounts.register(tx, "ada", None, NOW)
        accounts.create_token(tx, account_id, "lists", "secret", NOW)
        accounts.suspend(tx, "ADA", NOW)
        with pytest.raises(Forbidden, match="suspended"):
            accounts.actor_of_token(tx, "lists", "secret", NOW)
        with pytest.raises(NotFound):
            accounts.suspend(tx, "nobody", NOW)

    database.write_now(act)
    assert any(isinstance(r.event, AccountSuspended) for r in database.read_now(log.after, 0))


def test_a_new_password_ends_sessions_and_leaves_programs(database: Database) -> None:
    def act(tx: Transaction) -> None:
        account_id = accounts.register(tx, "ada", "old", NOW)
        accounts.create_token(tx, account_id, "forum", "session", NOW)
        accounts.create_token(tx, account_id, "lists", "program", NOW)
        accounts.change_password(tx, account_id, "new", NOW)
        assert accounts.find_token(tx, "forum", "session") is None
        assert accounts.find_token(tx, "lists", "program") is not None
        found = accounts.find_credential(tx, "ada")
        assert found is not None and found[1] == "new"
        # A better hash for a password that was changed meanwhile comes too late.
        accounts.rehash(tx, account_id, "old", "better")
        assert (accounts.find_credential(tx, "ada") or (None, None))[1] == "new"

    database.write_now(act)
    assert any(isinstance(r.event, PasswordChanged) for r in database.read_now(log.after, 0))


def test_passwords_are_argon2id_and_imported_bcrypt_is_taken_once() -> None:
    passwords = Passwords()
    stored = passwords.hash("correct horse")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.check(stored, "correct horse") and not passwords.check(stored, "wrong")
    assert passwords.is_remembered(stored, "correct horse") and not passwords.is_remembered(stored, "wrong")
    assert not passwords.check(None, "anything") and not passwords.check("no hash at all", "x")
    assert not passwords.needs_rehash(stored)
    long = "x" * 100
    imported = bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode()
    assert passwords.check(imported, long) and not passwords.check(imported, "y" * 100)
    assert passwords.needs_rehash(imported)


def test_only_an_administrator_bans(database: Database) -> None:
    def act(tx: Transaction) -> None:
        admin = accounts.actor_of_account(tx, accounts.register(tx, "admin", None, NOW, is_admin=True), NOW)
        ada = accounts.actor_of_account(tx, accounts.register(tx, "ada", None, NOW), NOW)
        with pytest.raises(Forbidden):
            accounts.ban(tx, ada, admin.account_id or 0, True, NOW)
        with pytest.raises(Unauthenticated):
            accounts.ban(tx, accounts.ANONYMOUS, ada.account_id or 0, True, NOW)
        accounts.ban(tx, admin, ada.account_id or 0, True, NOW)
        assert accounts.actor_of_account(tx, ada.account_id or 0, NOW).is_banned
        assert [profile.label for profile in accounts.list_banned_profiles(tx, NOW)] == ["ada"]
        accounts.ban(tx, admin, ada.account_id or 0, False, NOW)
        assert not accounts.actor_of_account(tx, ada.account_id or 0, NOW).is_banned

    database.write_now(act)


def test_the_servers_secrets_stay_the_same(database: Database) -> None:
    first = database.write_now(accounts.keep_secret, "forum.jwt")
    assert len(first) == 64 and database.write_now(accounts.keep_secret, "forum.jwt") == first
    assert database.write_now(accounts.keep_secret, "another") != first
