"""`folkmoot export mbox`: write a list as an archive of mail."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import click

from folkmoot.commands.lists import ListName, get_list
from folkmoot.commands.setting import Setting
from folkmoot.domain import conversations, spaces
from folkmoot.domain.conversations import Letterhead
from folkmoot.store import Database, Transaction
from folkmoot.text import mail

_BATCH = 200


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
    """
    config = setting.load()
    letterhead = Letterhead(config.mail.domain, config.site.lists_url or f"http://{config.listen.lists}")
    with setting.community() as db:
        space = db.read_now(get_list, *list_name)
        ids = db.read_now(conversations.list_message_ids, space.id)
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
            for piece in mail.write_mbox(_messages(db, letterhead, batch)):
                stream.write(piece)


def _messages(db: Database, letterhead: Letterhead, ids: list[int]) -> Iterator[tuple[str, datetime, bytes]]:
    for message_id in ids:
        yield db.read_now(_message, letterhead, message_id)


def _message(tx: Transaction, letterhead: Letterhead, message_id: int) -> tuple[str, datetime, bytes]:
    view = conversations.get_view(tx, message_id)
    data = conversations.find_original(tx, message_id)
    if data is None:
        face = spaces.get_list_face(tx, view.space_id)
        assert face is not None
        data = conversations.write_mail(letterhead, face, view, conversations.ancestors(tx, view))
    return view.from_address, view.created_at, data
