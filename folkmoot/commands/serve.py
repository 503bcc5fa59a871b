"""`folkmoot serve`: run the server."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from folkmoot.commands.setting import Setting


@click.command("serve")
@click.option("--demo", is_flag=True, help="Sample content and known credentials (admin / public), on loopback only.")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="The configuration, a TOML file.")
@click.pass_obj
def command(setting: Setting, demo: bool, config: Path | None) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    Everything listens on loopback unless [listen] says otherwise. On first start an administrator is made from
    FOLKMOOT_ADMIN_USERNAME and FOLKMOOT_ADMIN_PASSWORD, or else a one-time set-up link is printed.
    """
    settings = (Setting(config) if config is not None else setting).load()
    # Imported when the settings are right, so that a wrong one is named at once.
    from folkmoot.app import run

    sys.exit(run(settings, demo=demo))
