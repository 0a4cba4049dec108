-- Who speaks for a device; twin of src/mdm/pin.c.

-- name: pin_holder
-- The device a certificate is pinned to.
SELECT id, no FROM enrollment WHERE certificate = $1;

-- name: pin_former
-- Is it good for nothing any more, and why?
SELECT enrollment_no, reason FROM former_pin WHERE certificate = $1;

-- name: pin_was_taken
SELECT 1 FROM former_pin WHERE enrollment_no = $1 AND reason IS NOT NULL LIMIT 1;

-- name: pin_end
-- $4: why, when no other takes its place.
INSERT INTO former_pin (certificate, enrollment_no, replaced_at, reason) VALUES ($1, $2, $3, $4)
ON CONFLICT (certificate) DO UPDATE SET reason = COALESCE(former_pin.reason, excluded.reason);

-- name: pin_set
UPDATE enrollment SET certificate = $2, identity_expires = $3 WHERE no = $1;

-- name: pin_refusal
-- What decides whether all is refused that comes from $1 ($2: now): is its device blocked, is it enrolled, has its identity
-- expired, is there one, and why was the last one revoked, if it was.
SELECT e.blocked + COALESCE(d.blocked, 0), CASE WHEN COALESCE(d.state, e.state) = 'enrolled' THEN 1 ELSE 0 END,
	CASE WHEN COALESCE(d.identity_expires, e.identity_expires) <= $2 THEN 1 ELSE 0 END,
	CASE WHEN COALESCE(d.certificate, e.certificate) IS NULL THEN 0 ELSE 1 END,
	(SELECT f.reason FROM former_pin f
		WHERE f.enrollment_no = COALESCE(d.no, e.no) AND f.reason IS NOT NULL
		ORDER BY f.replaced_at DESC LIMIT 1)
FROM enrollment e LEFT JOIN enrollment d ON d.no = e.device_no
WHERE e.id = $1;
