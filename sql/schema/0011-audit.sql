-- The audit trail: what operators did.  Rows are only added; triggers (sqlite.sql) refuse anything else.

CREATE TABLE audit_log (
	-- 1, 2, 3, … without a gap.
	no /*sqlite INTEGER*/ /*postgresql BIGINT*/ PRIMARY KEY,
	at BIGINT NOT NULL,
	-- The door: cli, api, sql.
	source TEXT NOT NULL,
	-- Who, and from where; NULL: not known (sql).
	actor TEXT,
	place TEXT,
	action TEXT NOT NULL,
	-- What was acted on: a UUID, a setting's name, …
	object TEXT,
	-- The enrollment id, as it was given.
	device TEXT,
	-- JSON object.
	detail TEXT,
	-- The hash of the row before; 64 zeros in the first.  It and `hash` are NULL until the row is chained.
	previous TEXT,
	-- SHA-256 of this row (src/mdm/audit.h).
	hash TEXT
);
CREATE INDEX audit_unchained ON audit_log (no) WHERE hash IS NULL;
CREATE INDEX audit_object ON audit_log (object, at) WHERE object IS NOT NULL;
CREATE INDEX audit_device ON audit_log (device, no) WHERE device IS NOT NULL;
CREATE INDEX audit_action ON audit_log (action, no);

-- The first device it was asked for in the SQL shell, for the audit trail.
ALTER TABLE payload ADD COLUMN asked_for TEXT;
