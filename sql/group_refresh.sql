-- Who is in the groups that have a condition; twin of src/mdm/group_refresh.c.

-- name: group_refresh_looks
SELECT enrollment_no FROM group_look ORDER BY enrollment_no LIMIT $1;

-- name: group_refresh_looked
DELETE FROM group_look WHERE enrollment_no = $1;

-- name: group_refresh_stale
-- The next group whose members are not those of its condition.
SELECT no, name, condition, problem, edition FROM named_group
WHERE condition IS NOT NULL AND found <> edition ORDER BY no LIMIT 1;

-- name: group_refresh_next
SELECT no, name, condition, problem, edition FROM named_group
WHERE condition IS NOT NULL AND problem IS NULL AND no > $1 ORDER BY no LIMIT 1;

-- name: group_refresh_again
SELECT no, name, condition, problem, edition FROM named_group WHERE no = $1 AND condition IS NOT NULL;

-- name: group_refresh_page
-- The columns are those of enum condition_column, in its order; then the number, and whether it is a member.
SELECT v.id, v.device_id, v.kind, v.udid, v.serial, v.name, v.model, v.model_name, v.product, v.os_version, v.os_major,
	v.build, v.topic, v.state, v.enrolled_at, v.last_seen, v.supervised, v.enrolled_via_dep, v.user_approved,
	v.user_short_name, e.no, CASE WHEN m.group_no IS NULL THEN 0 ELSE 1 END
FROM enrollment e JOIN device v ON v.id = e.id
LEFT JOIN named_group_member m ON m.group_no = $3 AND m.enrollment_no = e.no
WHERE e.no > $1 ORDER BY e.no LIMIT $2;

-- name: group_refresh_device
-- A device and its user channels.
SELECT v.id, v.device_id, v.kind, v.udid, v.serial, v.name, v.model, v.model_name, v.product, v.os_version, v.os_major,
	v.build, v.topic, v.state, v.enrolled_at, v.last_seen, v.supervised, v.enrolled_via_dep, v.user_approved,
	v.user_short_name, e.no, CASE WHEN m.group_no IS NULL THEN 0 ELSE 1 END
FROM (SELECT no, id FROM enrollment WHERE no = $1 UNION ALL SELECT no, id FROM enrollment WHERE device_no = $1) e
JOIN device v ON v.id = e.id
LEFT JOIN named_group_member m ON m.group_no = $2 AND m.enrollment_no = e.no;

-- name: group_refresh_add
INSERT INTO named_group_member (group_no, enrollment_no) VALUES ($1, $2);

-- name: group_refresh_drop
DELETE FROM named_group_member WHERE group_no = $1 AND enrollment_no = $2;

-- name: group_refresh_found
UPDATE named_group SET found = $2, problem = $3 WHERE no = $1;
