-- What may be wrong in a store that works; twin of src/mdm/doctor.c.  Each row is a finding: how many, of how many devices,
-- one of them, and the reason where there is one.

-- name: doctor_topics
-- Devices that nobody can wake: there is no certificate for their topic.
SELECT COUNT(*), COUNT(*), MIN(e.id), e.topic
FROM enrollment e
WHERE e.state = 'enrolled' AND e.blocked = 0 AND $1 = $1
	AND NOT EXISTS (SELECT 1 FROM push_certificate c WHERE c.topic = e.topic)
GROUP BY e.topic ORDER BY e.topic;

-- name: doctor_stalled
-- Commands that could go since before $1, to devices that were here after it.
SELECT COUNT(*), COUNT(DISTINCT d.enrollment_no), MIN(e.id), MIN(p.request)
FROM delivery d JOIN enrollment e ON e.no = d.enrollment_no JOIN payload p ON p.no = d.payload_no
WHERE d.ended_at IS NULL AND d.queued_at < $1 AND (d.not_before IS NULL OR d.not_before < $1)
	AND e.state = 'enrolled' AND e.blocked = 0 AND e.last_seen > $1;

-- name: doctor_shut_out
-- Commands that wait for devices that are blocked, or for users of such.
SELECT COUNT(*), COUNT(DISTINCT w.enrollment_no), MIN(e.id), MIN(p.request)
FROM delivery w JOIN enrollment e ON e.no = w.enrollment_no JOIN payload p ON p.no = w.payload_no
	LEFT JOIN enrollment d ON d.no = e.device_no
WHERE w.ended_at IS NULL AND e.blocked + COALESCE(d.blocked, 0) > 0 AND $1 = $1;

-- name: doctor_no_identity
-- Those for devices whose identity has expired by $1, was revoked, or is not there and cannot be the first that comes.
SELECT COUNT(*), COUNT(DISTINCT w.enrollment_no), MIN(e.id), MIN(p.request)
FROM delivery w JOIN enrollment e ON e.no = w.enrollment_no JOIN payload p ON p.no = w.payload_no
	LEFT JOIN enrollment d ON d.no = e.device_no
WHERE w.ended_at IS NULL AND COALESCE(d.state, e.state) = 'enrolled' AND e.blocked + COALESCE(d.blocked, 0) = 0
	AND (COALESCE(d.identity_expires, e.identity_expires) <= $1
		OR COALESCE(d.certificate, e.certificate) IS NULL AND (
			NOT EXISTS (SELECT 1 FROM setting_value WHERE name = 'pin_unknown' AND value = 'on')
			OR EXISTS (SELECT 1 FROM former_pin f
				WHERE f.enrollment_no = COALESCE(d.no, e.no) AND f.reason IS NOT NULL)));

-- name: doctor_push_stopped
-- Enrollments that APNs wants no more pushes for.
SELECT COUNT(*), COUNT(*), MIN(e.id), MIN(p.stopped)
FROM push p JOIN enrollment e ON e.no = p.enrollment_no
WHERE p.stopped IS NOT NULL AND e.state = 'enrolled' AND e.blocked = 0 AND $1 = $1;

-- name: doctor_push_failing
SELECT COUNT(*), COUNT(*), MIN(e.id), MIN(p.reason)
FROM push p JOIN enrollment e ON e.no = p.enrollment_no
WHERE p.failures > 0 AND p.stopped IS NULL AND e.state = 'enrolled' AND e.blocked = 0 AND $1 = $1;

-- name: doctor_push_late
-- Due since before $1, under a certificate that can be used, and not sent.
SELECT COUNT(*), COUNT(*), MIN(e.id), NULL
FROM push p JOIN enrollment e ON e.no = p.enrollment_no JOIN push_certificate c ON c.topic = p.topic
WHERE p.due_at IS NOT NULL AND p.due_at < $1 AND c.stopped IS NULL AND e.state = 'enrolled';

-- name: doctor_unseen
SELECT COUNT(*), COUNT(*), MIN(e.id), NULL
FROM enrollment e
WHERE e.state = 'enrolled' AND e.blocked = 0 AND e.device_no IS NULL AND e.last_seen < $1;


-- name: doctor_identities
-- Devices whose identity ends before $1.
SELECT COUNT(*), COUNT(*), MIN(e.id), NULL
FROM enrollment e
WHERE e.identity_expires IS NOT NULL AND e.identity_expires < $1 AND e.state = 'enrolled' AND e.blocked = 0
	AND e.device_no IS NULL;

-- name: doctor_groups
-- Groups whose condition is wrong; the example is a name.
SELECT COUNT(*), 0, MIN(name), MIN(problem) FROM named_group WHERE problem IS NOT NULL AND $1 = $1;

-- name: doctor_schedules
-- Schedules that are not right; the example is a name.
SELECT COUNT(*), 0, MIN(name), MIN(invalid) FROM schedule_rule WHERE invalid IS NOT NULL AND $1 = $1;
