"""The command line: each command in the file named for it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from folkmoot import __version__
from folkmoot.commands.setting import Setting
from folkmoot.errors import FolkmootError


class _Commands(click.Group):
    """Imports a command's file only when it is asked for, so that `--help` and short commands stay quick."""

    _FILES = {
        "admin": "admin",
        "doctor": "doctor",
        "export": "exporting",
        "import": "importing",
        "migrate": "migrate",
        "serve": "serve",
        "token": "token",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._FILES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._FILES:
            return None
        module = __import__(f"folkmoot.commands.{self._FILES[cmd_name]}", fromlist=["command"])
        command: click.Command = module.command
        return command


@click.command(
    cls=_Commands,
    epilog="Settings are read from --config FILE and from FOLKMOOT_<SECTION>__<KEY> in the environment, which wins."
    " FOLKMOOT_DATA__DIR says where everything is kept.",
)
@click.version_option(__version__, prog_name="folkmoot")
@click.option(
    "--config",
    "config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The configuration, a TOML file. Without one, defaults and the environment count.",
)
@click.pass_context
def _folkmoot(context: click.Context, config: Path | None) -> None:
    """Folkmoot: one server for everything a community says.

    Forum, mailing lists, newsletters and live messages over one identity and one conversation.
    Try it with: folkmoot serve --demo
    """
    context.obj = Setting(config)


def main() -> None:
    """Run a command; what goes wrong is said in one sentence, with exit status 1."""
    try:
        _folkmoot(prog_name="folkmoot")
    except FolkmootError as error:
        click.echo(f"folkmoot: {error.message}", err=True)
        sys.exit(1)
    except OSError as error:
        # A full disk, a directory that is not there, a file that may not be written.
        click.echo(f"folkmoot: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", err=True)
        sys.exit(1)
