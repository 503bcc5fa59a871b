-- The first schema, frozen: later changes are migrations of their own.

CREATE TABLE damaged_rows (
    id INTEGER NOT NULL,
    source TEXT NOT NULL,
    content TEXT NOT NULL,
    reason TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    CONSTRAINT pk_damaged_rows PRIMARY KEY (id)
);

CREATE TABLE deliveries (
    id INTEGER NOT NULL,
    session_id BIGINT NOT NULL,
    message_id BIGINT NOT NULL,
    qos INTEGER NOT NULL,
    retain BOOLEAN DEFAULT 0 NOT NULL,
    identifiers TEXT NOT NULL,
    share_group TEXT,
    share_filter TEXT,
    packet_id INTEGER,
    released BOOLEAN DEFAULT 0 NOT NULL,
    CONSTRAINT pk_deliveries PRIMARY KEY (id)
);

CREATE TABLE queued_messages (
    id INTEGER NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    qos INTEGER NOT NULL,
    retain BOOLEAN DEFAULT 0 NOT NULL,
    fields BLOB NOT NULL,
    published_at BIGINT NOT NULL,
    expires_at BIGINT,
    from_client TEXT NOT NULL,
    from_name TEXT,
    CONSTRAINT pk_queued_messages PRIMARY KEY (id)
);

CREATE TABLE received_ids (
    session_id BIGINT NOT NULL,
    packet_id INTEGER NOT NULL,
    CONSTRAINT pk_received_ids PRIMARY KEY (session_id, packet_id)
);

CREATE TABLE retained (
    topic_key BLOB NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    qos INTEGER NOT NULL,
    fields BLOB NOT NULL,
    published_at BIGINT NOT NULL,
    expires_at BIGINT,
    from_client TEXT NOT NULL,
    from_name TEXT,
    CONSTRAINT pk_retained PRIMARY KEY (topic_key)
);

CREATE TABLE session_filters (
    session_id BIGINT NOT NULL,
    filter_key BLOB NOT NULL,
    topic_filter TEXT NOT NULL,
    qos INTEGER NOT NULL,
    no_local BOOLEAN DEFAULT 0 NOT NULL,
    retain_as_published BOOLEAN DEFAULT 0 NOT NULL,
    retain_handling INTEGER NOT NULL,
    identifier BIGINT NOT NULL,
    CONSTRAINT pk_session_filters PRIMARY KEY (session_id, filter_key)
);

CREATE TABLE session_wills (
    session_id BIGINT NOT NULL,
    topic TEXT NOT NULL,
    payload BLOB NOT NULL,
    qos INTEGER NOT NULL,
    retain BOOLEAN DEFAULT 0 NOT NULL,
    fields BLOB NOT NULL,
    expiry BIGINT NOT NULL,
    delay BIGINT NOT NULL,
    due_at BIGINT,
    CONSTRAINT pk_session_wills PRIMARY KEY (session_id)
);

CREATE TABLE sessions (
    id INTEGER NOT NULL,
    client_id TEXT NOT NULL,
    account_id BIGINT,
    account_name TEXT,
    clean_start BOOLEAN DEFAULT 0 NOT NULL,
    expiry_interval BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    connected_at BIGINT NOT NULL,
    disconnected_at BIGINT,
    expires_at BIGINT,
    CONSTRAINT pk_sessions PRIMARY KEY (id)
);
