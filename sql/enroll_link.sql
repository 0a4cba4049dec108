-- Links to the enrollment page; twin of src/mdm/enroll_link.c.

-- name: enroll_link_add
INSERT INTO enroll_link (hash, kind, for_id, uses, uses_left, created_at, expires_at) VALUES ($1, $2, $3, $4, $4, $5, $6)
RETURNING no;

-- name: enroll_link_find
SELECT no, for_id, uses_left, expires_at, revoked_at FROM enroll_link WHERE hash = $1 AND kind = $2;

-- name: enroll_link_use
UPDATE enroll_link SET uses_left = uses_left - 1, used_at = $2
WHERE no = $1 AND uses_left > 0 AND expires_at > $2 AND revoked_at IS NULL;

-- name: enroll_link_bind
-- The first device that comes with the challenge has it; it may come again.
UPDATE enroll_link SET for_id = $2, used_at = $3
WHERE no = $1 AND (for_id IS NULL OR for_id = $2) AND expires_at > $3 AND revoked_at IS NULL;

-- name: enroll_link_revoke
UPDATE enroll_link SET revoked_at = $2 WHERE no = $1 AND kind = 'link' AND revoked_at IS NULL;

-- name: enroll_link_number
SELECT no FROM enroll_link WHERE no = $1 AND kind = 'link';

-- name: enroll_link_forget
-- Those that have expired a while ago; until then it can be told why one is refused.
DELETE FROM enroll_link WHERE expires_at < $1;

-- name: enroll_link_list
-- For the command line: pages behind a number.
SELECT no, CASE
	WHEN revoked_at IS NOT NULL THEN 'revoked'
	WHEN uses_left = 0 THEN 'used'
	WHEN expires_at <= $2 THEN 'expired'
	ELSE 'open' END,
	for_id, uses, uses - uses_left, created_at, expires_at, used_at, no
FROM enroll_link WHERE no > $1 AND kind = 'link' ORDER BY no LIMIT $3;

-- name: enroll_download_keep
INSERT INTO enroll_download (hash, link_no, profile, made_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (hash) DO UPDATE SET profile = excluded.profile, made_at = excluded.made_at;

-- name: enroll_download_find
-- Not of a link for several: who comes from the same address may be another one of them.
SELECT d.profile FROM enroll_download d JOIN enroll_link l ON l.no = d.link_no
WHERE d.hash = $1 AND d.made_at > $2 AND l.revoked_at IS NULL AND l.uses = 1;

-- name: enroll_download_forget
DELETE FROM enroll_download WHERE made_at <= $1;
