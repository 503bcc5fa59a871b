-- The tables that the first schema did not have, frozen: later changes are migrations of their own.

CREATE TABLE alarms (
	name TEXT NOT NULL, 
	activated_at BIGINT NOT NULL, 
	deactivated_at BIGINT, 
	message TEXT NOT NULL, 
	details TEXT NOT NULL, 
	CONSTRAINT pk_alarms PRIMARY KEY (name, activated_at)
);

CREATE INDEX ix_alarms_deactivated_at ON alarms (deactivated_at);

CREATE TABLE bans (
	kind TEXT NOT NULL, 
	who TEXT NOT NULL, 
	made_by TEXT NOT NULL, 
	reason TEXT NOT NULL, 
	begins_at BIGINT NOT NULL, 
	ends_at BIGINT, 
	CONSTRAINT pk_bans PRIMARY KEY (kind, who)
);

CREATE TABLE bridge_connectors (
	type TEXT NOT NULL, 
	name TEXT NOT NULL, 
	is_enabled BOOLEAN DEFAULT 1 NOT NULL, 
	description TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_bridge_connectors PRIMARY KEY (type, name)
);

CREATE TABLE delayed_messages (
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
	account_id BIGINT, 
	due_at BIGINT NOT NULL, 
	interval BIGINT NOT NULL, 
	CONSTRAINT pk_delayed_messages PRIMARY KEY (id)
);

CREATE TABLE monitor_samples (
	taken_at BIGINT NOT NULL, 
	span INTEGER NOT NULL, 
	received BIGINT NOT NULL, 
	sent BIGINT NOT NULL, 
	dropped BIGINT NOT NULL, 
	persisted BIGINT NOT NULL, 
	connections BIGINT NOT NULL, 
	live_connections BIGINT NOT NULL, 
	topics BIGINT NOT NULL, 
	subscriptions BIGINT NOT NULL, 
	CONSTRAINT pk_monitor_samples PRIMARY KEY (taken_at)
);

CREATE TABLE password_users (
	user_id TEXT NOT NULL, 
	hash TEXT NOT NULL, 
	salt TEXT DEFAULT '' NOT NULL, 
	is_superuser BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_password_users PRIMARY KEY (user_id)
);

CREATE TABLE rules (
	id TEXT NOT NULL, 
	name TEXT NOT NULL, 
	statement TEXT NOT NULL, 
	actions TEXT NOT NULL, 
	is_enabled BOOLEAN DEFAULT 1 NOT NULL, 
	description TEXT NOT NULL, 
	owner_id BIGINT, 
	owner_name TEXT, 
	metadata TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_rules PRIMARY KEY (id)
);

CREATE TABLE scram_users (
	user_id TEXT NOT NULL, 
	salt TEXT NOT NULL, 
	stored_key TEXT NOT NULL, 
	server_key TEXT NOT NULL, 
	iterations INTEGER DEFAULT '0' NOT NULL, 
	is_superuser BOOLEAN DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_scram_users PRIMARY KEY (user_id)
);

CREATE TABLE session_clients (
	session_id BIGINT NOT NULL, 
	document TEXT NOT NULL, 
	CONSTRAINT pk_session_clients PRIMARY KEY (session_id)
);

CREATE TABLE settings (
	name TEXT NOT NULL, 
	content TEXT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_settings PRIMARY KEY (name)
);

CREATE TABLE topic_permissions (
	kind TEXT NOT NULL, 
	name TEXT NOT NULL, 
	rules TEXT NOT NULL, 
	made_at BIGINT NOT NULL, 
	CONSTRAINT pk_topic_permissions PRIMARY KEY (kind, name)
);

CREATE TABLE traces (
	name TEXT NOT NULL, 
	subject TEXT NOT NULL, 
	value TEXT NOT NULL, 
	starts_at BIGINT NOT NULL, 
	ends_at BIGINT NOT NULL, 
	payload_encode TEXT NOT NULL, 
	formatter TEXT NOT NULL, 
	CONSTRAINT pk_traces PRIMARY KEY (name)
);

CREATE TABLE bridge_actions (
	type TEXT NOT NULL, 
	name TEXT NOT NULL, 
	connector TEXT NOT NULL, 
	is_enabled BOOLEAN DEFAULT 1 NOT NULL, 
	description TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_bridge_actions PRIMARY KEY (type, name), 
	CONSTRAINT fk_bridge_actions_type_connector FOREIGN KEY(type, connector) REFERENCES bridge_connectors (type, name)
);

CREATE TABLE bridge_sources (
	type TEXT NOT NULL, 
	name TEXT NOT NULL, 
	connector TEXT NOT NULL, 
	is_enabled BOOLEAN DEFAULT 1 NOT NULL, 
	description TEXT NOT NULL, 
	tags TEXT NOT NULL, 
	settings TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	created_at BIGINT NOT NULL, 
	changed_at BIGINT NOT NULL, 
	CONSTRAINT pk_bridge_sources PRIMARY KEY (type, name), 
	CONSTRAINT fk_bridge_sources_type_connector FOREIGN KEY(type, connector) REFERENCES bridge_connectors (type, name)
);
