-- What the operator configured; twin of src/mdm/setting.c.

-- name: setting_get
SELECT value, changed_at, sealed FROM setting_value WHERE name = $1;

-- name: setting_set
INSERT INTO setting_value (name, value, changed_at, sealed) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
SET value = excluded.value, changed_at = excluded.changed_at, sealed = excluded.sealed;

-- name: setting_remove
DELETE FROM setting_value WHERE name = $1;
