"""`folkmoot import mbox`: bring an archive of mail into a list."""

from __future__ import annotations

import gzip
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

import click

from folkmoot.commands.lists import ListName, find_list, get_list
from folkmoot.commands.setting import Setting
from folkmoot.domain import accounts, conversations, spaces, subscriptions
from folkmoot.domain.conversations import Arrival
from folkmoot.domain.spaces import Space
from folkmoot.errors import FolkmootError, Invalid, TooLarge
from folkmoot.house import utc_now
from folkmoot.store import Database, Transaction
from folkmoot.text import mail

_BATCH = 100
_EXAMPLES = 5
_LARGEST_BYTES = 64 * 1024 * 1024
_SEEN = "its Message-ID is in the list already"


@dataclass
class Report:
    """What became of the messages of an archive."""

    imported: int = 0
    seen: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[int]] = field(default_factory=dict)

    def skip(self, reason: str, offset: int) -> None:
        """Note a message that was left out, by the offset of its separator in the archive."""
        self.reasons[reason] += 1
        places = self.examples.setdefault(reason, [])
        if len(places) < _EXAMPLES:
            places.append(offset)


@click.group("import")
def command() -> None:
    """Bring in what a community already has."""


@command.command("mbox")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--list", "list_name", type=ListName(), required=True, help="The list, as '~owner/name'.")
@click.option("--create", is_flag=True, help="Make the list when it is missing; its owner must exist.")
@click.option("--dry-run", is_flag=True, help="Read and check everything, change nothing.")
@click.pass_obj
def import_mbox(setting: Setting, file: Path, list_name: tuple[str, str], create: bool, dry_run: bool) -> None:
    """Import FILE, an mbox (or mbox.gz), into a list; works while the server runs.

    Every message keeps its bytes and its Date; nothing is mailed and no webhook fires. Stopped half-way, run it again: what
    is here already is passed over.

    \b
    folkmoot import mbox archive.mbox.gz --list '~ada/engines' --create --dry-run
    """
    began = time.monotonic()
    problem: Invalid | None = None
    with setting.community() as db:
        space = _space(db, *list_name, create=create, dry_run=dry_run)
        threads_before = db.read_now(_count_threads, space)
        report = Report()
        ids = set[str]()
        try:
            for batch in _batches(file):
                # Read before the transaction: the server's writer waits for no parsing.
                arrivals = _read(batch, report)
                if dry_run or space is None:
                    db.read_now(_check_batch, space, arrivals, report, ids)
                else:
                    # Counted only once committed, in case the batch as a whole fails.
                    made = db.write_now(_import_batch, space, arrivals, Report())
                    _add(report, made)
        except Invalid as error:
            problem = error
        threads = db.read_now(_count_threads, space) - threads_before
    _say(report, threads, time.monotonic() - began, dry_run)
    if problem is not None:
        raise problem
    if report.seen == 0 and file.stat().st_size > 0:
        raise Invalid(
            "import.no_mbox", f"{file} is no mbox: it has no line that begins with `From ` and a message below."
        )


def _space(db: Database, owner: str, name: str, *, create: bool, dry_run: bool) -> Space | None:
    """The list to import into; None when it would be made, but nothing is to be changed."""
    if not create:
        return db.read_now(get_list, owner, name, "Make it first, or use --create.")
    if not dry_run:
        return db.write_now(_get_or_make, owner, name)
    db.read_now(accounts.get_account_named, owner)
    return db.read_now(find_list, owner, name)


def _get_or_make(tx: Transaction, owner: str, name: str) -> Space:
    found = find_list(tx, owner, name)
    if found is not None:
        return found
    account = accounts.get_account_named(tx, owner)
    actor = accounts.actor_of_account(tx, account.id, utc_now())
    face = spaces.create_mailing_list(tx, actor, name, None, utc_now())
    # sourcehut-lists §2.2: the owner is subscribed automatically.
    subscriptions.start(tx, account.id, face.id, "mail", utc_now())
    return spaces.get_space(tx, face.id)


def _batches(file: Path) -> Iterator[list[tuple[int, bytes]]]:
    size = file.stat().st_size
    batch: list[tuple[int, bytes]] = []
    with file.open("rb") as raw, click.progressbar(length=size, label=f"Importing {file.name}") as bar:
        packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if packed else raw
        problem: Exception | None = None
        try:
            for offset, data in mail.read_mbox(stream, _LARGEST_BYTES):
                batch.append((offset, data))
                if len(batch) == _BATCH:
                    yield batch
                    batch = []
                    bar.update(raw.tell() - bar.pos)
        except (EOFError, OSError, zlib.error) as error:
            problem = error
        yield batch
        if problem is not None:
            raise Invalid("import.unreadable", f"{file} cannot be read to its end: {problem}.") from problem
        bar.update(size - bar.pos)


def _read(batch: list[tuple[int, bytes]], report: Report) -> list[tuple[int, Arrival]]:
    """The messages of a batch that can be read, with their offsets."""
    arrivals = []
    for offset, data in batch:
        report.seen += 1
        try:
            arrivals.append((offset, _arrival(data)))
        except FolkmootError as error:
            report.skip(error.message, offset)
    return arrivals


def _import_batch(tx: Transaction, space: Space, arrivals: list[tuple[int, Arrival]], report: Report) -> Report:
    for offset, arrival in arrivals:
        try:
            with tx.savepoint():
                account = accounts.sender(tx, arrival.from_address, arrival.from_name, arrival.created_at)
                made = conversations.receive(tx, account, space, arrival, imported=True)
        except FolkmootError as error:
            report.skip(error.message, offset)
            continue
        if made is None:
            report.skip(_SEEN, offset)
        else:
            report.imported += 1
    return report


def _check_batch(
    tx: Transaction, space: Space | None, arrivals: list[tuple[int, Arrival]], report: Report, ids: set[str]
) -> None:
    """Note what an import would do; `ids` are the Message-IDs met in earlier batches."""
    for offset, arrival in arrivals:
        here = space and conversations.message_of_mail_id(tx, space.id, arrival.mail_id) is not None
        if here or arrival.mail_id in ids:
            report.skip(_SEEN, offset)
        else:
            report.imported += 1
        ids.add(arrival.mail_id)


def _arrival(data: bytes) -> Arrival:
    if len(data) > _LARGEST_BYTES:
        raise TooLarge("mail.large", f"The message is longer than {_LARGEST_BYTES} bytes.")
    return conversations.read_arrival(mail.parse(data), data, utc_now(), imported=True)


def _add(report: Report, made: Report) -> None:
    report.imported += made.imported
    report.reasons.update(made.reasons)
    for reason, offsets in made.examples.items():
        places = report.examples.setdefault(reason, [])
        places.extend(offsets[: _EXAMPLES - len(places)])


def _count_threads(tx: Transaction, space: Space | None) -> int:
    return conversations.count_threads(tx, space.id) if space else 0


def _say(report: Report, threads: int, seconds: float, dry_run: bool) -> None:
    verb = "Would import" if dry_run else "Imported"
    rate = report.seen / seconds if seconds else 0.0
    click.echo(
        f"{verb} {report.imported} of {report.seen} messages in {threads} new threads,"
        f" {sum(report.reasons.values())} skipped, {seconds:.1f} seconds ({rate:.0f} messages/s)."
    )
    for reason, count in report.reasons.most_common():
        places = ", ".join(map(str, report.examples[reason]))
        click.echo(f"  {count} skipped: {reason} (at byte {places}{', …' if count > _EXAMPLES else ''})")
