"""Finding messages by what they say: every word, in this order, anywhere in the title or the text (lemmy §5.8).

The index only narrows down (trigrams, so words of three signs and more); whether a message really matches is asked of the
message itself. What is younger than the index has got is asked without it, so nothing is missed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from folkmoot.domain.conversations.model import Message
from folkmoot.domain.conversations.ranking import Candidate, Order, hot_rank, months_before
from folkmoot.domain.spaces import Listed
from folkmoot.store import Transaction, containing, microseconds
from folkmoot.text.search import has_in_order

_SHORTEST_WORD = 3
_LONGEST_QUERY = 200
_MOST_WORDS = 16
#: Of more matches than this, the newest are ordered; and no more than so many of the newest messages are looked at.
_MOST_MATCHES = 20_000
_MOST_LOOKED_AT = 50_000
_EVERYBODYS = f"({Listed.PUBLIC:d}, {Listed.NSFW:d})"


class Slice(NamedTuple):
    """Which of what is found is wanted: in this order, if younger than `since`, at most so many after the first."""

    order: Order
    since: datetime | None
    skip: int
    most: int


def search_threads(tx: Transaction, query: str, wanted: Slice, now: datetime, space_id: int | None = None) -> list[int]:
    """The ids of threads that everybody may see and whose title or text matches."""
    columns = "t.id, t.score, t.created_at, t.active_at, m.subject, m.body"
    return _search(tx, columns, "threads", ("subject", "body"), query, wanted, now, space_id)


def search_answers(tx: Transaction, query: str, wanted: Slice, now: datetime) -> list[int]:
    """The ids of answers that everybody may see, neither removed nor deleted, and whose text matches."""
    columns = "t.id, t.score, t.created_at, t.created_at, m.subject, m.body"
    return _search(tx, columns, "answers", ("body",), query, wanted, now, None)


def find_linking(tx: Transaction, url: str, wanted: Slice, now: datetime, space_id: int | None = None) -> list[int]:
    """The ids of threads that everybody may see and whose link is exactly this one."""
    inside = "" if space_id is None else " AND space_id = :space"
    rows = tx.rows(
        "SELECT id, score, created_at, active_at FROM threads WHERE url = :url"
        f" AND listed IN {_EVERYBODYS}{inside} ORDER BY id DESC LIMIT :most",
        url=url,
        space=space_id,
        most=_MOST_MATCHES,
    )
    return _page([Candidate(*row) for row in rows], wanted, now)


def _search(
    tx: Transaction,
    selected: str,
    table: str,
    columns: tuple[str, ...],
    query: str,
    wanted: Slice,
    now: datetime,
    space_id: int | None,
) -> list[int]:
    asked = query.split()
    words = query[:_LONGEST_QUERY].split()[:_MOST_WORDS]
    if not words:
        return []
    # The sum keeps the databases from walking everybody's threads by their index.
    where = [f"(t.listed + 0) IN {_EVERYBODYS}"]
    if table == "answers":
        where.append("NOT m.removed AND NOT m.deleted")
    if space_id is not None:
        where.append("(t.space_id + 0) = :space")
    if wanted.since is not None:
        where.append("(t.created_at + 0) > :since")
    parameters: dict[str, Any] = {"space": space_id, "since": wanted.since, "most": _MOST_MATCHES}
    # SQLite knows the case of ASCII letters only; for others, and for what is too long, the texts are looked at here.
    knows_case = tx.dialect != "sqlite" or query.isascii()
    is_exact = knows_case and words == asked
    if knows_case:
        like = "LIKE" if tx.dialect == "sqlite" else "ILIKE"
        where.append("(" + " OR ".join(f"m.{name} {like} :pattern ESCAPE '!'" for name in columns) + ")")
        parameters["pattern"] = containing(words)
    rows: list[Any] = []
    for source in _sources(tx, words, parameters):
        rows += tx.rows(
            f"SELECT {selected} FROM {source} CROSS JOIN messages m CROSS JOIN {table} t"
            f" WHERE m.id = x.id AND t.id = m.id AND {' AND '.join(where)} LIMIT :most"
            if source
            else f"SELECT {selected} FROM messages m JOIN {table} t ON t.id = m.id WHERE {' AND '.join(where)}"
            " ORDER BY m.id DESC LIMIT :most",
            **parameters,
        )
    found = [
        Candidate(*row[:4])
        for row in rows
        if is_exact or any(has_in_order(row[4 if name == "subject" else 5], asked) for name in columns)
    ]
    return _page(found, wanted, now)


def _sources(tx: Transaction, words: list[str], parameters: dict[str, Any]) -> list[str]:
    """Where ids of messages that may match come from, the newest first; "" where the database finds them by itself.

    SQLite takes what is cross joined in the order it is written in.
    """
    if tx.dialect != "sqlite":
        return [""]
    parameters["looked_at"] = _MOST_LOOKED_AT
    newest = "SELECT id FROM messages {where} ORDER BY id DESC LIMIT :looked_at"
    long = [word for word in words if len(word) >= _SHORTEST_WORD]
    if not long:
        return [f"({newest.format(where='')}) x"]
    parameters["match"] = " ".join('"' + word.replace('"', '""') + '"' for word in long)
    parameters["indexed"] = _indexed_upto(tx)
    indexed = (
        "SELECT rowid AS id FROM message_search WHERE message_search MATCH :match AND rowid <= :indexed"
        " ORDER BY rowid DESC LIMIT :looked_at"
    )
    return [f"({newest.format(where='WHERE id > :indexed')}) x", f"({indexed}) x"]


def _page(found: list[Candidate], wanted: Slice, now: datetime) -> list[int]:
    bumped_since, at = microseconds(months_before(now, 1)), microseconds(now)
    after = microseconds(wanted.since) if wanted.since is not None else -1

    def key(each: Candidate) -> tuple[int, ...]:
        if wanted.order is Order.NEW:
            return each.created_at, each.id
        if wanted.order is Order.TOP:
            return each.score, each.created_at, each.id
        active = each.active_at if each.created_at > bumped_since else each.created_at
        return hot_rank(each.score, active, at), each.created_at, each.id

    ordered = sorted((each for each in found if each.created_at > after), key=key, reverse=True)
    return [each.id for each in ordered[wanted.skip : wanted.skip + wanted.most]]


# --- the index ------------------------------------------------------------------------------------------------------


def _indexed_upto(tx: Transaction) -> int:
    return int(tx.value("SELECT upto_id FROM search_progress WHERE id = 1") or 0)


def is_unindexed(tx: Transaction) -> bool:
    """Whether there are messages that SQLite's full text does not have yet."""
    return tx.dialect == "sqlite" and bool(
        tx.rows("SELECT 1 FROM messages WHERE id > :done LIMIT 1", done=_indexed_upto(tx))
    )


def index_some(tx: Transaction, most: int = 50) -> None:
    """Takes the next messages into SQLite's full text."""
    done = _indexed_upto(tx)
    ids = tx.column("SELECT id FROM messages WHERE id > :done ORDER BY id LIMIT :most", done=done, most=most)
    if tx.dialect != "sqlite" or not ids:
        return
    tx.run(
        "INSERT INTO message_search (rowid, subject, body) SELECT id, subject, body FROM messages"
        " WHERE id > :done AND id <= :upto",
        done=done,
        upto=ids[-1],
    )
    tx.run(
        "INSERT INTO search_progress (id, upto_id) VALUES (1, :upto)"
        " ON CONFLICT (id) DO UPDATE SET upto_id = excluded.upto_id",
        upto=ids[-1],
    )


def reindex(tx: Transaction, message: Message) -> None:
    """A message says something else now."""
    if tx.dialect == "sqlite" and message.id <= _indexed_upto(tx):
        tx.run("DELETE FROM message_search WHERE rowid = :id", id=message.id)
        tx.run(
            "INSERT INTO message_search (rowid, subject, body) VALUES (:id, :subject, :body)",
            id=message.id,
            subject=message.subject,
            body=message.body,
        )


def tidy_some(tx: Transaction, begin: bool, pages: int = 64) -> bool:
    """Puts a piece of SQLite's full text together anew, which leaves out what was deleted; whether there is more to do.

    Until then its pieces still hold the trigrams of texts that are gone.
    """
    if tx.dialect != "sqlite":
        return False
    before = tx.value("SELECT total_changes()")
    tx.run(
        "INSERT INTO message_search (message_search, rank) VALUES ('merge', :pages)", pages=-pages if begin else pages
    )
    return bool(tx.value("SELECT total_changes()") - before >= 2)
