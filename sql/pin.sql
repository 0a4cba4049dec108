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
