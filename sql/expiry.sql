-- What ends soon; twin of src/mdm/expiry.c.  $1: now; $2: and until then; the last: how many.

-- name: expiry_identities
SELECT 'identity', e.certificate, e.id, e.identity_expires, e.no FROM enrollment e
WHERE e.identity_expires > $1 AND e.identity_expires <= $2 AND e.state <> 'checked_out'
ORDER BY e.identity_expires LIMIT $3;

-- name: expiry_push_certificates
SELECT 'push_certificate', p.topic, p.topic, p.not_after, 0 FROM push_certificate p
WHERE p.not_after > $1 AND p.not_after <= $2 ORDER BY p.not_after LIMIT $3;

-- name: expiry_unwarned
-- Identities in the span of a warning that has not been given; $3: its days.
SELECT 'identity', e.certificate, e.id, e.identity_expires, e.no FROM enrollment e
LEFT JOIN expiry_warning w ON w.kind = 'identity' AND w.name = e.certificate AND w.not_after = e.identity_expires
WHERE e.identity_expires > $1 AND e.identity_expires <= $2 AND e.state <> 'checked_out'
	AND (w.days IS NULL OR w.days > $3)
ORDER BY e.identity_expires LIMIT $4;

-- name: expiry_warned
SELECT days FROM expiry_warning WHERE kind = $1 AND name = $2 AND not_after = $3;

-- name: expiry_set_warned
INSERT INTO expiry_warning (kind, name, not_after, days) VALUES ($1, $2, $3, $4)
ON CONFLICT (kind, name) DO UPDATE SET not_after = excluded.not_after, days = excluded.days;

-- name: expiry_forget
DELETE FROM expiry_warning WHERE not_after < $1;
