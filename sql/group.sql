-- Named lists of enrollments; twin of src/mdm/group.c.

-- name: group_find
SELECT no, name, condition, problem, edition, CASE WHEN condition IS NULL OR found = edition THEN 1 ELSE 0 END
FROM named_group WHERE name = $1;

-- name: group_add
INSERT INTO named_group (name, condition, edition, created_at, changed_at)
VALUES ($1, $2, CASE WHEN $2 IS NULL THEN 0 ELSE 1 END, $3, $3);

-- name: group_change
UPDATE named_group SET condition = $2, edition = edition + 1, problem = NULL, changed_at = $3 WHERE no = $1;

-- name: group_touch
UPDATE named_group SET changed_at = $2 WHERE no = $1;

-- name: group_remove
DELETE FROM named_group WHERE no = $1;

-- name: group_remove_members
DELETE FROM named_group_member WHERE group_no = $1;

-- name: group_add_member
INSERT INTO named_group_member (group_no, enrollment_no)
SELECT $1, no FROM enrollment WHERE id = $2
ON CONFLICT (group_no, enrollment_no) DO NOTHING;

-- name: group_remove_member
DELETE FROM named_group_member
WHERE group_no = $1 AND enrollment_no = (SELECT no FROM enrollment WHERE id = $2);
