"""Finding messages by what they say: every word, in this order, anywhere in the title or the text (lemmy §5.8).

The index only narrows down (trigrams, so words of three signs and more); whether a message really matches is asked of the
message itself. What is younger than the index has got is asked without it, so nothing is missed. A page of what very many
messages say is found without the index, from the first message in order onwards.
"""

from __future__ import annotations

import json
from datetime import datetime
from math import isqrt
from typing import Any, NamedTuple

from folkmoot.domain.conversations.lanes import BIRTH, SCORE
from folkmoot.domain.conversations.model import Message
from folkmoot.domain.conversations.ranking import Candidate, Order, hot_rank, months_before
from folkmoot.domain.spaces import Listed
from folkmoot.store import Transaction, containing, microseconds
from folkmoot.text.search import has_in_order

_SHORTEST_WORD = 3
_LONGEST_QUERY = 200
_MOST_WORDS = 16
#: Of more matches than this, unless one comes upon a page of them from its start, the newest are ordered; and no more than
#: so many of the newest messages are looked at.
_MOST_MATCHES = 20_000
_MOST_LOOKED_AT = 50_000
#: What nearly every message says is looked for with so much less effort first.
_FIRST_LOOK = 8
_EVERYBODYS = f"({Listed.PUBLIC:d}, {Listed.NSFW:d})"


class Slice(NamedTuple):
    """Which of what is found is wanted: in this order, if younger than `since`, at most so many after the first."""

    order: Order
    since: datetime | None
    skip: int
    most: int


def search_threads(tx: Transaction, query: str, wanted: Slice, now: datetime, space_id: int | None = None) -> list[int]:
    """The ids of threads that everybody may see and whose title or text matches."""
    return _search(tx, "threads", ("subject", "body"), query, wanted, now, space_id)


def search_answers(tx: Transaction, query: str, wanted: Slice, now: datetime) -> list[int]:
    """The ids of answers that everybody may see, neither removed nor deleted, and whose text matches."""
    return _search(tx, "answers", ("body",), query, wanted, now, None)


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


class _Question(NamedTuple):
    """What is asked: conditions on messages `m`, which are all there is to know if they are exact, or else the texts are
    looked at here.
    """

    table: str
    columns: tuple[str, ...]
    asked: list[str]
    words: list[str]
    conditions: list[str]
    parameters: dict[str, Any]
    is_exact: bool
    space_id: int | None
    wanted: Slice


def _search(
    tx: Transaction,
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
    conditions = ["NOT m.removed AND NOT m.deleted"] if table == "answers" else []
    parameters: dict[str, Any] = {"space": space_id, "since": wanted.since, "most": _MOST_MATCHES}
    # SQLite knows the case of ASCII letters only; for others, and for what is too long, the texts are looked at here.
    knows_case = tx.dialect != "sqlite" or query.isascii()
    if knows_case:
        like = "LIKE" if tx.dialect == "sqlite" else "ILIKE"
        conditions.append("(" + " OR ".join(f"m.{name} {like} :pattern ESCAPE '!'" for name in columns) + ")")
        parameters["pattern"] = containing(words)
    is_exact = knows_case and words == asked
    question = _Question(table, columns, asked, words, conditions, parameters, is_exact, space_id, wanted)
    if tx.dialect != "sqlite":
        return _rank(tx, question, [""], now)
    return _search_sqlite(tx, question, now)


def _search_sqlite(tx: Transaction, question: _Question, now: datetime) -> list[int]:
    """Ranks all matches if they are few, or else asks one message after the other in the order that is wanted.

    Where neither is cheap, there are as many matches as it takes steps to find a page: both are the root of their product.
    """
    upto = question.wanted.skip + question.wanted.most
    few = min(isqrt(upto * (tx.value("SELECT max(id) FROM messages") or 0)), _MOST_MATCHES)
    may_walk = question.is_exact and question.wanted.order is not Order.HOT
    for least in (few // _FIRST_LOOK, few) if may_walk else ():
        some = _indexed_matches(tx, question, least + 1)
        if some is not None and len(some) <= least:
            question.parameters["given"] = json.dumps(some)
            return _rank(tx, question, [_YOUNGER, _GIVEN], now)
        page = _walk(tx, question, upto, min(2 * least, _MOST_MATCHES))
        if len(page) == upto:
            return page[question.wanted.skip :]
    return _rank(tx, question, _sources(tx, question), now)


def _walk(tx: Transaction, question: _Question, upto: int, steps: int) -> list[int]:
    """The first that match, in order; fewer than `upto` are not all there are, for it ends after so many steps."""
    by = BIRTH if question.wanted.order is Order.NEW else SCORE
    inside = "" if question.space_id is None else "space_id = :space AND "
    recent = [] if question.wanted.since is None else ["x.created_at > :since"]
    lanes = " UNION ALL ".join(
        f"SELECT {by.columns} FROM {question.table} WHERE {inside}listed = {listed:d}"
        for listed in (Listed.PUBLIC, Listed.NSFW)
    )
    # What is limited comes in its own order, which the outer selection keeps and so stops as soon as it has enough.
    return tx.column(
        f"SELECT x.id FROM ({lanes} ORDER BY {by.order} LIMIT :steps) x CROSS JOIN messages m"
        f" WHERE {' AND '.join(['m.id = x.id', *recent, *question.conditions])} LIMIT :upto",
        upto=upto,
        steps=steps,
        **question.parameters,
    )


def _rank(tx: Transaction, question: _Question, sources: list[str], now: datetime) -> list[int]:
    """A page of all that match among the messages of some sources; "" where the database finds them by itself."""
    # The sum keeps the databases from walking everybody's threads by their index.
    where = [f"(t.listed + 0) IN {_EVERYBODYS}", *question.conditions]
    if question.space_id is not None:
        where.append("(t.space_id + 0) = :space")
    if question.wanted.since is not None:
        where.append("(t.created_at + 0) > :since")
    active_at = "active_at" if question.table == "threads" else "created_at"
    selected = f"t.id, t.score, t.created_at, t.{active_at}, m.subject, m.body"
    rows: list[Any] = []
    for source in sources:
        rows += tx.rows(
            f"SELECT {selected} FROM {source} CROSS JOIN messages m CROSS JOIN {question.table} t"
            f" WHERE m.id = x.id AND t.id = m.id AND {' AND '.join(where)} LIMIT :most"
            if source
            else f"SELECT {selected} FROM messages m JOIN {question.table} t ON t.id = m.id WHERE {' AND '.join(where)}"
            " ORDER BY m.id DESC LIMIT :most",
            **question.parameters,
        )
    found = [
        Candidate(*row[:4])
        for row in rows
        if question.is_exact
        or any(has_in_order(row[4 if name == "subject" else 5], question.asked) for name in question.columns)
    ]
    return _page(found, question.wanted, now)


_NEWEST = "(SELECT id FROM messages{where} ORDER BY id DESC LIMIT :looked_at) x"
_YOUNGER = _NEWEST.format(where=" WHERE id > :indexed")
_GIVEN = "(SELECT value AS id FROM json_each(:given)) x"


def _sources(tx: Transaction, question: _Question) -> list[str]:
    """Where SQLite gets ids of messages that may match, the newest first. It takes what is cross joined in the order it is
    written in.
    """
    indexed = _indexed(tx, question)
    return [_YOUNGER, f"({indexed}) x"] if indexed else [_NEWEST.format(where="")]


def _indexed_matches(tx: Transaction, question: _Question, most: int) -> list[int] | None:
    """The newest messages of the index that may match; None when there is no word that it knows."""
    indexed = _indexed(tx, question)
    return tx.column(indexed, **question.parameters | {"looked_at": most}) if indexed else None


def _indexed(tx: Transaction, question: _Question) -> str:
    """What selects from the index, with its parameters beside the question's; "" when there is no word that it knows."""
    question.parameters["looked_at"] = _MOST_LOOKED_AT
    long = [word for word in question.words if len(word) >= _SHORTEST_WORD]
    if not long:
        return ""
    question.parameters["match"] = " ".join('"' + word.replace('"', '""') + '"' for word in long)
    question.parameters["indexed"] = _indexed_upto(tx)
    return (
        "SELECT rowid AS id FROM message_search WHERE message_search MATCH :match AND rowid <= :indexed"
        " ORDER BY rowid DESC LIMIT :looked_at"
    )


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
