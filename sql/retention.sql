-- What has been kept long enough goes; twin of src/mdm/retention.c.

-- name: retention_events
-- The newest stays: where numbers are taken by counting on from it, none is given twice.
SELECT no, at, length(raw) FROM event_log
WHERE no > $1 AND no < (SELECT max(no) FROM event_log) ORDER BY no LIMIT $2;

-- name: retention_remove_events
DELETE FROM event_log WHERE no > $1 AND no <= $2 AND at < $3;

-- name: retention_rest
-- The other deliveries of a payload, behind one of them.
SELECT p.no, p.created_at, d.enrollment_no,
	CASE WHEN d.ended_at < $3 AND (a.received_at IS NULL OR a.received_at < $3) THEN 1 ELSE 0 END, length(a.raw)
FROM payload p CROSS JOIN delivery d
LEFT JOIN answer a ON a.enrollment_no = d.enrollment_no AND a.payload_no = d.payload_no
WHERE p.no = $1 AND d.payload_no = $1 AND d.enrollment_no > $2
ORDER BY d.enrollment_no LIMIT $4;

-- name: retention_next
-- The payloads behind one, with their deliveries; a payload that has none is a row as well.
SELECT p.no, p.created_at, d.enrollment_no,
	CASE WHEN d.ended_at < $2 AND (a.received_at IS NULL OR a.received_at < $2) THEN 1 ELSE 0 END, length(a.raw)
FROM payload p LEFT JOIN delivery d ON d.payload_no = p.no
LEFT JOIN answer a ON a.enrollment_no = d.enrollment_no AND a.payload_no = d.payload_no
WHERE p.no > $1
ORDER BY p.no, d.enrollment_no LIMIT $3;

-- name: retention_move
-- What the inventory knows by this answer it keeps itself from now on.
UPDATE inventory
SET document = (SELECT a.response FROM answer a WHERE a.enrollment_no = $1 AND a.payload_no = $2), payload_no = NULL
WHERE enrollment_no = $1 AND payload_no = $2;

-- name: retention_remove_answer
DELETE FROM answer WHERE enrollment_no = $1 AND payload_no = $2;

-- name: retention_remove_answer_secret
DELETE FROM answer_secret WHERE enrollment_no = $1 AND payload_no = $2;

-- name: retention_remove_delivery
DELETE FROM delivery WHERE enrollment_no = $1 AND payload_no = $2 AND ended_at < $3;

-- name: retention_remove_payload
DELETE FROM payload
WHERE no = $1 AND created_at < $2 AND NOT EXISTS (SELECT 1 FROM delivery WHERE payload_no = $1);

-- name: retention_changes
SELECT no, at, 0 FROM fact_change WHERE no > $1 ORDER BY no LIMIT $2;

-- name: retention_remove_changes
DELETE FROM fact_change WHERE no > $1 AND no <= $2 AND at < $3;

-- name: retention_secrets
SELECT no FROM secret WHERE replaced_at IS NOT NULL AND replaced_at < $1 LIMIT 1;

-- name: retention_remove_secrets
DELETE FROM secret WHERE replaced_at IS NOT NULL AND replaced_at < $1;
