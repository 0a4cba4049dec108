-- SCEP: who may ask for an identity, and what was answered.

-- A challenge, known by the SHA-256 of its secret.
CREATE TABLE scep_challenge (
	hash TEXT PRIMARY KEY,
	-- The enrollment id it was made for: the identity will be in this name.  NULL: for anybody.
	for_id TEXT,
	uses_left INTEGER NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX scep_challenge_expires ON scep_challenge (expires_at);

-- What was issued to whom a short time ago: a client whose reply was lost asks again and gets the same.
CREATE TABLE scep_issued (
	-- SHA-256 of the signer's key and the transactionID; a transactionID may come again with another CSR.
	hash TEXT PRIMARY KEY,
	-- SHA-256 of the CSR.
	csr TEXT NOT NULL,
	-- DER.
	certificate BLOB NOT NULL,
	issued_at BIGINT NOT NULL
);
CREATE INDEX scep_issued_at ON scep_issued (issued_at);

-- The value of a setting that is a secret; `value` shows that there is one.
ALTER TABLE setting_value ADD COLUMN sealed BLOB;
