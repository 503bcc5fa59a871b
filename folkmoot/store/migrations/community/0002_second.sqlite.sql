-- The tables that the first schema did not have, frozen: later changes are migrations of their own.

CREATE TABLE search_progress (
	id INTEGER NOT NULL, 
	upto_id INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_search_progress PRIMARY KEY (id)
);

CREATE TABLE erasures (
	account_id INTEGER NOT NULL, 
	upto_id INTEGER NOT NULL, 
	done_id INTEGER DEFAULT '0' NOT NULL, 
	requested_at BIGINT NOT NULL, 
	CONSTRAINT pk_erasures PRIMARY KEY (account_id), 
	CONSTRAINT fk_erasures_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE mqtt_posts (
	account_id INTEGER NOT NULL, 
	client_key BLOB NOT NULL, 
	packet_id INTEGER NOT NULL, 
	content_key BLOB NOT NULL, 
	taken_at BIGINT NOT NULL, 
	CONSTRAINT pk_mqtt_posts PRIMARY KEY (account_id, client_key, packet_id), 
	CONSTRAINT fk_mqtt_posts_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_mqtt_posts_taken_at ON mqtt_posts (taken_at);

CREATE TABLE operators (
	account_id INTEGER NOT NULL, 
	role TEXT DEFAULT '' NOT NULL, 
	description TEXT DEFAULT '' NOT NULL, 
	is_made_here BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_operators PRIMARY KEY (account_id), 
	CONSTRAINT fk_operators_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE password_resets (
	token_hash TEXT NOT NULL, 
	account_id INTEGER NOT NULL, 
	created_at BIGINT NOT NULL, 
	CONSTRAINT pk_password_resets PRIMARY KEY (token_hash), 
	CONSTRAINT fk_password_resets_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_password_resets_account_id ON password_resets (account_id);

CREATE TABLE private_messages (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	author_id INTEGER NOT NULL, 
	recipient_id INTEGER NOT NULL, 
	body TEXT NOT NULL, 
	read BOOLEAN DEFAULT 0 NOT NULL, 
	deleted BOOLEAN DEFAULT 0 NOT NULL, 
	created_at BIGINT NOT NULL, 
	updated_at BIGINT, 
	CONSTRAINT fk_private_messages_author_id FOREIGN KEY(author_id) REFERENCES accounts (id), 
	CONSTRAINT fk_private_messages_recipient_id FOREIGN KEY(recipient_id) REFERENCES accounts (id)
);

CREATE INDEX ix_private_messages_author_id ON private_messages (author_id, id);

CREATE INDEX ix_private_messages_recipient_id ON private_messages (recipient_id, id);

CREATE INDEX ix_private_messages_unread ON private_messages (recipient_id, id) WHERE NOT read;

CREATE TABLE acts (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	act TEXT NOT NULL, 
	moderator_id INTEGER NOT NULL, 
	space_id INTEGER, 
	message_id INTEGER, 
	account_id INTEGER, 
	done BOOLEAN DEFAULT 0 NOT NULL, 
	reason TEXT, 
	expires_at BIGINT, 
	acted_at BIGINT NOT NULL, 
	CONSTRAINT fk_acts_moderator_id FOREIGN KEY(moderator_id) REFERENCES accounts (id), 
	CONSTRAINT fk_acts_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE, 
	CONSTRAINT fk_acts_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE, 
	CONSTRAINT fk_acts_account_id FOREIGN KEY(account_id) REFERENCES accounts (id)
);

CREATE INDEX ix_acts_act ON acts (act, id);

CREATE INDEX ix_acts_moderator_id ON acts (moderator_id, act, id);

CREATE INDEX ix_acts_space_id ON acts (space_id, act, id);

CREATE TABLE answers (
	id INTEGER NOT NULL, 
	space_id INTEGER NOT NULL, 
	listed INTEGER DEFAULT '0' NOT NULL, 
	created_at BIGINT NOT NULL, 
	score INTEGER DEFAULT '0' NOT NULL, 
	CONSTRAINT pk_answers PRIMARY KEY (id), 
	CONSTRAINT fk_answers_id FOREIGN KEY(id) REFERENCES messages (id) ON DELETE CASCADE, 
	CONSTRAINT fk_answers_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_answers_created_at ON answers (listed, created_at, id, score);

CREATE INDEX ix_answers_day_score ON answers (listed, (created_at / 86400000000), score, created_at, id);

CREATE INDEX ix_answers_score ON answers (listed, score, created_at, id);

CREATE INDEX ix_answers_space_created_at ON answers (space_id, created_at, id, score);

CREATE INDEX ix_answers_space_day_score ON answers (space_id, (created_at / 86400000000), score, created_at, id);

CREATE INDEX ix_answers_space_score ON answers (space_id, score, created_at, id);

CREATE TABLE mentions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	recipient_id INTEGER NOT NULL, 
	message_id INTEGER NOT NULL, 
	read BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT uq_mentions_recipient_id_message_id UNIQUE (recipient_id, message_id), 
	CONSTRAINT fk_mentions_recipient_id FOREIGN KEY(recipient_id) REFERENCES accounts (id) ON DELETE CASCADE, 
	CONSTRAINT fk_mentions_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
);

CREATE INDEX ix_mentions_message_id ON mentions (message_id);

CREATE INDEX ix_mentions_unread ON mentions (recipient_id, message_id) WHERE NOT read;

CREATE TABLE replies (
	message_id INTEGER NOT NULL, 
	recipient_id INTEGER NOT NULL, 
	read BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_replies PRIMARY KEY (message_id), 
	CONSTRAINT fk_replies_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE, 
	CONSTRAINT fk_replies_recipient_id FOREIGN KEY(recipient_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_replies_recipient_id ON replies (recipient_id, message_id);

CREATE INDEX ix_replies_unread ON replies (recipient_id, message_id) WHERE NOT read;

CREATE TABLE saved_messages (
	account_id INTEGER NOT NULL, 
	message_id INTEGER NOT NULL, 
	saved_at BIGINT NOT NULL, 
	CONSTRAINT pk_saved_messages PRIMARY KEY (account_id, message_id), 
	CONSTRAINT fk_saved_messages_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE, 
	CONSTRAINT fk_saved_messages_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
);

CREATE INDEX ix_saved_messages_message_id ON saved_messages (message_id);

CREATE TABLE link_previews (
	thread_id INTEGER NOT NULL, 
	title TEXT, 
	description TEXT, 
	image_url TEXT, 
	CONSTRAINT pk_link_previews PRIMARY KEY (thread_id), 
	CONSTRAINT fk_link_previews_thread_id FOREIGN KEY(thread_id) REFERENCES threads (id) ON DELETE CASCADE
);

CREATE INDEX IF NOT EXISTS ix_threads_url ON threads (url);

CREATE VIRTUAL TABLE IF NOT EXISTS message_search USING fts5(subject, body, tokenize = 'trigram');

INSERT INTO replies (message_id, recipient_id, read)
SELECT m.id, q.author_id, TRUE FROM messages m JOIN messages q ON q.id = m.parent_id WHERE q.author_id <> m.author_id;

INSERT INTO answers (id, space_id, listed, created_at, score)
SELECT m.id, m.space_id,
    CASE
        WHEN f.space_id IS NULL OR s.removed OR s.deleted THEN 0
        WHEN f.nsfw THEN CASE WHEN l.space_id IS NOT NULL AND (l.visibility <> 'PUBLIC' OR (l.nonsubscriber & 1) = 0) THEN 4 ELSE 2 END
        WHEN l.space_id IS NOT NULL AND (l.visibility <> 'PUBLIC' OR (l.nonsubscriber & 1) = 0) THEN 3
        ELSE 1 END,
    m.created_at, c.upvotes - c.downvotes
FROM messages m
JOIN scores c ON c.message_id = m.id
JOIN spaces s ON s.id = m.space_id
LEFT JOIN forum_faces f ON f.space_id = m.space_id
LEFT JOIN list_faces l ON l.space_id = m.space_id
WHERE m.id <> m.thread_id;
