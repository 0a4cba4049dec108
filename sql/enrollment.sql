-- Enrollments and their pins; twin of src/mdm/enrollment.c (and, for what a check-in changes, checkin.c).

-- name: enrollment_find
-- Columns 8 and 13 are the pin that counts and its end: of the device, also for its user channels.
SELECT e.no, e.id, e.device_no, e.kind, e.state, e.blocked + COALESCE(d.blocked, 0), e.serial, e.topic,
	COALESCE(d.certificate, e.certificate), COALESCE(d.state, ''), e.last_seen,
	CASE WHEN NOT EXISTS (
			SELECT 1 FROM delivery q /*sqlite INDEXED BY delivery_open*/
			WHERE q.enrollment_no = e.no AND q.ended_at IS NULL
				AND (q.not_before IS NULL OR q.not_before <= $2) AND (q.expires_at IS NULL OR q.expires_at > $2)) THEN 0
		WHEN EXISTS (SELECT 1 FROM delivery q /*sqlite INDEXED BY delivery_open*/
			WHERE q.enrollment_no = e.no AND q.state = 'sent' AND q.ended_at IS NULL) THEN 2
		ELSE 1 END,
	CASE WHEN EXISTS (
		SELECT 1 FROM push p WHERE p.enrollment_no = e.no AND p.due_at IS NOT NULL AND p.attempts <> 0) THEN 1 ELSE 0 END,
	COALESCE(d.identity_expires, e.identity_expires), e.awaiting_configuration, e.await_until, e.auth_token
FROM enrollment e LEFT JOIN enrollment d ON d.no = e.device_no
WHERE e.id = $1;

-- name: enrollment_by_certificate
-- Also by one that is to take the pin over.
SELECT id FROM enrollment WHERE certificate = $1
UNION ALL
SELECT e.id FROM issued_identity i JOIN enrollment e ON e.certificate = i.replaces
WHERE i.sha256 = $1 AND i.revoked_at IS NULL;

-- name: enrollment_authenticate
-- A new enrollment, or the old one from its beginning: what belonged to the old one is gone.
INSERT INTO enrollment (id, kind, state, udid, serial, name, model, product, os_version, os_major, build, topic,
	certificate, last_seen, identity_expires, model_name)
VALUES ($1, $2, 'authenticating', $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (id) DO UPDATE
SET kind = excluded.kind, state = 'authenticating', udid = excluded.udid, serial = excluded.serial,
	name = excluded.name, model = excluded.model, product = excluded.product,
	os_version = excluded.os_version, os_major = excluded.os_major, build = excluded.build,
	topic = excluded.topic, certificate = excluded.certificate, last_seen = excluded.last_seen,
	identity_expires = excluded.identity_expires, model_name = excluded.model_name,
	push_token = NULL, push_magic = NULL, unlock_token = NULL, bootstrap_token = NULL, token_tally = 0,
	token_at = NULL, awaiting_configuration = 0, await_until = NULL, enrolled_at = NULL,
	supervised = NULL, enrolled_via_dep = NULL, user_approved = NULL, multi_user = NULL
RETURNING no;

-- name: enrollment_end_users
-- The user channels of a device that begins anew or leaves.
UPDATE enrollment
SET state = 'checked_out', push_token = NULL, push_magic = NULL, unlock_token = NULL, bootstrap_token = NULL,
	token_tally = 0, token_at = NULL, awaiting_configuration = 0, await_until = NULL, not_on_console = NULL, auth_token = NULL
WHERE device_no = $1;

-- name: enrollment_users
SELECT no FROM enrollment WHERE device_no = $1;

-- name: enrollment_token_update
UPDATE enrollment
SET state = 'enrolled', push_token = $2, push_magic = $3, unlock_token = COALESCE($4, unlock_token), topic = $5,
	token_tally = token_tally + 1, token_at = $6, enrolled_at = COALESCE(enrolled_at, $6),
	last_seen = $6, not_on_console = COALESCE($7, not_on_console), user_short_name = COALESCE($8, user_short_name),
	user_long_name = COALESCE($9, user_long_name)
WHERE no = $1
RETURNING token_tally;

-- name: enrollment_add_user
-- One that has left begins anew.
INSERT INTO enrollment (id, kind, device_no, state, topic, user_id, user_short_name, user_long_name)
VALUES ($1, $2, $3, 'authenticating', $4, $5, $6, $7)
ON CONFLICT (id) DO UPDATE
SET kind = excluded.kind, user_id = excluded.user_id,
	enrolled_at = CASE WHEN enrollment.state = 'checked_out' THEN NULL ELSE enrollment.enrolled_at END
WHERE enrollment.device_no = excluded.device_no
RETURNING no, blocked, auth_token;

-- name: enrollment_check_out
UPDATE enrollment
SET state = 'checked_out', push_token = NULL, push_magic = NULL, unlock_token = NULL, bootstrap_token = NULL,
	last_seen = $2, token_tally = 0, awaiting_configuration = 0, await_until = NULL, not_on_console = NULL, auth_token = NULL
WHERE no = $1;

-- name: enrollment_unlock_token
SELECT d.id, d.unlock_token FROM enrollment e JOIN enrollment d ON d.no = COALESCE(e.device_no, e.no)
WHERE e.no = $1;

-- name: enrollment_bootstrap_token
SELECT id, bootstrap_token FROM enrollment WHERE no = $1;

-- name: enrollment_set_bootstrap_token
UPDATE enrollment SET bootstrap_token = $2 WHERE no = $1;

-- name: enrollment_seen
UPDATE enrollment SET last_seen = $2 WHERE no = $1 AND (last_seen IS NULL OR last_seen < $2);
