-- What a device is, for the check of a command; twin of src/mdm/target.c.  A user channel's is its device.

-- name: target_find
SELECT e.no, e.id, e.kind, COALESCE(d.product, e.product), COALESCE(d.model_name, e.model_name),
	COALESCE(d.os_version, e.os_version), COALESCE(d.supervised, e.supervised),
	COALESCE(d.enrolled_via_dep, e.enrolled_via_dep), COALESCE(d.user_approved, e.user_approved),
	COALESCE(d.multi_user, e.multi_user)
FROM enrollment e LEFT JOIN enrollment d ON d.no = e.device_no
WHERE e.id = $1;

-- name: target_page
-- The devices that get what is for all.
SELECT no, id, kind, product, model_name, os_version, supervised, enrolled_via_dep, user_approved, multi_user
FROM enrollment
WHERE no > $1 AND no <= $2 AND device_no IS NULL AND state = 'enrolled' AND blocked = 0
ORDER BY no;
