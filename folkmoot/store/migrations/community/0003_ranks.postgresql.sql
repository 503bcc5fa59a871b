DROP INDEX ix_threads_active_at;
DROP INDEX ix_threads_space_active_at;
CREATE INDEX ix_threads_active_at ON threads (listed, active_at, id, score, created_at);
CREATE INDEX ix_threads_space_active_at ON threads (space_id, listed, active_at, id, score, created_at);
