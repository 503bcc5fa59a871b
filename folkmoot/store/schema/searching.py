"""What finds messages by their words: SQLite's full text in trigrams, PostgreSQL's trigram indexes.

SQLite's is filled behind the writers (`conversations.index_some`), because taking a text apart costs more than keeping it;
`search_progress` says how far. PostgreSQL keeps its own up to date, and does without where the extension cannot be had.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import DDL, Column, Integer, Table, event

from folkmoot.store.schema.columns import community, count

Table("search_progress", community, Column("id", Integer, primary_key=True, autoincrement=False), count("upto_id"))

_FULL_TEXT = "CREATE VIRTUAL TABLE IF NOT EXISTS message_search USING fts5(subject, body, tokenize = 'trigram')"
_TRIGRAMS = """
DO $$ BEGIN
    CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
    CREATE INDEX IF NOT EXISTS ix_messages_subject_words ON messages USING gin (subject public.gin_trgm_ops);
    CREATE INDEX IF NOT EXISTS ix_messages_body_words ON messages USING gin (body public.gin_trgm_ops);
EXCEPTION WHEN insufficient_privilege OR undefined_file OR feature_not_supported OR undefined_object THEN
    RAISE NOTICE 'pg_trgm is not available: searching reads everything';
END $$
"""

# A link may be longer than PostgreSQL's ordinary index takes.
_LINKS = {
    "sqlite": "CREATE INDEX IF NOT EXISTS ix_threads_url ON threads (url)",
    "postgresql": "CREATE INDEX IF NOT EXISTS ix_threads_url ON threads USING hash (url)",
}


def _make(dialect: str, statement: str) -> None:
    made: Any = DDL(statement)  # type: ignore[no-untyped-call]
    event.listen(community, "after_create", made.execute_if(dialect=dialect))


for name, sql in (*_LINKS.items(), ("sqlite", _FULL_TEXT), ("postgresql", _TRIGRAMS)):
    _make(name, sql)
