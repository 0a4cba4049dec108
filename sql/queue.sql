-- A command's life; twin of src/mdm/queue.c.
--
-- What is open of an enrollment is found by delivery_open, whatever ANALYZE has found in the store: with few commands open and
-- many ended, SQLite's planner takes the primary key, and with it the device's whole history.

-- name: queue_payload_add
INSERT INTO payload (uuid, request, args, body, origin, created_at, sealed_args, sealed_body)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
RETURNING no;

-- name: queue_payload_by_uuid
SELECT no FROM payload WHERE uuid = $1;

-- name: queue_deliver
INSERT INTO delivery (enrollment_no, payload_no, state, priority, not_before, expires_at, queued_at, setup)
SELECT no, $2, 'queued', $3, $4, $5, $6, $7 FROM enrollment WHERE id = $1;

-- name: queue_deliver_all
INSERT INTO delivery (enrollment_no, payload_no, state, priority, not_before, expires_at, queued_at, setup)
SELECT no, $2, 'queued', $3, $4, $5, $6, $8 FROM enrollment
WHERE no > $1 AND no <= $7 AND device_no IS NULL AND state = 'enrolled' AND blocked = 0;

-- name: queue_page_end
-- The number of the last enrollment among the next $2 behind $1.
SELECT max(no) FROM (SELECT no FROM enrollment WHERE no > $1 ORDER BY no LIMIT $2) AS page;

-- name: queue_cancel
UPDATE delivery SET state = 'cancelled', reason = $3, ended_at = $4
WHERE payload_no = (SELECT no FROM payload WHERE uuid = $1) AND ended_at IS NULL
	AND ($2 IS NULL OR enrollment_no = (SELECT no FROM enrollment WHERE id = $2));

-- name: queue_clear
UPDATE delivery /*sqlite INDEXED BY delivery_open*/ SET state = $2, reason = $3, ended_at = $4
WHERE enrollment_no = $1 AND ended_at IS NULL;

-- name: queue_next
-- $4: any (0), what is for a device that waits to be configured (1), or what lets it go (2).
SELECT d.payload_no, p.uuid, p.request, p.args, p.body, d.state, p.sealed_args, p.sealed_body
FROM delivery d /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = d.payload_no
WHERE d.enrollment_no = $1 AND d.ended_at IS NULL AND d.state = $2 AND d.deferred = 0
	AND (d.not_before IS NULL OR d.not_before <= $3) AND (d.expires_at IS NULL OR d.expires_at > $3)
	AND (d.setup >= $4 OR p.request IN ('DeviceConfigured', 'UserConfigured'))
ORDER BY d.priority DESC, d.payload_no LIMIT 1;

-- name: queue_mark_sent
UPDATE delivery SET state = 'sent', sent_at = $3
WHERE enrollment_no = $1 AND payload_no = $2 AND ended_at IS NULL;

-- name: queue_mark_not_now
UPDATE delivery SET state = 'not_now', deferred = 1, not_now_count = not_now_count + 1
WHERE enrollment_no = $1 AND payload_no = $2 AND ended_at IS NULL;

-- name: queue_has_deferred
SELECT 1 FROM delivery /*sqlite INDEXED BY delivery_open*/
WHERE enrollment_no = $1 AND state = 'not_now' AND ended_at IS NULL AND deferred = 1 LIMIT 1;

-- name: queue_undefer
UPDATE delivery /*sqlite INDEXED BY delivery_open*/ SET deferred = 0
WHERE enrollment_no = $1 AND state = 'not_now' AND ended_at IS NULL AND deferred = 1;

-- name: queue_end
UPDATE delivery SET state = $3, reason = $4, ended_at = $5
WHERE enrollment_no = $1 AND payload_no = $2 AND ended_at IS NULL;

-- name: queue_expired
SELECT enrollment_no, payload_no FROM delivery
WHERE ended_at IS NULL AND expires_at IS NOT NULL AND expires_at <= $1
ORDER BY expires_at LIMIT $2;
