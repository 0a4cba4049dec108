-- What the CA has issued, and the life of a CA.

CREATE TABLE issued_identity (
	-- SHA-256 of the DER.
	sha256 TEXT PRIMARY KEY,
	-- Upper-case hex.
	serial TEXT NOT NULL,
	-- SHA-256 of the certificate of the CA that issued it.
	authority TEXT NOT NULL,
	common_name TEXT,
	subject TEXT NOT NULL,
	not_before BIGINT NOT NULL,
	not_after BIGINT NOT NULL,
	issued_at BIGINT NOT NULL,
	-- scep, cli, p12: the door it went out of.
	origin TEXT NOT NULL,
	-- Whose it is to be, or was when it was issued; NULL: not known yet.
	enrollment_no BIGINT,
	-- SHA-256 of the identity it renews: at its first use it takes the pin over.
	replaces TEXT,
	revoked_at BIGINT,
	revoke_reason TEXT
);
CREATE INDEX identity_serial ON issued_identity (serial);
CREATE INDEX identity_common_name ON issued_identity (common_name);
CREATE INDEX identity_enrollment ON issued_identity (enrollment_no) WHERE enrollment_no IS NOT NULL;
CREATE INDEX identity_revoked ON issued_identity (authority, serial) WHERE revoked_at IS NOT NULL;
CREATE INDEX identity_ends ON issued_identity (not_after);
CREATE INDEX identity_issued ON issued_identity (issued_at, sha256);
CREATE INDEX former_pin_enrollment ON former_pin (enrollment_no);

-- issuing; next (made, and not in use yet); former (issues no more, but is believed); retired (not believed); ra (the
-- certificate with which SCEP decrypts and signs for an issuer that has no RSA key: `belongs_to`).
ALTER TABLE authority ADD COLUMN role TEXT NOT NULL DEFAULT 'issuing';
ALTER TABLE authority ADD COLUMN belongs_to TEXT;
-- Those above it, PEM, when it is not its own issuer.
ALTER TABLE authority ADD COLUMN chain TEXT;
-- Their CRLs, PEM, as a web server wants one of each CA.
ALTER TABLE authority ADD COLUMN chain_crl TEXT;
ALTER TABLE authority ADD COLUMN not_after BIGINT;
-- When a next one becomes the issuing one.
ALTER TABLE authority ADD COLUMN activate_at BIGINT;
CREATE UNIQUE INDEX authority_issuing ON authority (role) WHERE role = 'issuing';
CREATE UNIQUE INDEX authority_next ON authority (role) WHERE role = 'next';

-- The pin's end, so that an expired identity is refused without another look.
ALTER TABLE enrollment ADD COLUMN identity_expires BIGINT;
CREATE INDEX enrollment_identity_expires ON enrollment (identity_expires) WHERE identity_expires IS NOT NULL;
-- Why a pin is one no more; NULL: another took its place.
ALTER TABLE former_pin ADD COLUMN reason TEXT;

-- Counts what changes whom to believe: CAs that come and go, revocations.  The files for the web server follow it.
CREATE TABLE ca_revision (
	no INTEGER PRIMARY KEY,
	revision BIGINT NOT NULL
);
INSERT INTO ca_revision (no, revision) VALUES (1, 1);

-- Which warnings of an expiry have been given: the days ahead of the last one.
CREATE TABLE expiry_warning (
	-- identity, push_certificate, authority
	kind TEXT NOT NULL,
	-- SHA-256 of the certificate; topic; name.
	name TEXT NOT NULL,
	not_after BIGINT NOT NULL,
	days INTEGER NOT NULL,
	PRIMARY KEY (kind, name)
);
CREATE INDEX expiry_warning_ends ON expiry_warning (not_after);
