-- Which enrollments are meant; twin of src/mdm/selection.c.  Pages: behind number $1, no more than $2.

-- name: selection_devices
-- The columns are those of enum condition_column, in its order.
SELECT v.id, v.device_id, v.kind, v.udid, v.serial, v.name, v.model, v.model_name, v.product, v.os_version, v.os_major,
	v.build, v.topic, v.state, v.enrolled_at, v.last_seen, v.supervised, v.enrolled_via_dep, v.user_approved,
	v.user_short_name, e.no
FROM enrollment e JOIN device v ON v.id = e.id
WHERE e.no > $1 ORDER BY e.no LIMIT $2;

-- name: selection_all
SELECT id, no FROM enrollment
WHERE no > $1 AND device_no IS NULL AND state = 'enrolled' AND blocked = 0 ORDER BY no LIMIT $2;

-- name: selection_members
SELECT e.id, m.enrollment_no FROM named_group_member m JOIN enrollment e ON e.no = m.enrollment_no
WHERE m.group_no = $3 AND m.enrollment_no > $1 ORDER BY m.enrollment_no LIMIT $2;
