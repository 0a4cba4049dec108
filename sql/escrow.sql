-- What devices give into safe keeping; twin of src/mdm/escrow.c.

-- name: escrow_certificates
-- Newest first.
SELECT sha256, certificate, key, not_after, created_at FROM escrow_certificate ORDER BY created_at DESC, sha256;

-- name: escrow_add
INSERT INTO escrow_certificate (sha256, certificate, key, not_after, created_at) VALUES ($1, $2, $3, $4, $5);
