CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
CREATE TABLE audit (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	strand TEXT NOT NULL, 
	link BIGINT NOT NULL, 
	tenant TEXT NOT NULL, 
	at BIGINT NOT NULL, 
	principal TEXT NOT NULL, 
	purpose TEXT NOT NULL, 
	request_id TEXT NOT NULL, 
	action TEXT NOT NULL, 
	event TEXT NOT NULL, 
	entities TEXT NOT NULL, 
	outcome TEXT NOT NULL, 
	recipient TEXT, 
	basis TEXT, 
	previous BLOB NOT NULL, 
	hash BLOB NOT NULL
);
CREATE INDEX audit_tenant ON audit (tenant, seq);
CREATE TABLE outbox (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	partner TEXT NOT NULL, 
	member TEXT NOT NULL, 
	kind TEXT NOT NULL, 
	type TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	rank SMALLINT NOT NULL, 
	state TEXT NOT NULL, 
	ready SMALLINT NOT NULL, 
	attempts BIGINT NOT NULL, 
	fence BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	worker TEXT, 
	owed_at BIGINT NOT NULL, 
	settled_at BIGINT, 
	reason TEXT
);
CREATE UNIQUE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_lane ON outbox (tenant, partner, member, seq) WHERE settled_at IS NULL;
CREATE INDEX outbox_state ON outbox (partner, state);
CREATE TABLE probe (
	id INTEGER NOT NULL, 
	at BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE TABLE resource (
	"key" INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	type TEXT NOT NULL, 
	id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	deleted SMALLINT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE INDEX resource_at ON resource (tenant, type, at);
CREATE UNIQUE INDEX resource_name ON resource (tenant, type, id);
CREATE TABLE resource_version (
	seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	tenant TEXT NOT NULL, 
	type TEXT NOT NULL, 
	id TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	deleted SMALLINT NOT NULL, 
	body TEXT NOT NULL
, posted SMALLINT DEFAULT 0 NOT NULL);
CREATE UNIQUE INDEX resource_version_name ON resource_version (tenant, type, id, version);
CREATE TABLE search_entry (
	"key" BIGINT NOT NULL, 
	tenant TEXT NOT NULL, 
	type TEXT NOT NULL, 
	param TEXT NOT NULL, 
	system TEXT, 
	value TEXT, 
	low BIGINT, 
	high BIGINT
);
CREATE INDEX search_entry_key ON search_entry ("key", param);
CREATE INDEX search_entry_low ON search_entry (tenant, type, param, low, high, "key") WHERE low IS NOT NULL;
CREATE INDEX search_entry_value ON search_entry (tenant, type, param, value, "key") WHERE value IS NOT NULL;
CREATE TABLE subscription (
	"key" INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	id TEXT NOT NULL, 
	principal TEXT NOT NULL, 
	status TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	events BIGINT NOT NULL, 
	owed BIGINT NOT NULL, 
	sent BIGINT NOT NULL, 
	heartbeat BIGINT, 
	ends BIGINT, 
	spoke_at BIGINT, 
	PRIMARY KEY ("key")
);
CREATE UNIQUE INDEX subscription_name ON subscription (tenant, id);
CREATE INDEX subscription_revision ON subscription (tenant, revision);
CREATE TABLE subscription_event (
	seq INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	subscription TEXT NOT NULL, 
	number BIGINT NOT NULL, 
	at BIGINT NOT NULL, 
	method TEXT NOT NULL, 
	type TEXT NOT NULL, 
	resource TEXT NOT NULL, 
	version BIGINT NOT NULL, 
	PRIMARY KEY (seq)
);
CREATE UNIQUE INDEX subscription_event_number ON subscription_event (tenant, subscription, number);
CREATE TABLE inbound (
	seq INTEGER NOT NULL, 
	id TEXT NOT NULL, 
	tenant TEXT NOT NULL, 
	partner TEXT NOT NULL, 
	dedupe TEXT NOT NULL, 
	received_at BIGINT NOT NULL, 
	content_type TEXT NOT NULL, 
	body BLOB NOT NULL, 
	state TEXT NOT NULL, 
	attempts BIGINT NOT NULL, 
	fence BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	settled_at BIGINT, 
	reason TEXT, 
	PRIMARY KEY (seq)
);
CREATE UNIQUE INDEX inbound_id ON inbound (id);
CREATE UNIQUE INDEX inbound_dedupe ON inbound (tenant, partner, dedupe);
CREATE INDEX inbound_open ON inbound (tenant, partner, seq) WHERE settled_at IS NULL;
CREATE TABLE poll_cursor (
	"key" INTEGER NOT NULL, 
	tenant TEXT NOT NULL, 
	partner TEXT NOT NULL, 
	name TEXT NOT NULL, 
	through BIGINT, 
	fence BIGINT NOT NULL, 
	due BIGINT NOT NULL, 
	PRIMARY KEY ("key")
);
CREATE UNIQUE INDEX poll_cursor_name ON poll_cursor (tenant, partner, name);
CREATE INDEX outbox_ready ON outbox (rank, partner, due, seq) WHERE ready = 1;
INSERT INTO alembic_version (version_num) VALUES ('0005');
