-- Devices that wait to be configured; twin of src/mdm/await.c.

-- name: await_state
-- How an enrollment stands: does it wait, held back by setup commands; how many of those are open, and how many commands
-- that let it go.
SELECT e.awaiting_configuration, CASE WHEN e.await_until IS NULL THEN 0 ELSE 1 END,
	(SELECT count(*) FROM delivery d /*sqlite INDEXED BY delivery_open*/
	WHERE d.enrollment_no = e.no AND d.ended_at IS NULL AND d.setup = 1),
	(SELECT count(*) FROM delivery d /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = d.payload_no
	WHERE d.enrollment_no = e.no AND d.ended_at IS NULL AND p.request IN ('DeviceConfigured', 'UserConfigured')),
	e.id, e.device_no
FROM enrollment e WHERE e.no = $1;

-- name: await_steps
SELECT no, request, args, sealed_args FROM setup_step WHERE channel = $1 ORDER BY position, no;

-- name: await_hold
UPDATE enrollment SET awaiting_configuration = 1, await_until = $2 WHERE no = $1;

-- name: await_is_due
-- Is one to be let go: no setup command is open, or their time is over; or what lets it go was cancelled?
SELECT 1 FROM enrollment e
WHERE e.no = $1 AND e.awaiting_configuration = 1 AND (CASE
	WHEN e.await_until IS NULL THEN NOT EXISTS (
		SELECT 1 FROM delivery d /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = d.payload_no
		WHERE d.enrollment_no = e.no AND d.ended_at IS NULL AND p.request IN ('DeviceConfigured', 'UserConfigured'))
	ELSE e.await_until <= $2 OR NOT EXISTS (
		SELECT 1 FROM delivery d /*sqlite INDEXED BY delivery_open*/
		WHERE d.enrollment_no = e.no AND d.ended_at IS NULL AND d.setup = 1) END);

-- name: await_due
-- All those.
SELECT e.no FROM enrollment e
WHERE e.awaiting_configuration = 1 AND (CASE
	WHEN e.await_until IS NULL THEN NOT EXISTS (
		SELECT 1 FROM delivery d /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = d.payload_no
		WHERE d.enrollment_no = e.no AND d.ended_at IS NULL AND p.request IN ('DeviceConfigured', 'UserConfigured'))
	ELSE e.await_until <= $1 OR NOT EXISTS (
		SELECT 1 FROM delivery d /*sqlite INDEXED BY delivery_open*/
		WHERE d.enrollment_no = e.no AND d.ended_at IS NULL AND d.setup = 1) END)
ORDER BY e.no LIMIT $2;

-- name: await_release
UPDATE enrollment SET await_until = NULL WHERE no = $1;

-- name: await_end
UPDATE enrollment SET awaiting_configuration = 0, await_until = NULL WHERE no = $1;

-- name: await_cancel
-- Once is enough.
UPDATE delivery /*sqlite INDEXED BY delivery_open*/ SET state = 'cancelled', reason = $2, ended_at = $3
WHERE enrollment_no = $1 AND ended_at IS NULL
	AND payload_no IN (SELECT p.no FROM delivery d /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = d.payload_no
		WHERE d.enrollment_no = $1 AND d.ended_at IS NULL AND p.request IN ('DeviceConfigured', 'UserConfigured'));

-- ---- the steps ----

-- name: await_step_list
SELECT no, channel, position, request, args, no FROM setup_step WHERE no > $1 ORDER BY no LIMIT $2;

-- name: await_step_add
-- Behind the others when $2 is NULL.
INSERT INTO setup_step (channel, position, request, args)
VALUES ($1, COALESCE($2, (SELECT COALESCE(max(s.position), 0) + 1 FROM setup_step s WHERE s.channel = $1)), $3, $4)
RETURNING no, position;

-- name: await_step_seal
UPDATE setup_step SET sealed_args = $2 WHERE no = $1;

-- name: await_step_remove
DELETE FROM setup_step WHERE no = $1;
