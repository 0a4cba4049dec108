-- Secrets of devices; twin of src/mdm/secret.c.

-- name: secret_find
SELECT no, value, source FROM secret WHERE enrollment_no = $1 AND kind = $2 AND replaced_at IS NULL;

-- name: secret_replace
UPDATE secret SET replaced_at = $3 WHERE enrollment_no = $1 AND kind = $2 AND replaced_at IS NULL;

-- name: secret_add
INSERT INTO secret (enrollment_no, kind, value, source, since) VALUES ($1, $2, $3, $4, $5);

-- name: secret_of_device
-- Newest first: the one that counts, then those before it.
SELECT value, since, replaced_at FROM secret WHERE enrollment_no = $1 AND kind = $2
ORDER BY no DESC LIMIT $3;
