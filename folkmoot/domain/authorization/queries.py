"""The SQL of permissions and bans, and the document with the operator's configuration."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec

from folkmoot.domain.broker import find_setting, save_setting
from folkmoot.store import Transaction, readable

from .model import Ban, Configuration, Entry

_SETTING = "authorization"


def find_configuration(tx: Transaction) -> Configuration:
    """What was kept, or the defaults when nothing ever was. Raises msgspec.DecodeError for what makes no sense: the defaults
    would allow what an operator had forbidden."""
    content = find_setting(tx, _SETTING)
    return Configuration() if content is None else msgspec.json.decode(content, type=Configuration)


def save_configuration(tx: Transaction, configuration: Configuration, now: datetime) -> None:
    """Keep a configuration in the place of the one before."""
    save_setting(tx, _SETTING, msgspec.json.encode(configuration).decode(), now)


def list_entries(tx: Transaction) -> list[Entry]:
    """All entries, in the order they were made."""
    rows = tx.rows("SELECT kind, name, rules FROM topic_permissions ORDER BY made_at, kind, name")
    return readable(rows, lambda row: Entry(row[0], row[1], tuple(msgspec.json.decode(row[2]))), "topic_permissions")


def save_entries(tx: Transaction, entries: Iterable[Entry], now: datetime) -> None:
    """Keep entries, each in the place of the one of its kind and name."""
    tx.run_many(
        "INSERT INTO topic_permissions (kind, name, rules, made_at) VALUES (:kind, :name, :rules, :now)"
        " ON CONFLICT (kind, name) DO UPDATE SET rules = excluded.rules",
        [
            {"kind": each.kind, "name": each.name, "rules": msgspec.json.encode(each.rules).decode(), "now": now}
            for each in entries
        ],
    )


def delete_entry(tx: Transaction, kind: str, name: str) -> None:
    """Forget an entry, if there is one."""
    tx.run("DELETE FROM topic_permissions WHERE kind = :kind AND name = :name", kind=kind, name=name)


def delete_entries(tx: Transaction) -> None:
    """Forget all entries."""
    tx.run("DELETE FROM topic_permissions")


def list_bans(tx: Transaction) -> list[Ban]:
    """All bans, in the order they begin."""
    return tx.all(Ban, "SELECT kind, who, made_by, reason, begins_at, ends_at FROM bans ORDER BY begins_at, kind, who")


def save_ban(tx: Transaction, ban: Ban) -> None:
    """Keep a ban, in the place of one that was there for the same."""
    tx.run(
        "INSERT INTO bans (kind, who, made_by, reason, begins_at, ends_at)"
        " VALUES (:kind, :who, :made_by, :reason, :begins_at, :ends_at)"
        " ON CONFLICT (kind, who) DO UPDATE SET made_by = excluded.made_by, reason = excluded.reason,"
        " begins_at = excluded.begins_at, ends_at = excluded.ends_at",
        kind=ban.kind,
        who=ban.who,
        made_by=ban.by,
        reason=ban.reason,
        begins_at=ban.at,
        ends_at=ban.until,
    )


def delete_ban(tx: Transaction, kind: str, who: str) -> None:
    """Forget a ban, if there is one."""
    tx.run("DELETE FROM bans WHERE kind = :kind AND who = :who", kind=kind, who=who)


def delete_bans(tx: Transaction) -> None:
    """Forget all bans."""
    tx.run("DELETE FROM bans")


def delete_ended_bans(tx: Transaction, now: datetime) -> None:
    """Forget the bans that are over."""
    tx.run("DELETE FROM bans WHERE ends_at <= :now", now=now)
