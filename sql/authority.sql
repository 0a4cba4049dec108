-- Certificate authorities; twin of src/mdm/ca.c, ca_change.c and ca_files.c.

-- name: authority_add
INSERT INTO authority (name, certificate, key, created_at, role, belongs_to, chain, chain_crl, not_after)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9);

-- name: authority_find
SELECT certificate, key, name, chain FROM authority WHERE role = 'issuing';

-- name: authority_by_role
SELECT name, certificate, chain FROM authority WHERE role = $1;

-- name: authority_registrar
SELECT certificate, key, name FROM authority WHERE role = 'ra' AND belongs_to = $1;

-- name: authority_count
SELECT COUNT(*) FROM authority WHERE role <> 'ra' AND belongs_to IS NULL;

-- name: authority_trusted
-- An expired one helps nobody.
SELECT certificate, chain FROM authority
WHERE role IN ('issuing', 'next', 'former') AND (not_after IS NULL OR not_after > $1) ORDER BY created_at, name;

-- name: authority_list
SELECT name, role, certificate, created_at, activate_at, belongs_to, chain FROM authority ORDER BY created_at, name;

-- name: authority_set_role
UPDATE authority SET role = $2, activate_at = NULL WHERE name = $1;

-- name: authority_retire_registrar
UPDATE authority SET role = 'retired' WHERE role = 'ra' AND belongs_to = $1;

-- name: authority_set_activation
UPDATE authority SET activate_at = $2 WHERE name = $1;

-- name: authority_due
SELECT name FROM authority WHERE role = 'next' AND activate_at <= $1;

-- name: authority_set_chain_crl
UPDATE authority SET chain_crl = $2 WHERE name = $1;

-- name: authority_changed
UPDATE ca_revision SET revision = revision + 1;

-- name: authority_revision
SELECT revision FROM ca_revision;

-- name: authority_signers
-- Those that make a CRL.
SELECT name, certificate, key, chain_crl FROM authority
WHERE role IN ('issuing', 'next', 'former') AND (not_after IS NULL OR not_after > $1) ORDER BY created_at, name;

-- name: authority_revoked
-- One that has expired needs no revocation.
SELECT serial, revoked_at, revoke_reason FROM issued_identity
WHERE authority = $1 AND revoked_at IS NOT NULL AND not_after > $2;

-- name: authority_revoke_all
-- What a CA that is not believed any more has issued; $1 is its SHA-256.
UPDATE issued_identity SET revoked_at = $2, revoke_reason = 'cessationOfOperation'
WHERE authority = $1 AND revoked_at IS NULL AND not_after > $2;

-- name: authority_end_pins
INSERT INTO former_pin (certificate, enrollment_no, replaced_at, reason)
SELECT e.certificate, e.no, $2, 'cessationOfOperation'
FROM enrollment e JOIN issued_identity i ON i.sha256 = e.certificate WHERE i.authority = $1
ON CONFLICT (certificate) DO NOTHING;

-- name: authority_take_pins
UPDATE enrollment SET certificate = NULL, identity_expires = NULL
WHERE certificate IN (SELECT sha256 FROM issued_identity WHERE authority = $1);

-- name: authority_devices
-- Enrolled devices whose identity is of it.
SELECT COUNT(*) FROM enrollment e JOIN issued_identity i ON i.sha256 = e.certificate
WHERE i.authority = $1 AND i.revoked_at IS NULL AND e.state = 'enrolled' AND e.device_no IS NULL;
