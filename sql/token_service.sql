-- Tokens of services; twin of src/mdm/token_service.c.

-- name: token_service_get
SELECT method, url, issuer, key FROM token_source WHERE type = $1;

-- name: token_service_set
INSERT INTO token_source (type, method, url, issuer, key, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (type) DO UPDATE
SET method = excluded.method, url = excluded.url, issuer = excluded.issuer, key = excluded.key,
	changed_at = excluded.changed_at;

-- name: token_service_remove
DELETE FROM token_source WHERE type = $1;

-- name: token_service_list
SELECT type, method, COALESCE(url, issuer), changed_at, url, issuer FROM token_source ORDER BY type;
