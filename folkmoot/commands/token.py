"""`folkmoot token`: credentials for programs."""

from __future__ import annotations

import click

from folkmoot.commands.setting import Setting
from folkmoot.domain import accounts
from folkmoot.domain.accounts import Account
from folkmoot.house import utc_now
from folkmoot.ids import new_hex, new_secret
from folkmoot.store import Transaction

_SCOPES = {
    "forum": "none: the token may do what the account may",
    "lists": "as in `lists:read subs:write`, or `*`",
    "newsletter": "permissions as in `lists:get_all lists:manage_all`, `list:get:5`, or `*`",
    "mqtt": "none: the MQTT user name is the token's --name",
    "mqtt_api": "one role: administrator, viewer or publisher",
}


@click.group("token")
def command() -> None:
    """Make credentials for programs; works while the server runs."""


@command.command("create", epilog="Scopes of each surface: " + "; ".join(f"{k}: {v}" for k, v in _SCOPES.items()) + ".")
@click.argument("surface", type=click.Choice(list(_SCOPES)))
@click.option("--account", "account_name", required=True, help="Whose credential it is.")
@click.option("--name", default="", help="What it is called; for mqtt the user name to connect with.")
@click.option("--scopes", default="", help="What it may do, in the words of the surface; default: everything.")
@click.pass_obj
def create(setting: Setting, surface: str, account_name: str, name: str, scopes: str) -> None:
    """Make a credential for SURFACE and print it, alone, on standard output.

    It is shown this once; only its hash is kept. For newsletter and mqtt its user name is the account's name or --name.
    For mqtt_api `key:secret` is printed, ready for `curl -u`.
    """
    with setting.community() as db:
        hostname = setting.load().site.hostname
        click.echo(db.write_now(_create, surface, account_name, name, scopes, hostname))


def _create(tx: Transaction, surface: str, account_name: str, name: str, scopes: str, hostname: str) -> str:
    account = accounts.get_account_named(tx, account_name)
    if surface == "forum":
        from folkmoot.surfaces.forum import issue_token

        return issue_token(tx, account, utc_now(), hostname)
    secret, key, printed = _secret(surface, account, name)
    accounts.create_token(
        tx,
        account.id,
        surface,
        secret,
        utc_now(),
        name=name or account.label,
        key=key,
        scopes=scopes or ("administrator" if surface == "mqtt_api" else "*"),
    )
    return printed


def _secret(surface: str, account: Account, name: str) -> tuple[str, str, str]:
    """The secret, the public half it is found by, and the text a person needs."""
    if surface == "lists":
        # sourcehut-lists §1.2: 32 lowercase hexadecimal digits, the first eight shown.
        secret = new_hex(32)
        return secret, secret[:8], secret
    if surface == "newsletter":
        secret = new_secret(48)
        return secret, account.label, secret
    if surface == "mqtt_api":
        key, secret = new_hex(16), new_secret(43)
        return secret, key, f"{key}:{secret}"
    secret = new_secret(48)
    return secret, name or account.label, secret
