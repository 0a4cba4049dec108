-- Challenges of SCEP; twin of src/mdm/challenge.c.

-- name: challenge_add
INSERT INTO scep_challenge (hash, for_id, uses_left, created_at, expires_at) VALUES ($1, $2, $3, $4, $5);

-- name: challenge_take
UPDATE scep_challenge SET uses_left = uses_left - 1 WHERE hash = $1 AND uses_left > 0 AND expires_at > $2
RETURNING for_id;

-- name: challenge_find
SELECT for_id, uses_left, expires_at FROM scep_challenge WHERE hash = $1;

-- name: challenge_forget
-- Those that have expired a while ago; until then it can be told why one is refused.
DELETE FROM scep_challenge WHERE expires_at < $1;
