-- Return to service; twin of src/mdm/return_to_service.c.

-- name: return_to_service_get
SELECT profile FROM return_profile WHERE kind = $1;

-- name: return_to_service_set
INSERT INTO return_profile (kind, profile, size, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind) DO UPDATE
SET profile = excluded.profile, size = excluded.size, changed_at = excluded.changed_at;

-- name: return_to_service_remove
DELETE FROM return_profile WHERE kind = $1;

-- name: return_to_service_list
SELECT kind, size, changed_at FROM return_profile ORDER BY kind;
