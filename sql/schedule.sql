-- Recurring work; twin of src/mdm/schedule.c and schedule_work.c.
--
-- The slot of an enrollment is (((no & 2147483647) * 2654435769) & 4294967295): as in the index enrollment_slot.

-- name: schedule_next
-- The rule behind $1 that is to be looked at.
SELECT no, name, every, target, request, args, checked, invalid, done_to, round, payload_no, paused FROM schedule_rule
WHERE no > $1 AND invalid IS NULL AND (paused = 0 OR checked = 0) ORDER BY no LIMIT 1;

-- name: schedule_find
SELECT no, name, every, target, request, args, checked, invalid, done_to, round, payload_no, paused FROM schedule_rule
WHERE name = $1;

-- name: schedule_list
SELECT name, every / 1000, target, request, args, paused, CASE WHEN invalid IS NOT NULL THEN 'invalid'
	WHEN paused = 1 THEN 'paused' WHEN checked = 0 THEN 'new' ELSE 'active' END,
	invalid, queued, last_at, created_at, changed_at, no
FROM schedule_rule WHERE no > $1 ORDER BY no LIMIT $2;

-- name: schedule_add
INSERT INTO schedule_rule (name, every, target, request, args, checked, done_to, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, 1, $6, $6, $6);

-- name: schedule_remove
DELETE FROM schedule_rule WHERE name = $1;

-- name: schedule_pause
-- What it goes on with after a pause is what is due from then on.
UPDATE schedule_rule
SET paused = $2, changed_at = $3, done_to = CASE WHEN paused = 1 AND $2 = 0 THEN $3 ELSE done_to END
WHERE name = $1 AND paused <> $2;

-- name: schedule_has_checked
-- $1: 1 for those only that have been found wrong.
SELECT 1 FROM schedule_rule WHERE no > 0 AND checked = 1 AND ($1 = 0 OR invalid IS NOT NULL) ORDER BY no LIMIT 1;

-- name: schedule_recheck
UPDATE schedule_rule SET checked = 0, invalid = NULL WHERE no > 0 AND checked = 1 AND ($1 = 0 OR invalid IS NOT NULL);

-- name: schedule_set_checked
UPDATE schedule_rule SET checked = 1, invalid = $2 WHERE no = $1;

-- name: schedule_done
UPDATE schedule_rule SET done_to = $2 WHERE no = $1;

-- name: schedule_queued
UPDATE schedule_rule SET queued = queued + $2, last_at = $3 WHERE no = $1;

-- name: schedule_set_payload
UPDATE schedule_rule SET round = $2, payload_no = $3 WHERE no = $1;

-- name: schedule_own_payload
UPDATE payload SET schedule_no = $2 WHERE no = $1;

-- name: schedule_drop_payload
-- Nobody took it.
DELETE FROM payload WHERE no = $1 AND NOT EXISTS (SELECT 1 FROM delivery WHERE payload_no = $1);

-- name: schedule_payload
-- The command of the present round, if it is there and not old: what is old may be removed at any time.
SELECT uuid FROM payload WHERE no = $1 AND schedule_no = $2 AND created_at > $3;

-- name: schedule_page_end
-- The last slot of the next $3, and how many they are.
SELECT max(slot), count(*) FROM (
	SELECT (((no & 2147483647) * 2654435769) & 4294967295) AS slot FROM enrollment /*sqlite INDEXED BY enrollment_slot*/
	WHERE (((no & 2147483647) * 2654435769) & 4294967295) BETWEEN $1 AND $2
	ORDER BY (((no & 2147483647) * 2654435769) & 4294967295) LIMIT $3) AS page;

-- name: schedule_due
-- Those whose slot is between $1 and $2, and for whom no command of the rule $3 waits.  Whoever enrolled since $5 has had
-- one then.  $4: the target; $6: the number of the group that it is, or NULL.
SELECT e.no, e.id
FROM enrollment e /*sqlite INDEXED BY enrollment_slot*/ LEFT JOIN enrollment d ON d.no = e.device_no
WHERE (((e.no & 2147483647) * 2654435769) & 4294967295) BETWEEN $1 AND $2
	AND e.state = 'enrolled' AND e.blocked + COALESCE(d.blocked, 0) = 0
	AND CASE WHEN $6 IS NOT NULL THEN EXISTS (
			SELECT 1 FROM named_group_member m WHERE m.group_no = $6 AND m.enrollment_no = e.no)
		WHEN $4 = 'all' THEN e.device_no IS NULL ELSE e.id = $4 END
	AND NOT EXISTS (
		SELECT 1 FROM delivery w /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = w.payload_no
		WHERE w.enrollment_no = e.no AND w.ended_at IS NULL AND p.schedule_no = $3)
	AND NOT (e.enrolled_at > $5 AND EXISTS (
		SELECT 1 FROM payload p JOIN delivery w ON w.payload_no = p.no
		WHERE p.schedule_no = $3 AND p.created_at > $5 AND w.enrollment_no = e.no AND w.queued_at >= e.enrolled_at))
ORDER BY (((e.no & 2147483647) * 2654435769) & 4294967295);

-- name: schedule_may_get
-- Can $1 be given a command of the rule $2 now, whatever its slot?
SELECT e.no, e.id FROM enrollment e LEFT JOIN enrollment d ON d.no = e.device_no
WHERE e.id = $1 AND e.state = 'enrolled' AND e.blocked + COALESCE(d.blocked, 0) = 0
	AND NOT EXISTS (
		SELECT 1 FROM delivery w /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = w.payload_no
		WHERE w.enrollment_no = e.no AND w.ended_at IS NULL AND p.schedule_no = $2);

-- ---- newcomers ----

-- name: schedule_newcomers
-- Those of whom it is known in which groups they are.
SELECT n.enrollment_no FROM schedule_newcomer n
WHERE n.enrollment_no > 0 AND NOT EXISTS (SELECT 1 FROM group_look g WHERE g.enrollment_no = n.enrollment_no)
ORDER BY n. enrollment_no LIMIT $1;

-- name: schedule_newcomer_due
-- Is the newcomer $1 one for the rule $2?
SELECT e.no, e.id FROM enrollment e LEFT JOIN enrollment d ON d.no = e.device_no
WHERE e.no = $1 AND e.state = 'enrolled' AND e.blocked + COALESCE(d.blocked, 0) = 0
	AND CASE WHEN $4 IS NOT NULL THEN EXISTS (
			SELECT 1 FROM named_group_member m WHERE m.group_no = $4 AND m.enrollment_no = e.no)
		WHEN $3 = 'all' THEN e.device_no IS NULL ELSE e.id = $3 END
	AND NOT EXISTS (
		SELECT 1 FROM delivery w /*sqlite INDEXED BY delivery_open*/ JOIN payload p ON p.no = w.payload_no
		WHERE w.enrollment_no = e.no AND w.ended_at IS NULL AND p.schedule_no = $2);

-- name: schedule_newcomer_remove
DELETE FROM schedule_newcomer WHERE enrollment_no = $1;
