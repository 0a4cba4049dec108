-- Who of the workers is alive; twin of src/mdm/heartbeat.c.

-- name: heartbeat_note
INSERT INTO worker (name, version, started_at, seen_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET version = excluded.version, started_at = excluded.started_at, seen_at = excluded.seen_at;

-- name: heartbeat_end
DELETE FROM worker WHERE name = $1;

-- name: heartbeat_forget
-- Those that were killed, long ago.
DELETE FROM worker WHERE seen_at < $1;

-- name: heartbeat_last
SELECT name, version, started_at, seen_at FROM worker ORDER BY seen_at DESC LIMIT 1;
