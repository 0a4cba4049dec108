-- Push certificates; twin of src/mdm/push_certificate.c.

-- name: push_certificate_has
SELECT 1 FROM push_certificate WHERE topic = $1;

-- name: push_certificate_import
INSERT INTO push_certificate (topic, certificate, key, not_after, imported_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (topic) DO UPDATE
SET certificate = excluded.certificate, key = excluded.key, not_after = excluded.not_after,
	imported_at = excluded.imported_at, stopped = NULL;

-- name: push_certificate_list
SELECT topic, certificate, not_after, imported_at, stopped FROM push_certificate ORDER BY topic;

-- name: push_certificate_usable
SELECT topic, not_after, imported_at FROM push_certificate WHERE stopped IS NULL ORDER BY topic;

-- name: push_certificate_get
SELECT certificate, key, imported_at FROM push_certificate WHERE topic = $1;

-- name: push_certificate_show
SELECT certificate, not_after, imported_at, stopped FROM push_certificate WHERE topic = $1;

-- name: push_certificate_stop
-- Only the certificate that was used: another may have been imported meanwhile.
UPDATE push_certificate SET stopped = $3 WHERE topic = $1 AND imported_at = $2 AND stopped IS NULL;

-- name: push_certificate_remove
DELETE FROM push_certificate WHERE topic = $1;

-- name: push_certificate_hangs_on
-- How many devices are enrolled under the topic.
SELECT COUNT(*) FROM enrollment WHERE topic = $1 AND state = 'enrolled' AND device_no IS NULL;

-- name: push_certificate_elsewhere
-- How many are enrolled under other topics.
SELECT COUNT(*) FROM enrollment WHERE topic <> $1 AND state = 'enrolled' AND device_no IS NULL;
