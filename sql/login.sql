-- A login at a Mac, its challenge and its token; twin of src/mdm/login.c.

-- name: login_forget_challenges
DELETE FROM login_challenge WHERE expires_at <= $1;

-- name: login_forget_failures
DELETE FROM login_failure WHERE until_at <= $1;

-- name: login_challenges
SELECT count(*) FROM login_challenge WHERE device_no = $1;

-- name: login_challenge
INSERT INTO login_challenge (id, device_no, nonce, expires_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE
SET device_no = excluded.device_no, nonce = excluded.nonce, expires_at = excluded.expires_at;

-- name: login_take
-- A challenge is answered once, whatever the answer.
DELETE FROM login_challenge WHERE id = $1 AND device_no = $2
RETURNING nonce, expires_at;

-- name: login_failures
SELECT failures FROM login_failure WHERE subject = $1 AND until_at > $2;

-- name: login_failed
INSERT INTO login_failure (subject, failures, until_at) VALUES ($1, 1, $3)
ON CONFLICT (subject) DO UPDATE
SET failures = CASE WHEN login_failure.until_at <= $2 THEN 1 ELSE login_failure.failures + 1 END, until_at = excluded.until_at;

-- name: login_succeeded
DELETE FROM login_failure WHERE subject = $1;

-- name: login_token
-- Which AuthToken the user channel's messages have to hold from now on.
UPDATE enrollment SET auth_token = $2 WHERE no = $1;
