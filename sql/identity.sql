-- What the CA has issued; twin of src/mdm/identity.c.

-- name: identity_add
-- A renewal is for whom the old one was.
INSERT INTO issued_identity (sha256, serial, authority, common_name, subject, not_before, not_after, issued_at, origin,
	enrollment_no, replaces, for_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9,
	COALESCE($10, (SELECT no FROM enrollment WHERE certificate = $11),
		(SELECT enrollment_no FROM issued_identity WHERE sha256 = $11)),
	$11, COALESCE($12, (SELECT for_id FROM issued_identity WHERE sha256 = $11)));

-- name: identity_find
SELECT sha256, serial, subject, not_after, revoked_at, revoke_reason, enrollment_no, replaces, common_name, for_id
FROM issued_identity WHERE sha256 = $1;

-- name: identity_by_serial
SELECT sha256 FROM issued_identity WHERE serial = $1 LIMIT 1;

-- name: identity_belongs
-- From the first use on it is known whose it is.
UPDATE issued_identity SET enrollment_no = $2 WHERE sha256 = $1 AND enrollment_no IS NULL;

-- name: identity_revoke
UPDATE issued_identity SET revoked_at = $2, revoke_reason = $3 WHERE sha256 = $1 AND revoked_at IS NULL;

-- name: identity_holder_id
SELECT id FROM enrollment WHERE no = $1;
