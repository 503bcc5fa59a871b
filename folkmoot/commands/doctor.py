"""`folkmoot doctor`: look at everything a server needs, and say what to do about what is missing."""

from __future__ import annotations

import os
import socket
import sqlite3
import ssl
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import msgspec

from folkmoot.commands.setting import Setting
from folkmoot.config import Config
from folkmoot.errors import FolkmootError, Invalid
from folkmoot.house import engines
from folkmoot.net.listeners import ListenError, open_socket, parse_address
from folkmoot.net.smtp import Relay, parse_relay
from folkmoot.store import SqliteEngine, damage
from folkmoot.store.migration import HEADS, current

_RELAY_SECONDS = 5.0

_DAMAGED = {
    "community": "{path} is damaged ({reason}); stop the server and put a backup in its place",
    "broker": "{path} is damaged ({reason}); the next start sets it aside and begins with an empty one",
}

# (what was looked at, whether it is fine, what was found or what to do)
Finding = tuple[str, bool, str]


@click.command("doctor")
@click.pass_obj
def command(setting: Setting) -> None:
    """Check configuration, database, ports and relay; exit status 1 when something needs you.

    Ports in use by a Folkmoot running on the same data directory are fine.
    """
    healthy = True
    try:
        config = setting.load()
        click.echo("ok      configuration: read")
    except FolkmootError as error:
        click.echo(f"WRONG   configuration: {error.message}")
        sys.exit(1)
    checks: tuple[Callable[[Config], Iterator[Finding]], ...] = (_python, _directory, _databases, _ports, _relay)
    for check in checks:
        for what, fine, words in check(config):
            healthy = healthy and fine
            click.echo(f"{'ok   ' if fine else 'WRONG'}   {what}: {words}")
    sys.exit(0 if healthy else 1)


def _python(config: Config) -> Iterator[Finding]:
    yield "python", sys.version_info >= (3, 11), sys.version.split()[0]
    yield "sqlite", sqlite3.sqlite_version_info >= (3, 40), f"{sqlite3.sqlite_version} (3.40 or newer is needed)"


def _directory(config: Config) -> Iterator[Finding]:
    path = Path(config.data.dir)
    if not path.exists():
        yield "data directory", True, f"{path} will be made"
    elif not os.access(path, os.W_OK | os.X_OK):
        yield "data directory", False, f"{path} cannot be written to; change its owner or set FOLKMOOT_DATA__DIR"
    else:
        yield "data directory", True, str(path)


def _databases(config: Config) -> Iterator[Finding]:
    if not config.data.url and not Path(config.data.dir).exists():
        yield "database", True, "will be made"
        return
    for chain, engine in engines(config).items():
        name = f"database {chain}"
        try:
            if isinstance(engine, SqliteEngine):
                yield from _set_aside(name, engine.path)
                reason = damage.find_damage(engine.path, everywhere=True)
                if reason is not None:
                    yield name, False, _DAMAGED[chain].format(path=engine.path, reason=reason)
                    continue
            at = current(engine)
        except FolkmootError as error:
            yield name, False, error.message
            continue
        if at is None:
            yield name, True, f"empty, will be made ({engine.describe()})"
        elif at == HEADS[chain]:
            yield name, True, f"up to date ({engine.describe()})"
        else:
            yield name, at < HEADS[chain], f"at revision {at}; run `folkmoot migrate` to come to {HEADS[chain]}"


def _set_aside(name: str, path: Path) -> Iterator[Finding]:
    for each in damage.list_set_aside(path):
        yield name, False, f"{each} was damaged and set aside; see what you can save of it, then move it away"


def _ports(config: Config) -> Iterator[Finding]:
    running = _running(config)
    for field in msgspec.structs.fields(type(config.listen)):
        address = getattr(config.listen, field.name)
        name = f"listen.{field.name}"
        try:
            if parse_address(address) is None:
                yield name, True, "off"
            elif address in running:
                yield name, True, f"{address}, in use by the running server"
            else:
                sock = open_socket(address)
                if sock is not None:
                    sock.close()
                yield name, True, f"{address} is free"
        except ListenError as error:
            yield name, False, f"{error}; choose another with FOLKMOOT_LISTEN__{field.name.upper()}"


def _running(config: Config) -> set[str]:
    """The addresses that the server on this data directory has, if one is running."""
    import fcntl

    directory = Path(config.data.dir)
    try:
        with (directory / "lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        listeners = msgspec.json.decode((directory / "listeners.json").read_bytes(), type=dict[str, str])
        return set(listeners.values())
    except OSError:
        pass
    return set()


def _relay(config: Config) -> Iterator[Finding]:
    if not config.mail.relay:
        yield "mail relay", True, "none: outgoing mail is caught and shown on the web pages"
        return
    try:
        relay = parse_relay(config.mail.relay)
        with socket.create_connection((relay.host, relay.port), _RELAY_SECONDS) as plain:
            greeting = _greeting(plain, relay)
        yield "mail relay", greeting.startswith("220"), greeting or "it says nothing"
    except Invalid as error:
        yield "mail relay", False, f"{error.message} Check FOLKMOOT_MAIL__RELAY"
    except OSError as error:
        yield "mail relay", False, f"{relay} does not answer ({error}); check FOLKMOOT_MAIL__RELAY"


def _greeting(plain: socket.socket, relay: Relay) -> str:
    connection = plain
    if relay.security == "tls":
        connection = ssl.create_default_context().wrap_socket(plain, server_hostname=relay.host)
    connection.settimeout(_RELAY_SECONDS)
    return connection.recv(512).decode("ascii", "replace").strip()
