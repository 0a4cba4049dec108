-- Push certificates; twin of src/mdm/push_certificate.c.

-- name: push_certificate_has
SELECT 1 FROM push_certificate WHERE topic = $1;

-- name: push_certificate_import
INSERT INTO push_certificate (topic, certificate, key, not_after, imported_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (topic) DO UPDATE
SET certificate = excluded.certificate, key = excluded.key, not_after = excluded.not_after,
	imported_at = excluded.imported_at, stopped = NULL;

-- name: push_certificate_wake
-- What could not be sent while there was no usable certificate.
UPDATE push SET due_at = $2, failures = 0, reason = NULL
WHERE due_at IS NULL AND stopped IS NULL
	AND enrollment_no IN (
		SELECT e.no FROM enrollment e LEFT JOIN enrollment d ON d.no = e.device_no
		WHERE e.topic = $1 AND e.state = 'enrolled' AND e.push_token IS NOT NULL
			AND e.blocked + COALESCE(d.blocked, 0) = 0)
	AND (wanted > served OR EXISTS (
		SELECT 1 FROM delivery w WHERE w.enrollment_no = push.enrollment_no AND w.ended_at IS NULL));

-- name: push_certificate_list
SELECT topic, certificate, not_after, imported_at, stopped FROM push_certificate ORDER BY topic;

-- name: push_certificate_usable
SELECT topic, not_after, imported_at FROM push_certificate WHERE stopped IS NULL ORDER BY topic;

-- name: push_certificate_get
SELECT certificate, key, imported_at FROM push_certificate WHERE topic = $1;

-- name: push_certificate_stop
-- Only the certificate that was used: another may have been imported meanwhile.
UPDATE push_certificate SET stopped = $3 WHERE topic = $1 AND imported_at = $2 AND stopped IS NULL;
