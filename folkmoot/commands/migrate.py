"""`folkmoot migrate`: bring the databases up to date."""

from __future__ import annotations

import click

from folkmoot.commands.setting import Setting


@click.command("migrate")
@click.pass_obj
def command(setting: Setting) -> None:
    """Bring the databases to this version's schema.

    `serve` does the same at its start; this is for doing it beforehand, or after restoring a copy.
    """
    from folkmoot.house import engines
    from folkmoot.store import migrate

    for chain, engine in engines(setting.load()).items():
        changed = migrate(engine, chain)
        click.echo(f"{chain}: {'migrated' if changed else 'up to date'} ({engine.describe()})")
