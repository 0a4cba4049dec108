-- Certificate authorities; twin of src/mdm/ca.c.

-- name: authority_add
INSERT INTO authority (name, certificate, key, created_at, role) VALUES ($1, $2, $3, $4, 'issuing')
ON CONFLICT (name) DO NOTHING;

-- name: authority_find
SELECT certificate, key, name FROM authority WHERE role = 'issuing';

-- name: authority_trusted
SELECT certificate, chain FROM authority WHERE role IN ('issuing', 'next', 'former') ORDER BY created_at, name;

-- name: authority_changed
UPDATE ca_revision SET revision = revision + 1;
