-- Who is to be woken; twin of src/mdm/push.c.

-- name: push_want
-- The same wish as a new delivery's (trigger delivery_wakes in sqlite.sql).
INSERT INTO push (enrollment_no, topic, wanted, due_at) SELECT no, topic, 1, $2 FROM enrollment WHERE no = $1
ON CONFLICT (enrollment_no) DO UPDATE
SET wanted = push.wanted + 1,
	due_at = CASE WHEN push.under_way = 1 THEN push.due_at
		WHEN push.failures > 0 AND push.due_at IS NOT NULL THEN push.due_at
		ELSE excluded.due_at END;

-- name: push_target
SELECT e.no, e.state, e.blocked, CASE WHEN e.push_token IS NULL THEN 0 ELSE 1 END, p.stopped
FROM enrollment e LEFT JOIN push p ON p.enrollment_no = e.no WHERE e.id = $1;

-- name: push_state
SELECT due_at, under_way, attempts, wanted, served FROM push WHERE enrollment_no = $1;

-- name: push_came
UPDATE push
SET attempts = $3, failures = 0, served = wanted, due_at = CASE WHEN under_way = 1 THEN due_at
	WHEN stopped IS NOT NULL THEN NULL
	ELSE $2 END
WHERE enrollment_no = $1;

-- name: push_cancel
UPDATE push SET due_at = NULL, under_way = 0, served = wanted, attempts = 0, failures = 0 WHERE enrollment_no = $1;

-- name: push_cancel_users
UPDATE push SET due_at = NULL, under_way = 0, served = wanted, attempts = 0, failures = 0
WHERE enrollment_no IN (SELECT no FROM enrollment WHERE device_no = $1);

-- name: push_revive
UPDATE push
SET topic = (SELECT e.topic FROM enrollment e WHERE e.no = push.enrollment_no),
	stopped = NULL, attempts = 0, failures = 0, under_way = 0,
	due_at = CASE WHEN wanted > served OR EXISTS (
		SELECT 1 FROM delivery d /*sqlite INDEXED BY delivery_open*/
		WHERE d.enrollment_no = push.enrollment_no AND d.ended_at IS NULL) THEN $2 END
WHERE enrollment_no = $1;

-- name: push_due
SELECT p.enrollment_no, p.wanted, p.attempts, p.failures, e.id, e.push_token, e.push_magic, e.token_at,
	CASE WHEN e.state = 'enrolled' AND e.blocked + COALESCE(d.blocked, 0) = 0 AND e.push_token IS NOT NULL
		THEN 1 ELSE 0 END,
	CASE WHEN p.wanted > p.served OR EXISTS (
		SELECT 1 FROM delivery w /*sqlite INDEXED BY delivery_open*/
		WHERE w.enrollment_no = p.enrollment_no AND w.ended_at IS NULL) THEN 1 ELSE 0 END,
	p.served
FROM push p JOIN enrollment e ON e.no = p.enrollment_no
LEFT JOIN enrollment d ON d.no = e.device_no
WHERE p.topic = $1 AND p.due_at IS NOT NULL AND p.due_at <= $2 ORDER BY p.due_at LIMIT $3;

-- name: push_claim
UPDATE push SET under_way = 1, due_at = $2 WHERE enrollment_no = $1 AND due_at IS NOT NULL AND due_at <= $3;

-- name: push_park
-- Nothing can or need be sent now; the wish stays counted.
UPDATE push SET due_at = NULL, under_way = 0, reason = COALESCE($2, reason) WHERE enrollment_no = $1;

-- name: push_next_due
SELECT due_at FROM push WHERE topic = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1;

-- name: push_has_open
-- Is there a command that may go now?
SELECT 1 FROM delivery d /*sqlite INDEXED BY delivery_open*/
WHERE d.enrollment_no = $1 AND d.ended_at IS NULL AND (d.not_before IS NULL OR d.not_before <= $2)
	AND (d.expires_at IS NULL OR d.expires_at > $2) LIMIT 1;

-- name: push_later
-- When the first of those may go that may not now.
SELECT d.not_before FROM delivery d
WHERE d.enrollment_no = $1 AND d.ended_at IS NULL AND d.not_before IS NOT NULL AND d.not_before > $2
	AND (d.expires_at IS NULL OR d.expires_at > $2)
ORDER BY d.not_before LIMIT 1;

-- name: push_sent
UPDATE push
SET under_way = 0, due_at = $2, attempts = $3, failures = 0, served = $4, status = 200, reason = NULL, apns_id = $5,
	sent_at = $6
WHERE enrollment_no = $1;

-- name: push_failed
UPDATE push
SET under_way = 0, due_at = $2, failures = $3, status = $4, reason = $5, stopped = $6
WHERE enrollment_no = $1;

-- name: push_token_time
SELECT token_at FROM enrollment WHERE no = $1;

-- name: push_again
-- It has to be sent once more, and nothing is counted.
UPDATE push SET under_way = 0, due_at = $2 WHERE enrollment_no = $1 AND under_way = 1;
