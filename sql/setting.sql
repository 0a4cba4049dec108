-- What the operator configured; twin of src/mdm/setting.c.

-- name: setting_get
SELECT value, changed_at FROM setting_value WHERE name = $1;

-- name: setting_set
INSERT INTO setting_value (name, value, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at;
