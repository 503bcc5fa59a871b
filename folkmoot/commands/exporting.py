"""`folkmoot export mbox`: write a list as an archive of mail."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import BinaryIO

import click

from folkmoot.commands.lists import ListName, get_list
from folkmoot.commands.setting import Setting
from folkmoot.domain import conversations
from folkmoot.domain.conversations import Letterhead
from folkmoot.store import Database
from folkmoot.text import mail

_BATCH = 50


@click.group("export")
def command() -> None:
    """Write out what the community has, in formats others read."""


@command.command("mbox")
@click.option("--list", "list_name", type=ListName(), required=True, help="The list, as '~owner/name'.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="A file; default: standard output.")
@click.pass_obj
def export_mbox(setting: Setting, list_name: tuple[str, str], output: Path | None) -> None:
    """Write a list's messages as an mbox (mboxrd quoting), by date; works while the server runs.

    What came by mail is written byte for byte; what was said elsewhere as the mail that went to subscribers.

    \b
    folkmoot export mbox --list '~ada/engines' --output engines.mbox
    """
    config = setting.load()
    letterhead = Letterhead(config.mail.domain, (config.site.lists_url or f"http://{config.listen.lists}").rstrip("/"))
    with setting.community() as db:
        space = db.read_now(get_list, *list_name)
        ids = db.read_now(conversations.list_archived_ids, space.id)
        if output is None:
            _write(db, letterhead, ids, sys.stdout.buffer, quiet=True)
        else:
            with output.open("wb") as stream:
                _write(db, letterhead, ids, stream, quiet=False)
    if output is not None:
        click.echo(f"Wrote {len(ids)} messages to {output}.")


def _write(db: Database, letterhead: Letterhead, ids: list[int], stream: BinaryIO, *, quiet: bool) -> None:
    batches = [ids[start : start + _BATCH] for start in range(0, len(ids), _BATCH)]
    with click.progressbar(batches, label="Exporting", file=sys.stderr, hidden=quiet) as bar:
        for batch in bar:
            for piece in mail.write_mbox(db.read_now(conversations.read_mailbox, letterhead, batch)):
                stream.write(piece)
