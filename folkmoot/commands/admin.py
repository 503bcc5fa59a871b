"""`folkmoot admin`: accounts that run the place, and shutting others out."""

from __future__ import annotations

import click

from folkmoot.commands.setting import Setting
from folkmoot.domain import accounts
from folkmoot.house import utc_now


@click.group("admin")
def command() -> None:
    """Make administrators and suspend accounts; works while the server runs."""


@command.command("create")
@click.argument("name")
@click.option("--password", envvar="FOLKMOOT_ADMIN_PASSWORD", help="Asked for when not given.")
@click.option("--address", help="A mail address of the account.")
@click.pass_obj
def create(setting: Setting, name: str, password: str | None, address: str | None) -> None:
    """Make the administrator NAME.

    \b
    folkmoot admin create ada --address ada@example.org
    """
    if password is None:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    if not password:
        raise click.UsageError("An administrator needs a password.")
    stored = accounts.Passwords().hash(password)
    with setting.community() as db:
        account_id = db.write_now(accounts.register, name, stored, utc_now(), address=address, is_admin=True)
    click.echo(f"Made the administrator {name} (account {account_id}).")


@command.command("suspend")
@click.argument("name")
@click.pass_obj
def suspend(setting: Setting, name: str) -> None:
    """Shut NAME out of every surface: its tokens, sessions and live connections end within a second."""
    with setting.community() as db:
        account = db.write_now(accounts.suspend, name, utc_now())
    click.echo(f"Suspended {account.label} (account {account.id}).")
