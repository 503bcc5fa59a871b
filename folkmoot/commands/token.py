"""`folkmoot token`: credentials for programs."""

from __future__ import annotations

import re

import click

from folkmoot.commands.setting import Setting
from folkmoot.config import Config
from folkmoot.domain import accounts
from folkmoot.domain.accounts import Account
from folkmoot.errors import Invalid
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

_SCOPE = {
    "forum": r"(?!)",
    # sourcehut-lists §4.1
    "lists": r"\*|([\w.-]+/)?(emails?|lists?|subs|patches|profile|audit|keys)(:(read|write))?",
    # listmonk §1.4
    "newsletter": r"\*|[a-z]+:[a-z_]+|list:(get|manage):[0-9]+",
    "mqtt": r"(?!)",
    "mqtt_api": r"administrator|viewer|publisher",
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

    \b
    folkmoot token create lists --account ada --scopes 'lists:read subs:write'
    folkmoot token create mqtt --account ada --name kitchen-lamp
    """
    with setting.community() as db:
        click.echo(db.write_now(_create, surface, account_name, name, scopes, setting.load()))


def _create(tx: Transaction, surface: str, account_name: str, name: str, scopes: str, config: Config) -> str:
    account = accounts.get_account_named(tx, account_name)
    _check_scopes(surface, scopes)
    if surface == "forum":
        from folkmoot.surfaces.forum import issue_token

        return issue_token(tx, account, utc_now(), config)
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


def _check_scopes(surface: str, scopes: str) -> None:
    """Raises Invalid for a scope the surface does not know: it would permit nothing, or more than was meant."""
    pattern = _SCOPE[surface]
    for scope in scopes.replace(",", " ").split():
        if not re.fullmatch(pattern, scope):
            raise Invalid("token.scope", f"{scope!r} is no scope of {surface}: {_SCOPES[surface]}.", "scopes")
    if surface == "mqtt_api" and len(scopes.split()) > 1:
        raise Invalid("token.scope", f"A credential of mqtt_api has {_SCOPES[surface]}.", "scopes")


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
