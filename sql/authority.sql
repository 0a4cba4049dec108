-- Certificate authorities; twin of src/mdm/ca.c.

-- name: authority_add
INSERT INTO authority (name, certificate, key, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO NOTHING;

-- name: authority_find
SELECT certificate, key FROM authority WHERE name = $1;
