-- What the command line lists; twin of src/cli.  Lists are read in pages: the first parameters are the key behind which a
-- page starts, the last one is its size, and the last columns of a row are its key.

-- name: cli_device_list
SELECT id, device_id, kind, udid, serial, name, model, product, os_version, os_major, build, topic, state, push_state,
	enrolled_at, last_seen, id
FROM device
WHERE id > $1 AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR kind = $3)
ORDER BY id LIMIT $4;

-- name: cli_device_ids
-- For the shell's completion: those that begin with $1.
SELECT id, COALESCE(name, '') FROM device WHERE id >= $1 AND substr(id, 1, length($1)) = $1 ORDER BY id LIMIT $2;

-- name: cli_device_show
SELECT v.id, v.device_id, v.kind, v.udid, v.serial, v.name, v.model, v.product, v.os_version, v.os_major, v.build,
	v.topic, v.state, v.push_state, v.enrolled_at, v.last_seen,
	v.user_id, v.user_short_name, v.user_long_name, v.not_on_console, e.token_at, e.token_tally,
	CASE WHEN e.unlock_token IS NULL THEN 0 ELSE 1 END, CASE WHEN e.bootstrap_token IS NULL THEN 0 ELSE 1 END,
	v.awaiting, e.await_until, e.certificate, e.identity_expires, p.sent_at, p.status, COALESCE(p.stopped, p.reason), e.no
FROM device v JOIN enrollment e ON e.id = v.id LEFT JOIN push p ON p.enrollment_no = e.no
WHERE v.id = $1;

-- name: cli_device_commands
SELECT state, COUNT(*) FROM delivery WHERE enrollment_no = $1 GROUP BY state ORDER BY state;

-- name: cli_device_facts
SELECT request, seen_at FROM inventory WHERE enrollment_no = $1 ORDER BY request;

-- name: cli_device_channels
SELECT id FROM enrollment WHERE device_no = $1 ORDER BY id;

-- name: cli_identity_list
-- Newest first.
SELECT v.serial, v.subject, v.device, v.state, v.not_before, v.not_after, v.issued_at, v.origin, v.sha256, v.pinned,
	v.replaces, v.revoked_at, v.revoke_reason, i.issued_at, i.sha256
FROM issued_identity i JOIN identity v ON v.sha256 = i.sha256
WHERE (i.issued_at, i.sha256) < ($1, $2) AND ($3 IS NULL OR v.state = $3) AND ($4 IS NULL OR v.device = $4)
	AND ($5 IS NULL OR instr(lower(i.subject), lower($5)) > 0 OR instr(lower(i.serial), lower($5)) > 0
		OR instr(i.sha256, lower($5)) > 0)
ORDER BY i.issued_at DESC, i.sha256 DESC LIMIT $6;

-- name: cli_identity_show
SELECT serial, subject, device, state, not_before, not_after, issued_at, origin, sha256, pinned, replaces, revoked_at,
	revoke_reason
FROM identity WHERE sha256 = $1;

-- name: cli_identity_which
-- What a word may mean, the surest first: SHA-256, serial number, the device's pin, common name.
SELECT sha256, 0 AS rank FROM issued_identity WHERE sha256 = lower($1)
UNION ALL
SELECT sha256, 1 FROM issued_identity WHERE serial = upper($1)
UNION ALL
SELECT certificate, 0 FROM enrollment WHERE certificate = lower($1)
	AND NOT EXISTS (SELECT 1 FROM issued_identity WHERE sha256 = lower($1))
UNION ALL
SELECT certificate, 2 FROM enrollment WHERE id = $1 AND certificate IS NOT NULL
UNION ALL
SELECT sha256, 3 FROM issued_identity WHERE common_name = $1
ORDER BY rank LIMIT 100;

-- name: cli_queue_open
SELECT e.id, p.request, p.uuid, d.state, d.priority, d.queued_at, d.not_before, d.expires_at, d.sent_at, d.ended_at,
	d.not_now_count, d.reason, p.args, d.enrollment_no, d.payload_no
FROM delivery d JOIN enrollment e ON e.no = d.enrollment_no JOIN payload p ON p.no = d.payload_no
WHERE d.ended_at IS NULL AND (d.enrollment_no, d.payload_no) > ($1, $2) AND d.enrollment_no <= $3
ORDER BY d.enrollment_no, d.payload_no LIMIT $4;

-- name: cli_queue_all
SELECT e.id, p.request, p.uuid, d.state, d.priority, d.queued_at, d.not_before, d.expires_at, d.sent_at, d.ended_at,
	d.not_now_count, d.reason, p.args, d.enrollment_no, d.payload_no
FROM delivery d JOIN enrollment e ON e.no = d.enrollment_no JOIN payload p ON p.no = d.payload_no
WHERE (d.enrollment_no, d.payload_no) > ($1, $2) AND d.enrollment_no <= $3
ORDER BY d.enrollment_no, d.payload_no LIMIT $4;

-- name: cli_secret_list
-- Newest first.
SELECT v.id, s.kind, s.since, s.replaced_at,
	CASE WHEN v.enrolled_at IS NULL OR s.since < v.enrolled_at THEN 1 ELSE 0 END, s.no
FROM secret s JOIN enrollment v ON v.no = s.enrollment_no
WHERE s.no < $1 AND ($2 IS NULL OR v.id = $2) AND ($3 IS NULL OR s.kind = $3) AND ($4 = 1 OR s.replaced_at IS NULL)
ORDER BY s.no DESC LIMIT $5;

-- name: cli_device_one
SELECT id, device_id, kind, udid, serial, name, model, product, os_version, os_major, build, topic, state, push_state,
	enrolled_at, last_seen, id
FROM device
WHERE id = $1 AND ($2 IS NULL OR state = $2) AND ($3 IS NULL OR kind = $3);

-- name: cli_group_list
SELECT name, condition, members, ready, problem, created_at, changed_at, name FROM device_group
WHERE name > $1 ORDER BY name LIMIT $2;

-- name: cli_group_names
-- For the shell's completion: those that, with group: before them, begin with $1.
SELECT 'group:' || name, COALESCE(condition, '') FROM device_group
WHERE substr('group:' || name, 1, length($1)) = $1 ORDER BY name LIMIT $2;

-- name: cli_group_show
SELECT name, condition, members, ready, problem, created_at, changed_at FROM device_group WHERE name = $1;

-- name: cli_audit_list
-- Newest first.  A command for several devices is found by each of them as long as it is kept.
SELECT no, at, source, actor, place, action, object, device, detail, previous, hash, no
FROM audit_log
WHERE no < $1 AND at >= $2
	AND ($3 IS NULL OR device = $3 OR object IN (
		SELECT p.uuid FROM enrollment e JOIN delivery d ON d.enrollment_no = e.no JOIN payload p ON p.no = d.payload_no
		WHERE e.id = $3))
	AND ($4 IS NULL OR action = $4)
ORDER BY no DESC LIMIT $5;
