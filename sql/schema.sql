-- The state of the schema itself; twin of src/store/migrate.c.

-- name: schema_state
SELECT value FROM schema_state WHERE name = $1;

-- name: schema_state_set
INSERT INTO schema_state (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value;
