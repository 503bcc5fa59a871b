"""Commands on wrong input: one sentence that says what is wrong, and nothing changed."""

from __future__ import annotations

import gzip
import socket
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from folkmoot.commands import _folkmoot
from folkmoot.errors import FolkmootError

MAIL = b"From a@b Sat Jan  1 00:00:00 2022\nFrom: a@example.org\nSubject: x\nMessage-ID: <%d@x>\n\nhi\n\n"


class Shell:
    """Runs commands on a data directory of their own, in this process."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {"FOLKMOOT_DATA__DIR": str(directory / "data")}

    def run(self, *arguments: str, **environment: str) -> Result:
        return CliRunner().invoke(_folkmoot, arguments, env={**self.environment, **environment})

    def refused(self, *arguments: str, **environment: str) -> str:
        """Why a command was refused, in its own words."""
        result = self.run(*arguments, **environment)
        assert result.exit_code != 0, result.output
        if isinstance(result.exception, FolkmootError):
            return result.exception.message
        assert isinstance(result.exception, SystemExit), result.exception
        return result.output

    def file(self, data: bytes) -> str:
        path = self.directory / "archive"
        path.write_bytes(data)
        return str(path)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    made = Shell(tmp_path)
    assert made.run("admin", "create", "ada", "--password", "a long password").exit_code == 0
    return made


def test_an_archive_that_is_cut_off_is_imported_as_far_as_it_goes(shell: Shell) -> None:
    whole = gzip.compress(b"".join(MAIL % number for number in range(3000)))
    result = shell.run("import", "mbox", shell.file(whole[: len(whole) // 2]), "--list", "~ada/old", "--create")
    assert isinstance(result.exception, FolkmootError) and "cannot be read to its end" in result.exception.message
    assert "Imported " in result.output and "Imported 0" not in result.output
    assert "3000 messages" in shell.run("import", "mbox", shell.file(whole), "--list", "~ada/old").output


def test_what_is_no_mbox_is_said(shell: Shell) -> None:
    words = shell.refused("import", "mbox", shell.file(b"some text\n"), "--list", "~ada/old", "--create", "--dry-run")
    assert "is no mbox" in words


def test_a_dry_run_counts_as_the_import_does(shell: Shell) -> None:
    archive = shell.file(MAIL % 1 + MAIL % 2 + MAIL % 1)
    dry = shell.run("import", "mbox", archive, "--list", "~ada/old", "--create", "--dry-run")
    assert "Would import 2 of 3" in dry.output and "1 skipped: its Message-ID" in dry.output
    assert "Imported 2 of 3" in shell.run("import", "mbox", archive, "--list", "~ada/old", "--create").output


def test_a_list_that_is_not_there_is_named_with_what_helps(shell: Shell) -> None:
    assert "--create" in shell.refused("import", "mbox", shell.file(MAIL % 1), "--list", "~ada/none")
    words = shell.refused("export", "mbox", "--list", "~ada/none")
    assert "~ada/none" in words and "--create" not in words
    assert "~owner/name" in shell.refused("export", "mbox", "--list", "none")


@pytest.mark.parametrize(
    ("surface", "scopes"),
    [
        ("lists", "lists:reed"),
        ("lists", "*:read"),
        ("newsletter", "everything"),
        ("mqtt_api", "veiwer"),
        ("mqtt_api", "viewer publisher"),
        ("forum", "read"),
        ("mqtt", "read"),
    ],
)
def test_a_scope_that_permits_nothing_or_too_much_is_refused(shell: Shell, surface: str, scopes: str) -> None:
    assert f" of {surface}" in shell.refused("token", "create", surface, "--account", "ada", "--scopes", scopes)


def test_scopes_that_are_known_are_taken(shell: Shell) -> None:
    for surface, scopes in (
        ("lists", "lists:read,emails subs:write list:write lists.sr.ht/profile:read"),
        ("lists", "*"),
        ("newsletter", "lists:get_all list:manage:5"),
        ("mqtt_api", "viewer"),
        ("forum", ""),
    ):
        result = shell.run("token", "create", surface, "--account", "ada", "--scopes", scopes)
        assert result.exit_code == 0 and len(result.output.strip()) >= 32, result.output


def test_an_administrator_has_a_password_and_an_address_that_is_one(shell: Shell) -> None:
    assert "password" in shell.refused("admin", "create", "bob", "--password", "")
    assert "mail address" in shell.refused("admin", "create", "bob", "--password", "x", "--address", "bob")
    assert shell.run("admin", "create", "bob", "--password", "x", "--address", "bob@example.org").exit_code == 0


def test_a_database_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "community.db").write_text("something else")
    shell = Shell(tmp_path)
    assert "Cannot use the database" in shell.refused("migrate")
    assert "community.db is damaged (file is not a database)" in shell.run("doctor").output
    url = "postgresql://a:b@[x/y"
    assert "Cannot read the PostgreSQL URL" in shell.refused("migrate", FOLKMOOT_DATA__URL=url)


def test_doctor_reads_the_relay_as_the_server_does(shell: Shell) -> None:
    for relay, says in (
        ("http://x", "begins with one of"),
        ("smtp://", "needs a host"),
        ("smtp://user:secret@127.0.0.1:1", "127.0.0.1:1 does not answer"),
    ):
        output = shell.run("doctor", FOLKMOOT_MAIL__RELAY=relay).output
        assert says in output and "WRONG   mail relay" in output and "secret" not in output
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            peer, _ = listener.accept()
            with peer:
                peer.sendall(b"220 relay.example.org\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        output = shell.run("doctor", FOLKMOOT_MAIL__RELAY=f"smtp://127.0.0.1:{listener.getsockname()[1]}").output
        thread.join()
    assert "ok      mail relay: 220 relay.example.org" in output
