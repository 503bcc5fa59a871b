-- The first schema, frozen: later changes are migrations of their own.

CREATE TABLE accounts (
    id SERIAL NOT NULL,
    name TEXT,
    name_key TEXT,
    label TEXT NOT NULL,
    display_name TEXT DEFAULT '' NOT NULL,
    is_admin BOOLEAN DEFAULT false NOT NULL,
    is_program BOOLEAN DEFAULT false NOT NULL,
    created_at BIGINT NOT NULL,
    banned_at BIGINT,
    banned_until BIGINT,
    suspended_at BIGINT,
    CONSTRAINT pk_accounts PRIMARY KEY (id),
    CONSTRAINT uq_accounts_name_key UNIQUE (name_key)
);

CREATE TABLE cursors (
    reader TEXT NOT NULL,
    event_id BIGINT NOT NULL,
    CONSTRAINT pk_cursors PRIMARY KEY (reader)
);

CREATE TABLE events (
    id BIGSERIAL NOT NULL,
    recorded_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_events PRIMARY KEY (id)
);

CREATE TABLE outgoing_bodies (
    id SERIAL NOT NULL,
    data BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_outgoing_bodies PRIMARY KEY (id)
);

CREATE TABLE secrets (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_secrets PRIMARY KEY (name)
);

CREATE TABLE account_counts (
    account_id INTEGER NOT NULL,
    posts INTEGER DEFAULT '0' NOT NULL,
    comments INTEGER DEFAULT '0' NOT NULL,
    post_score INTEGER DEFAULT '0' NOT NULL,
    comment_score INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT pk_account_counts PRIMARY KEY (account_id),
    CONSTRAINT fk_account_counts_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE addresses (
    id SERIAL NOT NULL,
    account_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    verified_at BIGINT,
    is_primary BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_addresses PRIMARY KEY (id),
    CONSTRAINT uq_addresses_address_key UNIQUE (address_key),
    CONSTRAINT fk_addresses_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_addresses_account_id ON addresses (account_id);

CREATE TABLE outgoing (
    id SERIAL NOT NULL,
    body_id INTEGER NOT NULL,
    sender TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT DEFAULT 'queued' NOT NULL,
    attempts INTEGER DEFAULT '0' NOT NULL,
    created_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    last_reply TEXT DEFAULT '' NOT NULL,
    CONSTRAINT pk_outgoing PRIMARY KEY (id),
    CONSTRAINT ck_outgoing_state CHECK (state IN ('queued', 'claimed', 'sent', 'failed', 'caught')),
    CONSTRAINT fk_outgoing_body_id FOREIGN KEY(body_id) REFERENCES outgoing_bodies (id) ON DELETE CASCADE
);

CREATE INDEX ix_outgoing_body_id ON outgoing (body_id);

CREATE INDEX ix_outgoing_due ON outgoing (state, due_at);

CREATE TABLE passwords (
    account_id INTEGER NOT NULL,
    hash TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    CONSTRAINT pk_passwords PRIMARY KEY (account_id),
    CONSTRAINT fk_passwords_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE preferences (
    account_id INTEGER NOT NULL,
    avatar TEXT,
    matrix_user_id TEXT,
    show_nsfw BOOLEAN DEFAULT false NOT NULL,
    theme TEXT DEFAULT 'darkly' NOT NULL,
    default_sort_type INTEGER DEFAULT '0' NOT NULL,
    default_listing_type INTEGER DEFAULT '1' NOT NULL,
    lang TEXT DEFAULT 'browser' NOT NULL,
    show_avatars BOOLEAN DEFAULT true NOT NULL,
    send_notifications_to_email BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_preferences PRIMARY KEY (account_id),
    CONSTRAINT uq_preferences_matrix_user_id UNIQUE (matrix_user_id),
    CONSTRAINT fk_preferences_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE site (
    id SERIAL NOT NULL,
    name TEXT NOT NULL,
    description TEXT,
    creator_id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT,
    enable_downvotes BOOLEAN DEFAULT true NOT NULL,
    open_registration BOOLEAN DEFAULT true NOT NULL,
    enable_nsfw BOOLEAN DEFAULT true NOT NULL,
    CONSTRAINT pk_site PRIMARY KEY (id),
    CONSTRAINT fk_site_creator_id FOREIGN KEY(creator_id) REFERENCES accounts (id)
);

CREATE TABLE spaces (
    id SERIAL NOT NULL,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT,
    owner_id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT,
    removed BOOLEAN DEFAULT false NOT NULL,
    deleted BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_spaces PRIMARY KEY (id),
    CONSTRAINT uq_spaces_name UNIQUE (name),
    CONSTRAINT fk_spaces_owner_id FOREIGN KEY(owner_id) REFERENCES accounts (id)
);

CREATE INDEX ix_spaces_owner_id ON spaces (owner_id);

CREATE TABLE tokens (
    id SERIAL NOT NULL,
    account_id INTEGER NOT NULL,
    surface TEXT NOT NULL,
    name TEXT NOT NULL,
    key TEXT DEFAULT '' NOT NULL,
    secret_hash TEXT NOT NULL,
    scopes TEXT DEFAULT '' NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    is_enabled BOOLEAN DEFAULT true NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    CONSTRAINT pk_tokens PRIMARY KEY (id),
    CONSTRAINT uq_tokens_surface_secret_hash UNIQUE (surface, secret_hash),
    CONSTRAINT fk_tokens_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_tokens_account_id ON tokens (account_id);

CREATE INDEX ix_tokens_surface_key ON tokens (surface, key);

CREATE INDEX ix_tokens_surface_name ON tokens (surface, name);

CREATE TABLE confirmations (
    id SERIAL NOT NULL,
    space_id INTEGER NOT NULL,
    address TEXT NOT NULL,
    address_key TEXT NOT NULL,
    command TEXT NOT NULL,
    token TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_confirmations PRIMARY KEY (id),
    CONSTRAINT uq_confirmations_space_id_address_key_command UNIQUE (space_id, address_key, command),
    CONSTRAINT uq_confirmations_token UNIQUE (token),
    CONSTRAINT fk_confirmations_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE TABLE forum_faces (
    space_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    category_id INTEGER NOT NULL,
    nsfw BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_forum_faces PRIMARY KEY (space_id),
    CONSTRAINT uq_forum_faces_name UNIQUE (name),
    CONSTRAINT fk_forum_faces_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE TABLE list_faces (
    space_id INTEGER NOT NULL,
    owner_id INTEGER NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    visibility TEXT DEFAULT 'PUBLIC' NOT NULL,
    nonsubscriber INTEGER DEFAULT '7' NOT NULL,
    subscriber INTEGER DEFAULT '7' NOT NULL,
    account INTEGER DEFAULT '7' NOT NULL,
    permit_mime TEXT NOT NULL,
    reject_mime TEXT NOT NULL,
    CONSTRAINT pk_list_faces PRIMARY KEY (space_id),
    CONSTRAINT uq_list_faces_owner_id_name_key UNIQUE (owner_id, name_key),
    CONSTRAINT ck_list_faces_visibility CHECK (visibility IN ('PUBLIC', 'UNLISTED', 'PRIVATE')),
    CONSTRAINT fk_list_faces_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_list_faces_owner_id FOREIGN KEY(owner_id) REFERENCES accounts (id)
);

CREATE TABLE messages (
    id SERIAL NOT NULL,
    space_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    parent_id INTEGER,
    author_id INTEGER NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    origin TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT,
    removed BOOLEAN DEFAULT false NOT NULL,
    deleted BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_messages PRIMARY KEY (id),
    CONSTRAINT ck_messages_origin CHECK (origin IN ('forum', 'mail', 'mqtt', 'web')),
    CONSTRAINT fk_messages_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_messages_author_id FOREIGN KEY(author_id) REFERENCES accounts (id)
);

CREATE INDEX ix_messages_author_id ON messages (author_id, id);

CREATE INDEX ix_messages_hidden ON messages (space_id) WHERE removed OR deleted;

CREATE INDEX ix_messages_parent_id ON messages (parent_id);

CREATE INDEX ix_messages_space_id ON messages (space_id, id);

CREATE INDEX ix_messages_thread_id ON messages (thread_id, id);

CREATE TABLE moderators (
    id SERIAL NOT NULL,
    space_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_moderators PRIMARY KEY (id),
    CONSTRAINT uq_moderators_space_id_account_id UNIQUE (space_id, account_id),
    CONSTRAINT fk_moderators_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_moderators_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_moderators_account_id ON moderators (account_id);

CREATE TABLE newsletter_counts (
    space_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    members INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT pk_newsletter_counts PRIMARY KEY (space_id, status),
    CONSTRAINT fk_newsletter_counts_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE TABLE newsletter_faces (
    space_id INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    type TEXT NOT NULL,
    optin TEXT NOT NULL,
    status TEXT NOT NULL,
    description TEXT DEFAULT '' NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT pk_newsletter_faces PRIMARY KEY (space_id),
    CONSTRAINT uq_newsletter_faces_uuid UNIQUE (uuid),
    CONSTRAINT ck_newsletter_faces_type CHECK (type IN ('private', 'public', 'temporary')),
    CONSTRAINT ck_newsletter_faces_optin CHECK (optin IN ('single', 'double')),
    CONSTRAINT ck_newsletter_faces_status CHECK (status IN ('active', 'archived')),
    CONSTRAINT fk_newsletter_faces_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_newsletter_faces_created_at ON newsletter_faces (created_at, space_id);

CREATE TABLE newsletter_tags (
    space_id INTEGER NOT NULL,
    tag TEXT NOT NULL,
    position INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT pk_newsletter_tags PRIMARY KEY (space_id, tag),
    CONSTRAINT fk_newsletter_tags_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE TABLE space_bans (
    space_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    banned_at BIGINT NOT NULL,
    banned_until BIGINT,
    CONSTRAINT pk_space_bans PRIMARY KEY (space_id, account_id),
    CONSTRAINT fk_space_bans_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE,
    CONSTRAINT fk_space_bans_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE TABLE space_counts (
    space_id INTEGER NOT NULL,
    posts INTEGER DEFAULT '0' NOT NULL,
    comments INTEGER DEFAULT '0' NOT NULL,
    followers INTEGER DEFAULT '0' NOT NULL,
    mail_subscribers INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT pk_space_counts PRIMARY KEY (space_id),
    CONSTRAINT fk_space_counts_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE TABLE subscriptions (
    id SERIAL NOT NULL,
    account_id INTEGER NOT NULL,
    space_id INTEGER NOT NULL,
    channel TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    CONSTRAINT pk_subscriptions PRIMARY KEY (id),
    CONSTRAINT uq_subscriptions_account_id_space_id_channel UNIQUE (account_id, space_id, channel),
    CONSTRAINT ck_subscriptions_channel CHECK (channel IN ('forum', 'mail', 'newsletter')),
    CONSTRAINT fk_subscriptions_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE,
    CONSTRAINT fk_subscriptions_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_subscriptions_space_id_channel ON subscriptions (space_id, channel);

CREATE TABLE mails (
    message_id INTEGER NOT NULL,
    space_id INTEGER NOT NULL,
    mail_id TEXT NOT NULL,
    in_reply_to TEXT,
    inferred BOOLEAN DEFAULT false NOT NULL,
    from_address TEXT NOT NULL,
    from_name TEXT DEFAULT '' NOT NULL,
    sent_at BIGINT,
    is_patch BOOLEAN DEFAULT false NOT NULL,
    is_request_pull BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT pk_mails PRIMARY KEY (message_id),
    CONSTRAINT uq_mails_space_id_mail_id UNIQUE (space_id, mail_id),
    CONSTRAINT fk_mails_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE,
    CONSTRAINT fk_mails_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_mails_in_reply_to ON mails (space_id, in_reply_to);

CREATE INDEX ix_mails_mail_id ON mails (mail_id);

CREATE TABLE memberships (
    subscription_id INTEGER NOT NULL,
    status TEXT NOT NULL,
    CONSTRAINT pk_memberships PRIMARY KEY (subscription_id),
    CONSTRAINT ck_memberships_status CHECK (status IN ('unconfirmed', 'confirmed', 'unsubscribed')),
    CONSTRAINT fk_memberships_subscription_id FOREIGN KEY(subscription_id) REFERENCES subscriptions (id) ON DELETE CASCADE
);

CREATE TABLE originals (
    message_id INTEGER NOT NULL,
    data BYTEA NOT NULL,
    CONSTRAINT pk_originals PRIMARY KEY (message_id),
    CONSTRAINT fk_originals_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
);

CREATE TABLE scores (
    message_id INTEGER NOT NULL,
    upvotes INTEGER DEFAULT '0' NOT NULL,
    downvotes INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT pk_scores PRIMARY KEY (message_id),
    CONSTRAINT fk_scores_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE
);

CREATE TABLE threads (
    id INTEGER NOT NULL,
    space_id INTEGER NOT NULL,
    url TEXT,
    has_body BOOLEAN DEFAULT true NOT NULL,
    nsfw BOOLEAN DEFAULT false NOT NULL,
    locked BOOLEAN DEFAULT false NOT NULL,
    stickied BOOLEAN DEFAULT false NOT NULL,
    shown BOOLEAN DEFAULT true NOT NULL,
    listed INTEGER DEFAULT '0' NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    replies INTEGER DEFAULT '0' NOT NULL,
    participants INTEGER DEFAULT '0' NOT NULL,
    score INTEGER DEFAULT '0' NOT NULL,
    CONSTRAINT pk_threads PRIMARY KEY (id),
    CONSTRAINT fk_threads_id FOREIGN KEY(id) REFERENCES messages (id) ON DELETE CASCADE,
    CONSTRAINT fk_threads_space_id FOREIGN KEY(space_id) REFERENCES spaces (id) ON DELETE CASCADE
);

CREATE INDEX ix_threads_active_at ON threads (listed, active_at, id);

CREATE INDEX ix_threads_created_at ON threads (listed, created_at, id);

CREATE INDEX ix_threads_day_score ON threads (listed, (created_at / 86400000000), score, created_at, id);

CREATE INDEX ix_threads_hidden ON threads (space_id) WHERE NOT shown;

CREATE INDEX ix_threads_score ON threads (listed, score, created_at, id);

CREATE INDEX ix_threads_space_active_at ON threads (space_id, listed, active_at, id);

CREATE INDEX ix_threads_space_created_at ON threads (space_id, listed, created_at, id);

CREATE INDEX ix_threads_space_day_score ON threads (space_id, listed, (created_at / 86400000000), score, created_at, id);

CREATE INDEX ix_threads_space_score ON threads (space_id, listed, score, created_at, id);

CREATE INDEX ix_threads_stickied ON threads (space_id) WHERE stickied;

CREATE INDEX ix_threads_updated_at ON threads (space_id, updated_at, id);

CREATE TABLE votes (
    message_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    value INTEGER NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT pk_votes PRIMARY KEY (message_id, account_id),
    CONSTRAINT fk_votes_message_id FOREIGN KEY(message_id) REFERENCES messages (id) ON DELETE CASCADE,
    CONSTRAINT fk_votes_account_id FOREIGN KEY(account_id) REFERENCES accounts (id) ON DELETE CASCADE
);

CREATE INDEX ix_votes_account_id ON votes (account_id);

CREATE TABLE participants (
    thread_id INTEGER NOT NULL,
    address_key TEXT NOT NULL,
    CONSTRAINT pk_participants PRIMARY KEY (thread_id, address_key),
    CONSTRAINT fk_participants_thread_id FOREIGN KEY(thread_id) REFERENCES threads (id) ON DELETE CASCADE
);
