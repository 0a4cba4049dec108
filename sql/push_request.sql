-- Requests for push certificates; twin of src/mdm/push_request.c.

-- name: push_request_add
INSERT INTO push_request (name, request, key_hash, key, topic, created_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO NOTHING;

-- name: push_request_find
SELECT name, request, key_hash, topic, created_at FROM push_request WHERE name = $1;

-- name: push_request_by_key
SELECT name, request, key_hash, topic, created_at, key FROM push_request WHERE key_hash = $1;

-- name: push_request_list
SELECT name, request, key_hash, topic, created_at FROM push_request ORDER BY name;

-- name: push_request_remove
DELETE FROM push_request WHERE name = $1;
