-- What the CA has issued; twin of src/mdm/identity.c.

-- name: identity_add
INSERT INTO identity (sha256, serial, authority, common_name, subject, not_before, not_after, issued_at, origin,
	enrollment_no, replaces)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11);
