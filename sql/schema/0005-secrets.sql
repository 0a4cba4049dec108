-- Requests for push certificates that wait for Apple's answer, and who of the workers is alive.

CREATE TABLE push_request (
	-- The operator's name for it.
	name TEXT PRIMARY KEY,
	-- PEM.
	request TEXT NOT NULL,
	-- SHA-256 of the public key (SubjectPublicKeyInfo): finds the key that belongs to a certificate.
	key_hash TEXT NOT NULL UNIQUE,
	-- Sealed.
	key BLOB NOT NULL,
	-- The topic it is to renew; NULL: a new one.
	topic TEXT,
	created_at BIGINT NOT NULL
);

CREATE TABLE worker (
	-- HOST:PID.
	name TEXT PRIMARY KEY,
	version TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	-- At most a minute old while it runs.
	seen_at BIGINT NOT NULL
);
